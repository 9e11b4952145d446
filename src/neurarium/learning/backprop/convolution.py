"""Convolutional layer in one, two and three dimensions, its error signal and its gradients.

    y[n,k,u] = b[k] + sum_c sum_t w[k,c,t] x[n,c, s u - p + e t]

with stride s, p zeros on each side and dilation e (a cross-correlation, as all toolkits have it). Each weight meets
each position, so the chain rule sums over positions:

    dL/dw[k,c,t] = sum_n sum_u delta[n,k,u] x[n,c, s u - p + e t]     input and error signal correlated
    dL/dx[n,c,v] = sum_k sum_{u,t: s u - p + e t = v} delta[n,k,u] w[k,c,t]     a transposed convolution
    dL/db[k]     = sum_n sum_u delta[n,k,u]

Both sums are one call of `convolution_backward`, the kernel that evaluates exactly these formulas. Unfolding the input
into a matrix and multiplying gives the same, but writes every input number once for each of the kernel's positions: 25
copies of the image for a 5 x 5 kernel.

Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ShapeError
from neurarium.nets.convolutional.convolution import Sizes, per_axis

_CONVOLUTIONS = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}


class ConvolutionCache(NamedTuple):
    """What the way back needs."""

    x: Tensor
    weight: Tensor
    has_bias: bool
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


def convolution_forward(
    x: Float[Tensor, "batch channels *size"],
    weight: Float[Tensor, "kernels channels_each *window"],
    bias: Float[Tensor, " kernels"] | None = None,
    *,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> tuple[Float[Tensor, "batch kernels *output"], ConvolutionCache]:
    """Slide kernels over signals, images or volumes.

    Stride, padding (zeros on each side) and dilation are one number or one an axis; groups are blocks of channels that
    do not see each other.
    Raises ShapeError: axes or channels that do not fit.

    Example:
        >>> y, cache = convolution_forward(torch.tensor([[[1.0, 2.0, 4.0]]]), torch.tensor([[[1.0, -1.0]]]))
        >>> dx, dweight, _ = convolution_backward(torch.tensor([[[1.0, 10.0]]]), cache)
        >>> y, dx, dweight
        (tensor([[[-1., -2.]]]), tensor([[[  1.,   9., -10.]]]), tensor([[[21., 42.]]]))
    """
    axes = weight.ndim - 2
    if axes not in _CONVOLUTIONS or x.ndim != weight.ndim or x.shape[1] != weight.shape[1] * groups:
        raise ShapeError(
            "input of a convolution",
            expected=f"(batch, {weight.shape[1] * groups} channels, one to three axes as the kernels have)",
            got=f"input {tuple(x.shape)}, weight {tuple(weight.shape)}",
        )
    stride = per_axis(stride, axes, "stride")
    padding = per_axis(padding, axes, "padding")
    dilation = per_axis(dilation, axes, "dilation")
    y = _CONVOLUTIONS[axes](x, weight, bias, stride, padding, dilation, groups)
    return y, ConvolutionCache(x, weight, bias is not None, stride, padding, dilation, groups)


def convolution_backward(
    delta: Float[Tensor, "batch kernels *output"], cache: ConvolutionCache, to_input: bool = True
) -> tuple[
    Float[Tensor, "batch channels *size"] | None,
    Float[Tensor, "kernels channels_each *window"],
    Float[Tensor, " kernels"] | None,
]:
    """Error signal of the input (None unless `to_input`), gradients of kernels and bias (None without)."""
    dx, dweight, dbias = torch.ops.aten.convolution_backward(
        delta,
        cache.x,
        cache.weight,
        [len(cache.weight)] if cache.has_bias else None,
        cache.stride,
        cache.padding,
        cache.dilation,
        False,  # not a transposed convolution
        [0] * len(cache.stride),
        cache.groups,
        [to_input, True, cache.has_bias],
    )
    return dx, dweight, dbias
