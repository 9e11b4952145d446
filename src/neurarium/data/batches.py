"""The order in which examples are seen: shuffled anew in every epoch, or as they lie."""

from collections.abc import Generator
from typing import TypeVar

import torch
from jaxtyping import Int
from torch import Tensor

from neurarium.checks import ConfigError
from neurarium.data.examples import ExamplesOf
from neurarium.data.stream import Streamed

B = TypeVar("B")
_MASK = (1 << 64) - 1


def batch_count(n: int, size: int) -> int:
    """Return how many batches of `size` examples `n` examples make, the last one perhaps smaller.

    Raises:
        ConfigError: `size` below 1.

    Example:
        >>> batch_count(10, 4)
        3
    """
    if size < 1:
        raise ConfigError("batch size", expected="a whole number >= 1", got=str(size))
    return -(-n // size)


def mix(seed: int, epoch: int) -> int:
    """Return the 64-bit seed of the permutation of one epoch.

        mix(seed, epoch) = s(s(seed mod 2^64) + epoch mod 2^64)

    with s a step of SplitMix64: neighbouring seeds and epochs give unrelated permutations, and (seed, epoch)
    never meets (seed + 1, epoch - 1). The same on every machine and in every version.

    Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014.
    """
    return _splitmix((_splitmix(seed & _MASK) + epoch) & _MASK)


def permutation(n: int, *, seed: int, epoch: int) -> Int[Tensor, "n"]:
    """Return the order in which `n` examples are seen in `epoch`, a function of (n, seed, epoch) alone."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(mix(seed, epoch)))


def shuffled(examples: ExamplesOf[B], size: int, *, seed: int, epoch: int, skip: int = 0) -> Generator[B, None, None]:
    """Return the batches of one epoch, in an order drawn from (seed, epoch).

    Args:
        examples: where batches are gathered; those that are `Streamed` are read ahead in the background.
        size: examples a batch; the last batch holds what remains.
        seed: of the run.
        epoch: counted from 0.
        skip: batches to leave out at the beginning, without touching their data: a run that stopped after
            `skip` steps of this epoch sees the very batches it has not seen.

    Raises:
        ConfigError: `size` below 1.

    Example:
        >>> from neurarium.data.examples import Dense
        >>> ten = Dense(torch.arange(10.0)[:, None], torch.arange(10))
        >>> [len(batch) for batch in shuffled(ten, 4, seed=0, epoch=0)]
        [4, 4, 2]
    """
    return _batches(examples, permutation(len(examples), seed=seed, epoch=epoch), size, skip)


def in_order(examples: ExamplesOf[B], size: int) -> Generator[B, None, None]:
    """Return all batches, the examples in the order in which they lie.

    Raises:
        ConfigError: `size` below 1.
    """
    return _batches(examples, torch.arange(len(examples)), size, 0)


def _batches(examples: ExamplesOf[B], order: Int[Tensor, "n"], size: int, skip: int) -> Generator[B, None, None]:
    # a size that no batch can have is refused here, not when the first batch is asked for
    left = order[skip * size :] if skip < batch_count(len(order), size) else order[:0]
    return _gathered(examples, left, size)


def _gathered(examples: ExamplesOf[B], parts: Int[Tensor, "n"], size: int) -> Generator[B, None, None]:
    if len(parts) == 0:
        return
    if isinstance(examples, Streamed):
        yield from examples.stream(torch.split(parts, size))
    else:
        yield from map(examples.gather, torch.split(parts.to(examples.targets.device), size))


def _splitmix(z: int) -> int:
    z = (z + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)
