"""What the numbers in a layer's output say about its units: spread, zeros, saturation, death."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from neurarium.nets.parts.activation import Sign, Step

SATURATED_BELOW = 0.05
"""A unit is saturated where its derivative is below this fraction of the largest that the function has."""

_RECTIFIERS = (nn.ReLU, nn.ReLU6)


class Statistics(NamedTuple):
    """Mean, standard deviation, smallest, largest and fraction of zeros of a tensor's numbers."""

    mean: float
    deviation: float
    smallest: float
    largest: float
    zeros: float


def statistics(y: Float[Tensor, "*shape"]) -> Statistics:
    """Describe the numbers in `y`; the deviation is the population's, dividing by their count.

    Example:
        >>> statistics(torch.tensor([0.0, 2.0, 0.0, 2.0]))
        Statistics(mean=1.0, deviation=1.0, smallest=0.0, largest=2.0, zeros=0.5)
    """
    y = y.detach()
    if y.dtype in (torch.float16, torch.bfloat16):
        y = y.float()
    mean = y.mean()
    # several times as fast as torch.std_mean on the CPU, and as exact; squares of a vanishing signal would be zero
    deviation = length(y - mean) / math.sqrt(y.numel())
    zeros = 1 - torch.count_nonzero(y) / y.numel()
    others = torch.stack([*torch.aminmax(y), zeros.to(y.dtype)]).tolist()
    return Statistics(float(mean), deviation, *others)


def length(x: Float[Tensor, "*shape"]) -> float:
    """Euclidean length, also where the squares leave the range of the number format.

    Example:
        >>> length(torch.tensor([3e-30, 4e-30]))  # doctest: +ELLIPSIS
        5.0...e-30
    """
    x = x.detach()
    norm = float(torch.linalg.vector_norm(x, dtype=torch.promote_types(x.dtype, torch.float32)))
    if 1e-15 < norm < 1e15:
        return norm
    scale = float(x.abs().max()) if x.numel() else 0.0
    # scaled by the largest, squares neither overflow nor vanish; infinite and undefined numbers stay what they are
    return scale * float(torch.linalg.vector_norm(x.float() / scale)) if 0 < scale < float("inf") else scale


def saturated_fraction(layer: nn.Module, y: Float[Tensor, "*shape"]) -> float | None:
    """Fraction of saturated units among the outputs `y` of an activation.

        sigmoid   y (1 - y)  <  c/4        softmax   p (1 - p)  <  c/4  for the largest p of a row, if p > 1/2
        tanh      1 - y^2    <  c          hard sigmoid, hard tanh, ReLU6 at 6, sign, step: derivative exactly zero

    with c = SATURATED_BELOW, 1/4 and 1 being the largest derivatives. A softmax saturates a row at a time: when one
    answer takes all, the Jacobian diag(p) - p p^T is near zero in every entry. That a probability is small is no
    saturation by itself: among a thousand classes nearly all are.
    Returns: None for layers that do not saturate on both sides, and for functions called outside of any layer.

    Example:
        >>> saturated_fraction(nn.Sigmoid(), torch.tensor([0.5, 0.999]))
        0.5
    """
    flat = next((test for kind, test in _FLAT.items() if isinstance(layer, kind)), None)
    if flat is None:
        return None
    return float(flat(layer, y.detach()).float().mean())


def dead_fraction(layer: nn.Module, y: Float[Tensor, "..."], axis: int = 0) -> float | None:
    """Fraction of a rectifier's units that are zero for every example of the batch.

    A unit is a place in the output; in maps (four or more axes) it is a channel, because a kernel's units share their
    weights and die together.
    Returns: None for other layers.

    Example:
        >>> dead_fraction(nn.ReLU(), torch.tensor([[0.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.0, 0.0]]))
        0.5
    """
    if not isinstance(layer, _RECTIFIERS):
        return None
    others = tuple(k for k in range(y.dim()) if k != 1) if y.dim() >= 4 else (axis,)
    # a maximum costs one pass, and is undefined (not zero) where a number is
    return float((y.detach().amax(others) == 0).float().mean())


def _flat_softmax(layer: nn.Module, p: Float[Tensor, "*shape"]) -> Bool[Tensor, "*rows"]:
    axis = layer.dim if isinstance(layer, nn.Softmax) and layer.dim is not None else 1 if p.dim() in (2, 4) else 0
    largest = p.amax(axis)
    return (largest > 0.5) & (largest * (1 - largest) < SATURATED_BELOW / 4)


def _flat_hard_tanh(layer: nn.Module, y: Float[Tensor, "*shape"]) -> Bool[Tensor, "*shape"]:
    assert isinstance(layer, nn.Hardtanh)
    return (y <= layer.min_val) | (y >= layer.max_val)


_FLAT: dict[type[nn.Module], Callable[[nn.Module, Tensor], Tensor]] = {
    nn.Sigmoid: lambda _, y: y * (1 - y) < SATURATED_BELOW / 4,
    nn.Tanh: lambda _, y: 1 - y.square() < SATURATED_BELOW,
    nn.Softmax: _flat_softmax,
    nn.Hardsigmoid: lambda _, y: (y <= 0) | (y >= 1),
    nn.ReLU6: lambda _, y: y >= 6,  # zeros are a rectifier's rest, and dead units are counted apart
    nn.Hardtanh: _flat_hard_tanh,
    Sign: lambda _, y: torch.ones_like(y, dtype=torch.bool),
    Step: lambda _, y: torch.ones_like(y, dtype=torch.bool),
}
