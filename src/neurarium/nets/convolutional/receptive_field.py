"""Output sizes, costs and receptive fields of stacks of windows (convolution, pooling), by arithmetic.

A layer with kernel k, stride s, zero padding p and dilation e turns d positions along an axis into

    n = floor((d + 2 p - e (k - 1) - 1) / s) + 1

and its unit i looks at the inputs  s i - p + e t,  t = 0, ..., k - 1. Composed over layers, unit i of a stack
looks at the span  start + jump i, ..., start + jump i + size - 1  of the net's input, with

    size <- size + e (k - 1) jump        start <- start - p jump        jump <- s jump

from size = jump = 1, start = 0 at the input itself. Every axis has its own numbers.

Source: A. Araujo, W. Norris, J. Sim, "Computing receptive fields of convolutional neural networks", Distill,
2019.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import nn

from neurarium.checks import ConfigError, ShapeError


@dataclass(frozen=True)
class Window:
    """What a layer does along one axis. Raises ConfigError: kernel, stride or dilation below 1, or padding below 0."""

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    def __post_init__(self) -> None:
        for name, least in (("kernel", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            if getattr(self, name) < least:
                raise ConfigError(name, expected=f"an integer >= {least}", got=str(getattr(self, name)))

    @property
    def span(self) -> int:
        """Positions from the first to the last that one unit reads, e (k - 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1


@dataclass(frozen=True)
class ReceptiveField:
    """What a unit sees along one axis of the net's input: unit i sees start + jump i, ..., start + jump i + size - 1.

    `start` may be negative: those positions are padding.

    Example:
        >>> ReceptiveField().through(Window(kernel=5)).through(Window(kernel=2, stride=2))
        ReceptiveField(size=6, jump=2, start=0)
    """

    size: int = 1
    jump: int = 1
    start: int = 0

    def through(self, window: Window) -> ReceptiveField:
        """The receptive field of a unit one layer further up."""
        return ReceptiveField(
            size=self.size + (window.span - 1) * self.jump,
            jump=self.jump * window.stride,
            start=self.start - window.padding * self.jump,
        )


def output_size(d: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Positions that a window leaves along one axis, floor((d + 2 p - e (k - 1) - 1) / s) + 1 (the notes' f is k).

    Raises ConfigError: a number out of range; ShapeError: the window is wider than the padded input.

    Example:
        >>> output_size(28, kernel=5), output_size(28, kernel=3, stride=2, padding=1)
        (24, 14)
    """
    window = Window(kernel, stride, padding, dilation)
    if d + 2 * padding < window.span:
        raise ShapeError(
            "kernel",
            expected=f"at most the {d + 2 * padding} positions of the padded input",
            got=f"{window.span} (kernel {kernel}, dilation {dilation})",
            remedy="pad the input or take a smaller kernel",
        )
    return (d + 2 * padding - window.span) // stride + 1


@dataclass(frozen=True)
class ConvolutionCost:
    """Size and price of one convolution of one example."""

    output: tuple[int, ...]
    parameters: int
    multiply_adds: int


def convolution_cost(
    sizes: Sequence[int],
    kernels: int,
    window: Sequence[Window],
    *,
    channels: int = 1,
    groups: int = 1,
    bias: bool = True,
) -> ConvolutionCost:
    """Output size, parameters and multiply-adds of a convolution.

        output         n_1 x ... x n_m x K
        parameters     f_1 ... f_m (C / g) K + K
        multiply-adds  n_1 ... n_m f_1 ... f_m (C / g) K

    for C channels (the notes' plies p), K kernels (k), g groups and a window of kernel size f_i for each axis.

    Raises ConfigError: not one window an axis, or groups that do not divide both channel numbers; ShapeError.
    Departs from the notes: their O(d^2 f^2 p k) is this with n for d, exact rather than an order; their
    output (d - f + 1) x k of a two-dimensional convolution is (d - f + 1)^2 x k (errata E17).

    Example:
        >>> convolution_cost((28, 28), kernels=6, window=[Window(5), Window(5)])
        ConvolutionCost(output=(24, 24, 6), parameters=156, multiply_adds=86400)
    """
    if len(window) != len(sizes):
        raise ConfigError("window", expected=f"{len(sizes)}, one an axis", got=str(len(window)))
    if groups < 1 or channels % groups or kernels % groups:
        raise ConfigError(
            "groups", expected=f"a common divisor of {channels} channels and {kernels} kernels", got=str(groups)
        )
    positions = tuple(
        output_size(d, w.kernel, w.stride, w.padding, w.dilation) for d, w in zip(sizes, window, strict=True)
    )
    weights = prod(w.kernel for w in window) * (channels // groups) * kernels
    return ConvolutionCost(
        output=(*positions, kernels),
        parameters=weights + (kernels if bias else 0),
        multiply_adds=prod(positions) * weights,
    )


class Sliding:
    """A layer of our own that slides a window, the same along every axis."""

    window: Window


def field_of_layers(layers: Iterable[nn.Module], axes: int = 2) -> tuple[ReceptiveField, ...]:
    """Receptive field along each axis after layers that follow one another; those without a window change nothing.

    Args:
        layers: as they run; of branches that meet, those of the one that sees furthest. Windows are those of torch's
            convolutions and poolings, and of what is `Sliding`.
        axes: of the input, after batch and channels.

    Example:
        >>> field_of_layers([nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d((2, 1))])
        (ReceptiveField(size=6, jump=2, start=-2), ReceptiveField(size=5, jump=1, start=-2))
    """
    fields = (ReceptiveField(),) * axes
    for layer in layers:
        fields = tuple(field.through(_window(layer, axis)) for axis, field in enumerate(fields))
    return fields


def _window(layer: nn.Module, axis: int) -> Window:
    def along(sizes: int | tuple[int, ...]) -> int:
        return sizes[axis] if isinstance(sizes, tuple) else sizes

    if isinstance(layer, Sliding):
        return layer.window
    if isinstance(layer, nn.AvgPool1d | nn.AvgPool2d | nn.AvgPool3d):
        return Window(along(layer.kernel_size), along(layer.stride), along(layer.padding))
    if isinstance(layer, nn.MaxPool1d | nn.MaxPool2d | nn.MaxPool3d):
        return Window(*map(along, (layer.kernel_size, layer.stride, layer.padding, layer.dilation)))
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        kernel, dilation = along(layer.kernel_size), along(layer.dilation)
        named = {"valid": 0, "same": dilation * (kernel - 1) // 2}
        padding = named[layer.padding] if isinstance(layer.padding, str) else along(layer.padding)
        return Window(kernel, along(layer.stride), padding, dilation)
    return Window(1)


def measured_receptive_field(net: nn.Module, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Span of the input that changes the output's central unit, along each axis, found by gradient.

    The gradient of the sum over channels of the central position is taken at random inputs; the span runs from the
    first to the last position where it is not zero. Units that happen to be off hide what they see (a ReLU below zero,
    an entry that did not win a maximum), so the largest span over a few inputs counts: a lower bound that a stack with
    positive weights attains.

    Args:
        net: any net that keeps the axes (else ShapeError). It is run in the mode it is in.
        shape: (channels, ...) of one example, wide enough that the field does not touch the border.
    """
    parameter = next(net.parameters(), torch.empty(0))
    generator = torch.Generator().manual_seed(0)
    spans = [0] * (len(shape) - 1)
    for _ in range(8):
        drawn = torch.rand((1, *shape), generator=generator, dtype=torch.float64)
        x = drawn.to(parameter).requires_grad_()
        output = net(x)
        if output.ndim != x.ndim:
            raise ShapeError(
                "output",
                expected=f"{x.ndim} axes as in the input",
                got=f"{output.ndim}",
                remedy="measure the convolutional part of the net alone",
            )
        center = (0, slice(None), *(n // 2 for n in output.shape[2:]))
        (gradient,) = torch.autograd.grad(output[center].sum(), x)
        for axis, positions in enumerate(gradient[0].abs().sum(dim=0).nonzero().T):
            if len(positions):
                spans[axis] = max(spans[axis], int(positions.max() - positions.min()) + 1)
    return tuple(spans)
