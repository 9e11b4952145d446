"""Random numbers that belong to an example: the same in whatever batch, part or process it is seen."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurarium.data.plan import mix

_HALF = 1 << 63


def uniforms(index: Int[Tensor, "batch"], count: int, *numbers: int) -> Float[Tensor, "batch count"]:
    """Numbers in [0, 1) for each of some examples, decided by their own numbers and a few others: (seed, epoch).

        u[b, k] = (s(s(mix(numbers) + index_b) + k) >> 40) / 2^24,    s a step of SplitMix64

    Example:
        >>> two = uniforms(torch.tensor([5, 9]), 3, 0, 1)
        >>> bool((two[1] == uniforms(torch.tensor([9]), 3, 0, 1)[0]).all())
        True
    """
    start = index + _signed(mix(*numbers))
    z = _splitmix(_splitmix(start)[:, None] + torch.arange(count, device=index.device))
    return _shifted(z, 40).float() / (1 << 24)


def _splitmix(z: Tensor) -> Tensor:
    # int64 wraps around as unsigned numbers do, but for the shifts
    z = z + _signed(0x9E3779B97F4A7C15)
    z = (z ^ _shifted(z, 30)) * _signed(0xBF58476D1CE4E5B9)
    z = (z ^ _shifted(z, 27)) * _signed(0x94D049BB133111EB)
    return z ^ _shifted(z, 31)


def _shifted(z: Tensor, bits: int) -> Tensor:
    return (z >> bits) & ((1 << (64 - bits)) - 1)


def _signed(number: int) -> int:
    return number - 2 * _HALF if number >= _HALF else number
