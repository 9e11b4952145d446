"""First weights: random, of a size that neither drowns nor blows up the signal on its way through the layers.

A layer of n inputs with independent weights of standard deviation s, fed with activations phi(z) of normal z,
has net inputs of mean square n s^2 E[phi(z)^2]. It stays 1 for s = g / sqrt(n) with the gain

    g = 1 / sqrt(E[phi(z)^2]),    z ~ N(0, 1),

1 for linear units, sqrt(2) for ReLU. The mean over draws of the weights is kept, not the typical value: in a
net of finite width the logarithm drifts down and spreads, both in proportion to depth / width.

With x of mean square gamma^2 (gamma a standard deviation) and weights of variance s^2, Var[(W x)_i] = n s^2 gamma^2.

| scheme | distribution | standard deviation |
|---|---|---|
| normal | normal | 0.01, whatever the layer |
| uniform | uniform within 1/sqrt(n) | 1 / sqrt(3 n) |
| lecun, lecun-uniform | normal, uniform | 1 / sqrt(n) |
| xavier, xavier-normal | uniform, normal | sqrt(2 / (n + m)), m outputs |
| he, he-uniform | normal, uniform | g / sqrt(n) |
| orthogonal | orthonormal rows or columns, times g | g / sqrt(max(n, m)) |

A uniform form of standard deviation s draws from [-sqrt(3) s, sqrt(3) s]. All singular values of an orthogonal
weight are g. On the way back the error signal keeps its size for m s^2 E[phi'(z)^2] = 1, which with s chosen for the
way forwards holds where n = m and both expectations agree: exactly so for linear units and rectifiers.

Sources: Y. LeCun, L. Bottou, G. Orr, K.-R. Mueller, "Efficient BackProp", 1998; X. Glorot, Y. Bengio,
"Understanding the difficulty of training deep feedforward neural networks", 2010; K. He et al., "Delving deep
into rectifiers", 2015; A. Saxe, J. McClelland, S. Ganguli, "Exact solutions to the nonlinear dynamics of
learning in deep linear neural networks", 2014.
Departs from the notes: there gamma is said to be a standard deviation and used as a variance, and the eigenvalues of
an orthogonal matrix are said to be +-1, where they lie on the unit circle; its singular values are 1 (errata E55).
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from neurarium.checks import ShapeError, choose
from neurarium.nets.parts.activation import activation as find_activation

NORMAL_STD = 0.01


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """Inputs and outputs of one unit of a weight (outputs, inputs, *kernel); ShapeError for fewer dimensions.

    Example:
        >>> fans((16, 6, 5, 5))
        (150, 400)
    """
    if len(shape) < 2:
        raise ShapeError("weight", expected="(outputs, inputs, *kernel)", got=str(tuple(shape)))
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def uniform_std(fan_in: int) -> float:
    """Uniform on [-1/sqrt(n), 1/sqrt(n)]: 1 / sqrt(3 n)."""
    return 1 / math.sqrt(3 * fan_in)


def lecun_std(fan_in: int, gain: float = 1.0) -> float:
    """gain / sqrt(n): keeps the signal's size through linear units."""
    return gain / math.sqrt(fan_in)


def xavier_std(fan_in: int, fan_out: int, gain: float = 1.0) -> float:
    """gain sqrt(2 / (n + m)): between keeping the signal's size forwards and the error signal's backwards."""
    return gain * math.sqrt(2 / (fan_in + fan_out))


def he_std(fan_in: int, gain: float = math.sqrt(2)) -> float:
    """gain / sqrt(n), by default for ReLU, which halves the mean square."""
    return gain / math.sqrt(fan_in)


def orthogonal_std(fan_in: int, fan_out: int, gain: float = 1.0) -> float:
    """Root mean square entry of gain times a matrix with orthonormal rows or columns, whichever are fewer."""
    return gain / math.sqrt(max(fan_in, fan_out))


def gaussian_mean_square(function: Callable[[Tensor], Tensor], mean_square: float = 1.0) -> float:
    """E[f(z)^2] for z ~ N(0, q), q the mean square of the net inputs; kinks and jumps of f, if any, at 0."""
    # The trapezoidal rule on a grid symmetric about 0, where the kinks are, is exact to about 1e-9 here.
    z = torch.linspace(-10, 10, 40001, dtype=torch.float64, device="cpu")
    density = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
    with torch.no_grad():
        square = function(math.sqrt(mean_square) * z).square()
    return torch.trapezoid(square * density, z).item()


@functools.cache
def activation_gain(activation: str) -> float:
    """1 / sqrt(E[phi(z)^2]), z ~ N(0, 1): what makes up for the activation's loss of mean square; 1.5925 for tanh."""
    return 1 / math.sqrt(gaussian_mean_square(find_activation(activation).function))


@dataclass(frozen=True)
class Scheme:
    """How to draw a weight."""

    std: Callable[[int, int, float], float]
    """Standard deviation from fan-in, fan-out and gain."""
    distribution: Literal["normal", "uniform", "orthogonal"]
    for_activation: bool = False
    """The gain is that of the activation, where none is given; else 1."""


SCHEMES: dict[str, Scheme] = {
    "normal": Scheme(lambda fan_in, fan_out, gain: gain * NORMAL_STD, "normal"),
    "uniform": Scheme(lambda fan_in, fan_out, gain: gain * uniform_std(fan_in), "uniform"),
    "lecun": Scheme(lambda fan_in, fan_out, gain: lecun_std(fan_in, gain), "normal"),
    "lecun-uniform": Scheme(lambda fan_in, fan_out, gain: lecun_std(fan_in, gain), "uniform"),
    "xavier": Scheme(xavier_std, "uniform"),
    "xavier-normal": Scheme(xavier_std, "normal"),
    "he": Scheme(lambda fan_in, fan_out, gain: he_std(fan_in, gain), "normal", for_activation=True),
    "he-uniform": Scheme(lambda fan_in, fan_out, gain: he_std(fan_in, gain), "uniform", for_activation=True),
    "orthogonal": Scheme(orthogonal_std, "orthogonal", for_activation=True),
}


@torch.no_grad()
def initialize_(
    weight: Float[Tensor, "outputs inputs *kernel"],
    scheme: str = "he",
    gain: float | None = None,
    activation: str = "relu",
    generator: Generator | None = None,
) -> Float[Tensor, "outputs inputs *kernel"]:
    """Fill `weight` in place by a scheme of the table above, and return it.

    `gain`: factor on the scheme's standard deviation; None: the activation's for he and orthogonal, else 1.
    Raises ConfigError: no such scheme or activation.
    """
    chosen = choose(scheme, SCHEMES, "initial")
    if gain is None:
        gain = activation_gain(activation) if chosen.for_activation else 1.0
    std = chosen.std(*fans(weight.shape), gain)
    if chosen.distribution == "normal":
        weight.normal_(0, std, generator=generator)
    elif chosen.distribution == "uniform":
        weight.uniform_(-math.sqrt(3) * std, math.sqrt(3) * std, generator=generator)
    else:
        nn.init.orthogonal_(weight, gain, generator=generator)
    return weight


@torch.no_grad()
def initialize_layer_(
    layer: nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d,
    scheme: str = "he",
    activation: str = "relu",
    generator: Generator | None = None,
) -> None:
    """Fill a layer's weight by the scheme and its bias, where it has one, with zeros."""
    initialize_(layer.weight, scheme, activation=activation, generator=generator)
    if layer.bias is not None:
        layer.bias.zero_()
