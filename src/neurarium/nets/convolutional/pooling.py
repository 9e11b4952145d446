"""Pooling: one number for each window of positions, channel by channel, no parameters.

    maximum   y[u] = max_t  x[s u - p + t]
    average   y[u] = mean_t x[s u - p + t]        t = 0, ..., r - 1 along every axis

With stride s = r (the default) windows tile the input and each axis shrinks r-fold.

Departs from the notes: 004 prints I[i + k, j + l], which has no stride and so does not downsample; downsampling is
I[s i + k, s j + l] (errata E43). Pooling makes features nearly invariant to small shifts, not exactly (errata E11).
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.convolution import Sizes, margins, per_axis

_MAXIMA: dict[int, Callable[..., Tensor]] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGES: dict[int, Callable[..., Tensor]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def max_pool(
    x: Float[Tensor, "batch channels *size"], window: Sizes, stride: Sizes | None = None, padding: Sizes = 0
) -> Float[Tensor, "batch channels *output"]:
    """Largest number of each window, which padding never wins; windows tile the input without a stride.

    Raises ShapeError: another number of axes, or a window wider than the padded input; ConfigError: padding over
    half the window, and the like.
    """
    return _pool(_MAXIMA, x, window, stride, padding)


def average_pool(
    x: Float[Tensor, "batch channels *size"], window: Sizes, stride: Sizes | None = None, padding: Sizes = 0
) -> Float[Tensor, "batch channels *output"]:
    """Mean of each window, over the positions that are not padding; errors are those of `max_pool`."""
    return _pool(_AVERAGES, x, window, stride, padding, count_include_pad=False)


def global_average_pool(x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch channels"]:
    """Mean of each channel over all positions, of which there is one at least (ShapeError).

    Source: M. Lin, Q. Chen, S. Yan, "Network in network", 2013.
    """
    return _positions(x).mean(dim=-1)


class GlobalAverage(nn.Module):
    """`global_average_pool` as a layer: maps of any size and number of axes to one number a channel."""

    def forward(self, x: Float[Tensor, "batch channels *size"]) -> Float[Tensor, "batch channels"]:
        """Apply `global_average_pool`."""
        return global_average_pool(x)


def _pool(
    functions: dict[int, Callable[..., Tensor]],
    x: Tensor,
    window: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    **options: Any,
) -> Tensor:
    axes = x.ndim - 2
    if axes not in functions:
        raise ShapeError("x", expected="(batch, channels, one to three axes)", got=f"shape {tuple(x.shape)}")
    kernel = per_axis(window, axes, "window")
    steps = kernel if stride is None else per_axis(stride, axes, "stride")
    around = per_axis(padding, axes, "padding")
    margins(x.shape[2:], kernel, steps, around)
    if any(2 * p > r for p, r in zip(around, kernel, strict=True)):
        raise ConfigError("padding", expected=f"at most half the window {kernel}", got=str(around))
    return functions[axes](x, kernel, steps, around, **options)


def _positions(x: Tensor) -> Tensor:
    if x.ndim < 3 or 0 in x.shape[2:]:
        raise ShapeError("x", expected="(batch, channels, at least one axis)", got=f"shape {tuple(x.shape)}")
    return torch.flatten(x, 2)
