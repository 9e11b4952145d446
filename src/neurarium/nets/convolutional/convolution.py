"""Convolution and cross-correlation in one, two and three dimensions, told apart.

    cross-correlation   y[u] = b + sum_t w[t] x[s u - p + e t]        what a "convolutional layer" computes
    convolution         y[u] = b + sum_t w[t] x[s u - p + e (f - 1 - t)]    the same with the kernel flipped

summed over input channels, with kernel size f, stride s, p zeros before the first position, dilation e; t runs over
0, ..., f - 1 along every axis. Learned kernels do not care which of the two it is; given ones do, and only convolution
commutes.

Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016.
Departs from the notes: they call the first one convolution, and 001 reads x[s + i], past the end, for x[s + i - 1]
(errata E3). It is shift-equivariant, not invariant (errata E11).
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.receptive_field import Window

Sizes: TypeAlias = int | tuple[int, ...]
Padding: TypeAlias = Literal["valid", "same", "full"] | int | tuple[int, ...]
PaddingMode: TypeAlias = Literal["zeros", "circular"]

_CONVOLUTIONS = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}


def cross_correlate(
    x: Float[Tensor, "batch channels *size"],
    weight: Float[Tensor, "kernels channels_each *window"],
    bias: Float[Tensor, " biases"] | None = None,
    *,
    stride: Sizes = 1,
    padding: Padding = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    padding_mode: PaddingMode = "zeros",
) -> Float[Tensor, "batch kernels *output"]:
    """Slide kernels over the input and multiply-add: the operation of a convolutional layer.

    Args:
        weight: one kernel an output channel; its axes say how many dimensions there are.
        padding: "valid" none; "same" so that there are ceil(d / s) windows, as in Keras, where an odd total puts the
            extra position on the right (even kernels, as in torch at stride 1); "full" every overlap of at least one
            position; or positions added on each side, one number or one an axis.
    Raises ShapeError: ranks, channels or bias that do not fit, or a kernel wider than the padded input; ConfigError.

    Example (001: with one zero on each side):
        >>> x, w = torch.tensor([[[1.0, 2.0, -1.0, 1.0, -3.0]]]), torch.tensor([[[1.0, 0.0, -1.0]]])
        >>> cross_correlate(x, w, padding=1)
        tensor([[[-2.,  2.,  1.,  2.,  1.]]])
    """
    check_shapes(x, weight, bias, groups)
    axes = weight.ndim - 2
    sides = margins(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    padded = pad(x, sides, padding_mode)
    return _CONVOLUTIONS[axes](
        padded, weight, bias, per_axis(stride, axes, "stride"), 0, per_axis(dilation, axes, "dilation"), groups
    )


def convolve(
    x: Float[Tensor, "batch channels *size"],
    weight: Float[Tensor, "kernels channels_each *window"],
    bias: Float[Tensor, " biases"] | None = None,
    *,
    stride: Sizes = 1,
    padding: Padding = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    padding_mode: PaddingMode = "zeros",
) -> Float[Tensor, "batch kernels *output"]:
    """Convolution in the sense of mathematics: `cross_correlate` with every kernel flipped along all its axes.

    Example (a unit impulse gives back the kernel, not its mirror image):
        >>> impulse, w = torch.tensor([[[0.0, 1.0, 0.0]]]), torch.tensor([[[1.0, 2.0, 3.0]]])
        >>> convolve(impulse, w, padding="same"), cross_correlate(impulse, w, padding="same")
        (tensor([[[1., 2., 3.]]]), tensor([[[3., 2., 1.]]]))
    """
    flipped = weight.flip(tuple(range(2, weight.ndim)))
    return cross_correlate(
        x, flipped, bias, stride=stride, padding=padding, dilation=dilation, groups=groups, padding_mode=padding_mode
    )


def margins(
    size: Sequence[int], kernel: Sequence[int], stride: Sizes = 1, padding: Padding = "valid", dilation: Sizes = 1
) -> tuple[tuple[int, int], ...]:
    """Positions to add around each axis. Raises ConfigError; ShapeError: a kernel wider than the padded input."""
    axes = len(size)
    if isinstance(padding, str) and padding not in ("valid", "same", "full"):
        raise ConfigError("padding", expected="valid, same, full or integers", got=repr(padding))
    counts = (0,) * axes if isinstance(padding, str) else per_axis(padding, axes, "padding")
    sides = []
    steps, spacings = per_axis(stride, axes, "stride"), per_axis(dilation, axes, "dilation")
    for d, f, s, e, p in zip(size, kernel, steps, spacings, counts, strict=True):
        span = Window(f, s, p, e).span
        if padding == "same":
            total = max((-(-d // s) - 1) * s + span - d, 0)
            side = (total // 2, total - total // 2)
        else:
            side = (span - 1, span - 1) if padding == "full" else (p, p)
        if d + sum(side) < span:
            raise ShapeError(
                "kernel",
                expected=f"at most the {d + sum(side)} positions of the padded input",
                got=f"{span} (kernel {f}, dilation {e})",
                remedy="pad the input or take a smaller kernel",
            )
        sides.append(side)
    return tuple(sides)


def pad(
    x: Float[Tensor, "batch channels *size"], sides: Sequence[tuple[int, int]], mode: PaddingMode = "zeros"
) -> Float[Tensor, "batch channels *padded"]:
    """Add positions before and after each axis. Raises ConfigError: no such mode; ShapeError: more than once around."""
    if mode not in ("zeros", "circular"):
        raise ConfigError("padding_mode", expected="zeros or circular", got=repr(mode))
    if not any(before or after for before, after in sides):
        return x
    if mode == "circular":
        for d, side in zip(x.shape[2:], sides, strict=True):
            if max(side) > d:
                raise ShapeError("padding", expected=f"at most {d} on a side, once around", got=str(max(side)))
    from_last = [n for side in reversed(sides) for n in side]
    return F.pad(x, from_last, mode="constant" if mode == "zeros" else "circular")


def per_axis(value: Sizes, axes: int, name: str) -> tuple[int, ...]:
    """One number for each axis. Raises ConfigError: another count of numbers than axes."""
    values = (value,) * axes if isinstance(value, int) else tuple(value)
    if len(values) != axes:
        raise ConfigError(name, expected=f"one number or {axes}, one an axis", got=str(value))
    return values


def check_shapes(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    """Refuse what `cross_correlate` cannot take. Raises ShapeError: ranks, channels, bias; ConfigError: groups."""
    axes = weight.ndim - 2
    if axes not in _CONVOLUTIONS:
        raise ShapeError(
            "weight", expected="(kernels, channels, one to three axes)", got=f"shape {tuple(weight.shape)}"
        )
    if x.ndim != weight.ndim:
        raise ShapeError(
            "x",
            expected=f"(batch, channels, {axes} axes) for kernels of {axes} axes",
            got=f"shape {tuple(x.shape)}",
            remedy="add axes of one with x.reshape",
        )
    kernels, each = weight.shape[:2]
    if groups < 1 or kernels % groups:
        raise ConfigError("groups", expected=f"a divisor of the {kernels} kernels", got=str(groups))
    if x.shape[1] != each * groups:
        raise ShapeError(
            "channels of x",
            expected=f"{each * groups} ({groups} groups of {each})" if groups > 1 else str(each),
            got=str(x.shape[1]),
        )
    if bias is not None and tuple(bias.shape) != (kernels,):
        raise ShapeError("bias", expected=f"shape ({kernels},)", got=f"shape {tuple(bias.shape)}")
