"""Cross-correlation through the Fourier transform: for long kernels far cheaper than the sum itself.

    F(y) = F(x) . conj(F(w)),    O(L log L) for L positions instead of O(L f) for f weights a kernel

(convolution is the same without the conjugate). Signals are padded to at least their full length, so that nothing wraps
around, and on to a length with no prime factor over 5, which transforms fastest.

Source: M. Mathieu, M. Henaff, Y. LeCun, "Fast training of convolutional networks through FFTs", 2013.
Departs from the notes: 004 holds the transform to be of little use for machine learning; for kernels of hundreds of
positions, as in audio and state-space models, it is what makes them affordable (errata E42).
"""

from collections.abc import Sequence
from math import log2, prod

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ConfigError
from neurarium.nets.convolutional.convolution import Padding, PaddingMode, check_shapes, cross_correlate, margins, pad


def fourier_cross_correlate(
    x: Float[Tensor, "batch channels *size"],
    weight: Float[Tensor, "kernels channels_in *window"],
    bias: Float[Tensor, " biases"] | None = None,
    *,
    padding: Padding = "valid",
    padding_mode: PaddingMode = "zeros",
) -> Float[Tensor, "batch kernels *output"]:
    """`cross_correlate` at stride 1 through the Fourier transform.

    Equal to the direct sum up to rounding: about 1e-13 relative in float64 and 1e-5 in float32, relative to the largest
    output rather than to each one. Raises ConfigError: numbers of another type.
    """
    check_shapes(x, weight, bias, groups=1)
    if x.dtype not in (torch.float32, torch.float64):
        raise ConfigError("x", expected="float32 or float64 numbers", got=str(x.dtype), remedy="use cross_correlate")
    axes = tuple(range(2, x.ndim))
    padded = pad(x, margins(x.shape[2:], weight.shape[2:], padding=padding), padding_mode)
    lengths = [fast_length(d) for d in padded.shape[2:]]
    signal, kernel = torch.fft.rfftn(padded, lengths, axes), torch.fft.rfftn(weight, lengths, axes)
    product = torch.einsum("bc...,kc...->bk...", signal, kernel.conj())
    # What wraps around lies behind the last position where the whole kernel fits.
    valid = [slice(0, d - f + 1) for d, f in zip(padded.shape[2:], weight.shape[2:], strict=True)]
    y = torch.fft.irfftn(product, lengths, axes)[(..., *valid)]
    return y if bias is None else y + bias.reshape(-1, *(1,) * len(axes))


def convolution_by_best_path(
    x: Float[Tensor, "batch channels *size"],
    weight: Float[Tensor, "kernels channels_in *window"],
    bias: Float[Tensor, " biases"] | None = None,
    *,
    padding: Padding = "valid",
    padding_mode: PaddingMode = "zeros",
) -> Float[Tensor, "batch kernels *output"]:
    """`cross_correlate` at stride 1, direct or through the Fourier transform, whichever should be faster."""
    check_shapes(x, weight, bias, groups=1)
    sides = margins(x.shape[2:], weight.shape[2:], padding=padding)
    padded = [d + before + after for d, (before, after) in zip(x.shape[2:], sides, strict=True)]
    transforms = x.dtype in (torch.float32, torch.float64) and fourier_is_faster(
        len(x), weight.shape[1], weight.shape[0], padded, weight.shape[2:], x.dtype
    )
    path = fourier_cross_correlate if transforms else cross_correlate
    return path(x, weight, bias, padding=padding, padding_mode=padding_mode)


def fourier_is_faster(
    batch: int,
    channels: int,
    kernels: int,
    size: Sequence[int],
    window: Sequence[int],
    dtype: torch.dtype = torch.float32,
) -> bool:
    """Whether the Fourier transform should beat the direct sum on a processor.

    With B examples, C channels, K kernels of f weights, n outputs and L transformed positions, in units of one
    multiply-add of a well-filled direct sum in float32:

        direct     q B C K n f . 8 / min(K, 8)        q = 1 in float32, 4 in float64
        Fourier    8 (B C + K C + B K) L (log2 L + 8) + 16 B C K L

    The direct sum works on several kernels at once and idles with fewer than eight. `size` is that of the padded input.

    Measured, forward only, with torch 2.13 on one thread of an AMD EPYC: the constants were fitted to 1,109 random
    shapes in one to three dimensions. On 992 others in float32 the choice took 1.02 times the better path's time
    (geometric mean), always direct 1.31, always Fourier 2.76; on 355 in float64, from which q was
    taken, 1.09, 2.75 and 1.86. For one channel and one kernel over 4,096 positions the turn comes at 63 weights.
    """
    outputs = prod(d - f + 1 for d, f in zip(size, window, strict=True))
    positions = prod(fast_length(d) for d in size)
    pairs = batch * channels * kernels
    direct = pairs * outputs * prod(window) * 8 / min(kernels, 8) * (4 if dtype == torch.float64 else 1)
    transforms = batch * channels + kernels * channels + batch * kernels
    return 8 * transforms * positions * (log2(positions) + 8) + 16 * pairs * positions < direct


def fast_length(n: int) -> int:
    """The smallest number from n on with no prime factor over 5."""
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1
