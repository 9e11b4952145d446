"""Activations: what a unit makes of its net input. Value, derivative, monotonicity and saturation of each.

An activation saturates where it flattens towards a constant: there its derivative vanishes and with it the
error signal. `Activation.saturates` holds the two limits for x -> -inf and x -> +inf, None where there is no
finite one. Derivatives at a kink (0 for the rectifiers) are those that torch takes: the one from the left.

Shapes: any; every function works element by element and keeps the shape.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import choose

LEAKY_SLOPE = 0.01
PRELU_SLOPE = 0.25  # where its authors start to learn it
# Beyond this log(1 + exp(x)) equals x in float64 too; torch's own 20 is seen there.
SOFTPLUS_LINEAR = 40.0


def identity(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The linear unit, f(x) = x."""
    return x


def identity_derivative(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """f'(x) = 1."""
    return torch.ones_like(x)


def sigmoid(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Logistic function, 1 / (1 + exp(-x)); saturates at 0 and 1."""
    return torch.sigmoid(x)


def sigmoid_derivative(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """s'(x) = s(x) (1 - s(x)), at most 1/4."""
    s = torch.sigmoid(x)
    return s * (1 - s)


def tanh(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Hyperbolic tangent, 2 s(2x) - 1 with the logistic s; saturates at -1 and 1."""
    return torch.tanh(x)


def tanh_derivative(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """tanh'(x) = 1 - tanh(x)^2."""
    return 1 - torch.tanh(x).square()


def relu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Rectified linear unit, max(0, x).

    Source: V. Nair, G. Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.
    """
    return torch.relu(x)


def relu_derivative(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """1 for x > 0, else 0."""
    return (x > 0).to(x.dtype)


def leaky_relu(x: Float[Tensor, "*shape"], slope: float = LEAKY_SLOPE) -> Float[Tensor, "*shape"]:
    """Rectifier that lets a little through below zero, max(0, x) + slope min(0, x).

    Source: A. Maas, A. Hannun, A. Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.
    """
    return F.leaky_relu(x, slope)


def leaky_relu_derivative(x: Float[Tensor, "*shape"], slope: float = LEAKY_SLOPE) -> Float[Tensor, "*shape"]:
    """1 for x > 0, else `slope`."""
    return torch.where(x > 0, torch.ones_like(x), slope)


def prelu(x: Float[Tensor, "*shape"], slope: float | Float[Tensor, ""] = PRELU_SLOPE) -> Float[Tensor, "*shape"]:
    """Parametric rectifier: max(0, x) + a min(0, x) with a learned slope a; not monotone where it learns a < 0.

    Source: K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", 2015.
    Departs from the notes: they print max(a x, x), the same only for a <= 1 (errata E10).
    """
    return x.clamp(min=0) + slope * x.clamp(max=0)


def prelu_derivative(
    x: Float[Tensor, "*shape"], slope: float | Float[Tensor, ""] = PRELU_SLOPE
) -> Float[Tensor, "*shape"]:
    """1 for x > 0, else a."""
    return torch.where(x > 0, torch.ones_like(x), slope)


def softplus(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Smooth rectifier, log(1 + exp(x)); saturates at 0 on the left."""
    return F.softplus(x, threshold=SOFTPLUS_LINEAR)


def softplus_derivative(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The logistic function."""
    return torch.sigmoid(x)


def gelu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Gaussian error linear unit, x Phi(x) with the normal distribution function Phi; dips to -0.17 at x = -0.75.

    Source: D. Hendrycks, K. Gimpel, "Gaussian error linear units", 2016.
    """
    return F.gelu(x)


def gelu_derivative(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Phi(x) + x phi(x) with the normal density phi."""
    density = torch.exp(-x.square() / 2) / math.sqrt(2 * math.pi)
    distribution: Tensor = torch.special.ndtr(x)
    return distribution + x * density


def silu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Sigmoid linear unit, x s(x): Swish with beta = 1; dips to -0.28 at x = -1.28.

    Source: S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units", 2017.
    """
    return F.silu(x)


def silu_derivative(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """s(x) (1 + x (1 - s(x)))."""
    s = torch.sigmoid(x)
    return s * (1 + x * (1 - s))


def swish(x: Float[Tensor, "*shape"], beta: float | Float[Tensor, ""] = 1.0) -> Float[Tensor, "*shape"]:
    """x s(beta x): from x/2 at beta = 0 over SiLU at 1 to the rectifier for beta -> inf.

    Source: P. Ramachandran, B. Zoph, Q. Le, "Searching for activation functions", 2017.
    Departs from the notes: they call this SiLU, which is the case beta = 1 (errata E10).
    """
    return x * torch.sigmoid(beta * x)


def swish_derivative(x: Float[Tensor, "*shape"], beta: float | Float[Tensor, ""] = 1.0) -> Float[Tensor, "*shape"]:
    """s(beta x) (1 + beta x (1 - s(beta x)))."""
    s = torch.sigmoid(beta * x)
    return s * (1 + beta * x * (1 - s))


def sign(x: Float[Tensor, "*shape"], at_zero: float = 1.0) -> Float[Tensor, "*shape"]:
    """-1 below zero, 1 above, `at_zero` at zero: 1 by default, so that a unit always has one of two states.

    Departs from the notes: they say +1 in one place, 0 in another and leave it open in a third; results
    depend on it (errata E25).
    """
    return torch.sign(x) + at_zero * (x == 0).to(x.dtype)


def step(x: Float[Tensor, "*shape"], at_zero: float = 1.0) -> Float[Tensor, "*shape"]:
    """0 below zero, 1 above, `at_zero` at zero: 1 by default, firing at the threshold (errata E25)."""
    return (sign(x, at_zero=2 * at_zero - 1) + 1) / 2


def flat_derivative(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Derivative of sign and step, 0: they saturate everywhere and no gradient passes."""
    return torch.zeros_like(x)


class Swish(nn.Module):
    """Swish with one learned beta, 1 at first."""

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.tensor(beta))

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """x s(beta x)."""
        return swish(x, self.beta)


class Sign(nn.Module):
    """`sign` with sgn(0) = 1."""

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """-1 or 1."""
        return sign(x)


class Step(nn.Module):
    """`step` with step(0) = 1."""

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """0 or 1."""
        return step(x)


@dataclass(frozen=True)
class Activation:
    """An activation and what is known about it."""

    name: str
    function: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor], Tensor]
    module: Callable[[], nn.Module]
    """Makes a fresh module, one for each layer: some learn a parameter of their own."""
    monotone: bool
    """Never falls, whatever is learned; then max pooling may go before it."""
    saturates: tuple[float | None, float | None]
    """Limits for x -> -inf and x -> +inf, None where there is no finite one."""


def _softplus_module() -> nn.Module:
    return nn.Softplus(threshold=SOFTPLUS_LINEAR)


ACTIVATIONS: dict[str, Activation] = {
    entry.name: entry
    for entry in (
        Activation("identity", identity, identity_derivative, nn.Identity, True, (None, None)),
        Activation("sigmoid", sigmoid, sigmoid_derivative, nn.Sigmoid, True, (0.0, 1.0)),
        Activation("tanh", tanh, tanh_derivative, nn.Tanh, True, (-1.0, 1.0)),
        Activation("relu", relu, relu_derivative, nn.ReLU, True, (0.0, None)),
        Activation("leaky_relu", leaky_relu, leaky_relu_derivative, nn.LeakyReLU, True, (None, None)),
        Activation("prelu", prelu, prelu_derivative, nn.PReLU, False, (None, None)),
        Activation("softplus", softplus, softplus_derivative, _softplus_module, True, (0.0, None)),
        Activation("gelu", gelu, gelu_derivative, nn.GELU, False, (0.0, None)),
        Activation("silu", silu, silu_derivative, nn.SiLU, False, (0.0, None)),
        Activation("swish", swish, swish_derivative, Swish, False, (0.0, None)),
        Activation("sign", sign, flat_derivative, Sign, True, (-1.0, 1.0)),
        Activation("step", step, flat_derivative, Step, True, (0.0, 1.0)),
    )
}


def activation(name: str) -> Activation:
    """The activation called `name`. Raises ConfigError: no such activation; the message names the closest."""
    return choose(name, ACTIVATIONS, "activation")
