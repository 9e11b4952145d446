"""Max and average pooling in one and two dimensions, with their error signals.

    y[u] = max_t x[s u - p + t]      dL/dx[v] = sum of delta[u] over the windows u whose largest number stood at v
    y[u] = 1/r sum_t x[s u - p + t]  dL/dx[v] = 1/r sum of delta[u] over the windows u that hold v

for windows of r positions. Between equal numbers the first one counts as the largest. Both ways back are library
kernels that walk over the windows as the formulas say, in whatever memory layout the maps have.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ShapeError
from neurarium.nets.convolutional.convolution import Sizes, per_axis

_NO_DILATION = (1, 1)


class MaxPoolCache(NamedTuple):
    """Places of the largest numbers; the input is kept for its shape and layout."""

    x: Tensor
    places: Tensor
    window: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]


class AveragePoolCache(NamedTuple):
    """The input is kept for its shape and layout alone."""

    x: Tensor
    window: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    count_padding: bool


def max_pool_forward(
    x: Float[Tensor, "batch channels *size"], window: Sizes, stride: Sizes | None = None, padding: Sizes = 0
) -> tuple[Float[Tensor, "batch channels *output"], MaxPoolCache]:
    """Largest number of each window.

    Window r, stride s (by default the window) and padding p (at most half the window; it never wins) are one number or
    one an axis, of one or two.
    Raises ShapeError: another number of axes.

    Example:
        >>> y, cache = max_pool_forward(torch.tensor([[[1.0, 5.0, 2.0, 3.0]]]), 2)
        >>> y, max_pool_backward(torch.tensor([[[10.0, 20.0]]]), cache)
        (tensor([[[5., 3.]]]), tensor([[[ 0., 10.,  0., 20.]]]))
    """
    image, sizes, steps, around = _as_image(x, window, stride, padding)
    y, places = F.max_pool2d(image, sizes, steps, around, return_indices=True)
    return y.squeeze(2) if x.ndim == 3 else y, MaxPoolCache(image, places, sizes, steps, around)


def max_pool_backward(
    delta: Float[Tensor, "batch channels *output"], cache: MaxPoolCache
) -> Float[Tensor, "batch channels *size"]:
    """Each error signal goes to where its window's largest number stood."""
    signal = delta.unsqueeze(2) if delta.ndim == 3 else delta
    dx: Tensor = torch.ops.aten.max_pool2d_with_indices_backward(
        signal, cache.x, cache.window, cache.stride, cache.padding, _NO_DILATION, False, cache.places
    )
    return dx.squeeze(2) if delta.ndim == 3 else dx


def average_pool_forward(
    x: Float[Tensor, "batch channels *size"],
    window: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    count_padding: bool = True,
) -> tuple[Float[Tensor, "batch channels *output"], AveragePoolCache]:
    """Mean of each window; arguments and errors are those of `max_pool_forward`.

    `count_padding`: whether zeros of the padding count as positions, as they do in `torch.nn.AvgPool2d`.

    Example:
        >>> y, cache = average_pool_forward(torch.tensor([[[1.0, 5.0, 2.0, 3.0]]]), 2)
        >>> y, average_pool_backward(torch.tensor([[[10.0, 20.0]]]), cache)
        (tensor([[[3.0000, 2.5000]]]), tensor([[[ 5.,  5., 10., 10.]]]))
    """
    image, sizes, steps, around = _as_image(x, window, stride, padding)
    y = F.avg_pool2d(image, sizes, steps, around, count_include_pad=count_padding)
    return y.squeeze(2) if x.ndim == 3 else y, AveragePoolCache(image, sizes, steps, around, count_padding)


def average_pool_backward(
    delta: Float[Tensor, "batch channels *output"], cache: AveragePoolCache
) -> Float[Tensor, "batch channels *size"]:
    """Each error signal is shared out evenly over its window."""
    signal = delta.unsqueeze(2) if delta.ndim == 3 else delta
    dx: Tensor = torch.ops.aten.avg_pool2d_backward(
        signal, cache.x, cache.window, cache.stride, cache.padding, False, cache.count_padding, None
    )
    return dx.squeeze(2) if delta.ndim == 3 else dx


def _as_image(
    x: Tensor, window: Sizes, stride: Sizes | None, padding: Sizes
) -> tuple[Tensor, tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """A signal is an image of one row."""
    axes = x.ndim - 2
    if axes not in (1, 2):
        raise ShapeError("x", expected="(batch, channels, one or two axes)", got=f"shape {tuple(x.shape)}")
    sizes = per_axis(window, axes, "window")
    steps = sizes if stride is None else per_axis(stride, axes, "stride")
    around = per_axis(padding, axes, "padding")
    if axes == 2:
        return x, sizes, steps, around
    return x.unsqueeze(2), (1, *sizes), (1, *steps), (0, *around)
