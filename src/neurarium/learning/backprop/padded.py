"""Padded rows: what stands behind a row's length is shut out, and rows become a vector each.

    y_t = x_t for t < T, else 0      dL/dx_t = delta_t for t < T, else 0
    y = x_(T-1)                      dL/dx_(T-1) = delta
    y = 1/T sum_(t < T) x_t          dL/dx_t = delta / T
    y = max_(t < T) x_t              dL/dx_t = delta / n at the n steps where x_t = y, feature by feature

and 0 at all other steps; T is each row's own length.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurarium.nets.parts.padded import inside, last_of, max_over, mean_over


def inside_forward(
    x: Float[Tensor, "batch time features"], lengths: Int[Tensor, "batch"] | None = None
) -> tuple[Float[Tensor, "batch time features"], Bool[Tensor, "batch time 1"] | None]:
    """Zeros in the padding; the cache is what is there. None: all rows are whole.

    Example:
        >>> y, there = inside_forward(torch.tensor([[[1.0], [2.0]]]), torch.tensor([1]))
        >>> y.flatten(), inside_backward(torch.tensor([[[3.0], [4.0]]]), there).flatten()
        (tensor([1., 0.]), tensor([3., 0.]))
    """
    if lengths is None:
        return x, None
    there = inside(lengths, x.shape[1])[:, :, None]
    return x.masked_fill(~there, 0), there


def inside_backward(
    delta: Float[Tensor, "batch time features"], there: Bool[Tensor, "batch time 1"] | None
) -> Float[Tensor, "batch time features"]:
    """Zeros in the padding again."""
    return delta if there is None else delta.masked_fill(~there, 0)


def last_forward(
    x: Float[Tensor, "batch time features"], lengths: Int[Tensor, "batch"]
) -> tuple[Float[Tensor, "batch features"], tuple[Tensor, int]]:
    """Each row's last step; the cache is the lengths and how long rows are with their padding."""
    return last_of(x, lengths), (lengths, x.shape[1])


def last_backward(
    delta: Float[Tensor, "batch features"], cache: tuple[Tensor, int]
) -> Float[Tensor, "batch time features"]:
    """The error signal at that step."""
    lengths, time = cache
    dx = delta.new_zeros(len(delta), time, delta.shape[1])
    dx[torch.arange(len(delta), device=delta.device), lengths - 1] = delta
    return dx


def mean_forward(
    x: Float[Tensor, "batch time features"], lengths: Int[Tensor, "batch"]
) -> tuple[Float[Tensor, "batch features"], tuple[Tensor, int]]:
    """Each row's mean; the cache as for the last step."""
    return mean_over(x, lengths), (lengths, x.shape[1])


def mean_backward(
    delta: Float[Tensor, "batch features"], cache: tuple[Tensor, int]
) -> Float[Tensor, "batch time features"]:
    """An equal part of the error signal at each step."""
    lengths, time = cache
    return (delta / lengths[:, None])[:, None] * inside(lengths, time)[:, :, None]


class MaxCache(NamedTuple):
    """What the way back needs."""

    largest: Bool[Tensor, "batch time features"]


def max_forward(
    x: Float[Tensor, "batch time features"], lengths: Int[Tensor, "batch"]
) -> tuple[Float[Tensor, "batch features"], MaxCache]:
    """Each row's maximum."""
    y = max_over(x, lengths)
    return y, MaxCache((x == y[:, None]) & inside(lengths, x.shape[1])[:, :, None])


def max_backward(delta: Float[Tensor, "batch features"], cache: MaxCache) -> Float[Tensor, "batch time features"]:
    """The error signal where the maximum was, in equal parts where it was several times."""
    return cache.largest * (delta / cache.largest.sum(1))[:, None]
