"""What one hidden layer can approximate, and how many linear pieces a net of rectified units can have.

    int_{|x| <= r} (f - g_m)^2 dmu <= (2 r C_f)^2 / m,    C_f = int |w| |f^(w)| dw      Barron: m sigmoid units, a bias

f^ is the Fourier transform for which f(x) = int exp(i w.x) f^(w) dw. The rate 1/m knows no dimension, but C_f may: for
f(x) = exp(-|x|^2 / 2 s^2) it is E|w| = sqrt(2) Gamma((n + 1)/2) / (s Gamma(n/2)), about sqrt(n)/s.

    R(m) = sum_{i=0}^{min(n, m)} C(m, i)        most regions into which m hyperplanes cut n dimensions
    R(m, L) >= R(m) floor(m/n)^(n (L - 1))      for the net of L layers, m > n units each, with the most of them

Source: A. Barron, "Universal approximation bounds for superpositions of a sigmoidal function", 1993; T. Zaslavsky,
"Facing up to arrangements", 1975; G. Montufar, R. Pascanu, K. Cho, Y. Bengio, "On the number of linear regions of deep
neural networks", 2014.
Departs from the notes: C_f is defined there nowhere, and the bound hides it (errata E35); the number of regions is that
of the best weights, not of every net (errata E36): `pieces` counts those of a given one.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ConfigError, ShapeError

Layer = tuple[Tensor, Tensor]


def gaussian_constant(inputs: int, spread: float = 1.0) -> float:
    """Barron's constant C_f of exp(-|x|^2 / 2 s^2) in n dimensions: it grows as their root."""
    _positive("inputs", inputs)
    return math.sqrt(2) * math.exp(math.lgamma((inputs + 1) / 2) - math.lgamma(inputs / 2)) / spread


def barron_bound(constant: float, radius: float, units: int) -> float:
    """Squared error that one hidden layer of m units need not exceed on a ball: (2 r C_f)^2 / m."""
    _positive("units", units)
    return (2 * radius * constant) ** 2 / units


def most_regions(inputs: int, units: int) -> int:
    """Most linear regions of one hidden layer of rectified units, R(m): 7 of three lines in the plane."""
    _positive("inputs", inputs)
    return sum(math.comb(units, i) for i in range(min(inputs, units) + 1))


def reachable_regions(inputs: int, units: int, layers: int) -> int:
    """Regions that some weights reach in L layers of m > n units (else ConfigError): R(m) floor(m/n)^(n (L - 1))."""
    if units <= inputs:
        raise ConfigError("units", expected=f"more than the {inputs} inputs", got=str(units))
    _positive("layers", layers)
    return int(most_regions(inputs, units) * (units // inputs) ** (inputs * (layers - 1)))


def pieces(layers: Sequence[Layer], start: Float[Tensor, "inputs"], end: Float[Tensor, "inputs"]) -> Float[Tensor, "_"]:
    """Where a net of rectified units bends on the way from one point to another, in fractions of the way from 0 to 1.

    On the way the pre-activations of a layer are linear between the bends below it, so each of their zeros is found
    exactly; nothing is sampled. One more number than there are pieces.

    `layers`: weights (units, units below) and biases of the hidden layers, from the inputs upwards (else ShapeError).

    Example:
        >>> tent = (torch.tensor([[2.0], [4.0]]), torch.tensor([0.0, -2.0]))  # relu(2x), relu(4x - 2)
        >>> pieces([tent], torch.tensor([0.0]), torch.tensor([1.0]))
        tensor([0.0000, 0.5000, 1.0000], dtype=torch.float64)
    """
    t = torch.tensor([0.0, 1.0], dtype=torch.float64)
    h = torch.stack([start, end]).double()
    for number, (weight, bias) in enumerate(layers):
        if weight.dim() != 2 or weight.shape[1] != h.shape[1] or bias.shape != weight.shape[:1]:
            raise ShapeError(
                f"layer {number}",
                expected=f"weights (units, {h.shape[1]}) and as many biases as units",
                got=f"{tuple(weight.shape)} and {tuple(bias.shape)}",
            )
        a = h @ weight.double().T + bias.double()
        interval, unit = (a[:-1].sign() * a[1:].sign() < 0).nonzero(as_tuple=True)
        low, high = a[interval, unit], a[interval + 1, unit]
        fraction = low / (low - high)
        bends = t[interval] + fraction * (t[interval + 1] - t[interval])
        between = a[interval] + fraction[:, None] * (a[interval + 1] - a[interval])
        between[torch.arange(len(unit)), unit] = 0.0
        t, order = torch.cat([t, bends]).sort(stable=True)
        h = torch.cat([a, between])[order].relu()
    return t


def _positive(name: str, value: int) -> None:
    if value < 1:
        raise ConfigError(name, expected="an integer >= 1", got=str(value))
