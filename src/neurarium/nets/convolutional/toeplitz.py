"""Cross-correlation as a matrix: banded Toeplitz in one dimension, doubly block Toeplitz in two.

    vec(y) = T vec(x),    T[(k, u), (c, s u - p + e t)] = w[k, c, t]

All else is zero: T has a row for each output unit with the same weights in each, moved along. That makes it plain
what a convolution layer is: a linear layer with few connections (locality) and few parameters (sharing).
"""

from math import prod

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.convolution import Padding, PaddingMode, Sizes, margins, per_axis


def toeplitz(
    weight: Float[Tensor, "kernels channels_each *window"],
    size: tuple[int, ...],
    *,
    stride: Sizes = 1,
    padding: Padding = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    padding_mode: PaddingMode = "zeros",
) -> Float[Tensor, "outputs inputs"]:
    """Sparse matrix of `cross_correlate` without its bias: for one example, y.flatten() = T @ x.flatten().

    Coalesced COO, kernels x output positions by channels x input positions; gradients flow from it into `weight`.

    Raises ShapeError: not one size an axis, or a kernel wider than the padded input; ConfigError: unusable settings.
    Departs from the notes: 004 prints the matrix of the full convolution, h on the diagonals; that is this one for
    the flipped kernel under padding "full".

    Example:
        >>> toeplitz(torch.tensor([[[1.0, 2.0, 3.0]]]), (5,)).to_dense()
        tensor([[1., 2., 3., 0., 0.],
                [0., 1., 2., 3., 0.],
                [0., 0., 1., 2., 3.]])
    """
    kernels, each, *window = weight.shape
    axes = len(window)
    if len(size) != axes:
        raise ShapeError("size", expected=f"{axes} numbers, one an axis of the kernels", got=str(size))
    if groups < 1 or kernels % groups:
        raise ConfigError("groups", expected=f"a divisor of the {kernels} kernels", got=str(groups))
    if padding_mode not in ("zeros", "circular"):
        raise ConfigError("padding_mode", expected="zeros or circular", got=repr(padding_mode))
    sides = margins(size, window, stride, padding, dilation)
    steps, spacings = per_axis(stride, axes, "stride"), per_axis(dilation, axes, "dilation")

    # Index tensors that broadcast over (kernel, channel, output position per axis, window position per axis).
    def along(values: Tensor, place: int) -> Tensor:
        return values.reshape([-1 if i == place else 1 for i in range(2 + 2 * axes)])

    kernel, channel = along(torch.arange(kernels), 0), along(torch.arange(each), 1)
    row, column = kernel, channel + kernel // (kernels // groups) * each
    inside = torch.ones((1,) * (2 + 2 * axes), dtype=torch.bool)
    outputs = []
    for axis, (d, f, s, e) in enumerate(zip(size, window, steps, spacings, strict=True)):
        before, after = sides[axis]
        outputs.append((d + before + after - e * (f - 1) - 1) // s + 1)
        unit = along(torch.arange(outputs[-1]), 2 + axis)
        position = s * unit - before + e * along(torch.arange(f), 2 + axes + axis)
        if padding_mode == "circular":
            position = position % d
        inside = inside & (position >= 0) & (position < d)
        row, column = row * outputs[-1] + unit, column * d + position

    shape = (kernels, each, *outputs, *window)
    kept = inside.expand(shape).to(weight.device)
    values = weight.reshape(kernels, each, *(1,) * axes, *window).expand(shape)[kept]
    indices = torch.stack([row.expand(shape).to(weight.device)[kept], column.expand(shape).to(weight.device)[kept]])
    whole = (kernels * prod(outputs), groups * each * prod(size))
    return torch.sparse_coo_tensor(indices, values, whole, check_invariants=True).coalesce()
