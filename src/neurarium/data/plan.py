"""The order in which examples are seen: a pure function of their sizes, seed and epoch, as a list of indices.

Without `max_units` a batch holds `batch_size` examples, in the order of a permutation. With it a batch holds as many
examples of about one length as fit: (longest of them) x (how many) <= max_units. Examples are sorted by length, equal
lengths in the order of the permutation, cut, and the batches shuffled; how many there are is the same in every epoch.
"""

from collections.abc import Generator, Iterator
from dataclasses import replace

import torch
from jaxtyping import Int
from torch import Tensor

from neurarium.checks import ConfigError
from neurarium.data.batch import Batch
from neurarium.data.examples import Examples

_MASK = (1 << 64) - 1


def batch_count(n: int, size: int) -> int:
    """Return how many batches of `size` examples (>= 1, else a `ConfigError`) `n` make, the last perhaps smaller."""
    if size < 1:
        raise ConfigError("batch size", expected="an integer >= 1", got=str(size))
    return -(-n // size)


def mix(*numbers: int) -> int:
    """Return a 64-bit seed that a few numbers decide, such as (seed, epoch).

        mix(a) = s(a mod 2^64),    mix(a, b, ...) = mix over b, ... of s(mix(a) + b mod 2^64)

    with s a step of SplitMix64: neighboring seeds and epochs give unrelated draws, and (seed, epoch) never meets
    (seed + 1, epoch - 1). The same on every machine and in every version.

    Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014.
    """
    mixed = 0
    for number in numbers:
        mixed = _splitmix((mixed + number) & _MASK)
    return mixed


def permutation(n: int, *, seed: int, epoch: int) -> Int[Tensor, "n"]:
    """Return the order in which `n` examples are seen in `epoch`, a function of (n, seed, epoch) alone."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(mix(seed, epoch)))


def plan(
    sizes: Int[Tensor, "examples"] | int, batch_size: int, max_units: int | None = None, *, seed: int, epoch: int
) -> list[Int[Tensor, "_"]]:
    """Return the batches of an epoch, each as the numbers of its examples.

    Args:
        sizes: how long each example is; or how many there are, where that does not matter.
        max_units: elements a batch at most, padding counted; none: any number.
    Raises ConfigError: a batch that no example fits into.

    Example:
        >>> [len(index) for index in plan(10, 4, seed=0, epoch=1)]
        [4, 4, 2]
        >>> sorted(len(index) for index in plan(torch.tensor([1, 9, 2, 8, 1]), 4, max_units=9, seed=0, epoch=1))
        [1, 1, 3]
    """
    count = sizes if isinstance(sizes, int) else len(sizes)
    batch_count(count, batch_size)
    order = permutation(count, seed=seed, epoch=epoch)
    if max_units is None or isinstance(sizes, int):
        return list(torch.split(order, batch_size)) if count else []
    if count and max_units < int(sizes.max()):
        raise ConfigError("max_units", expected=f"at least {int(sizes.max())}, the longest example", got=str(max_units))
    by_length = order[sizes[order].sort(stable=True).indices]
    batches = [by_length[start:end] for start, end in _cuts(sizes[by_length].tolist(), batch_size, max_units)]
    shuffled = torch.randperm(len(batches), generator=torch.Generator().manual_seed(mix(seed, epoch, 1)))
    return [batches[k] for k in shuffled.tolist()]


def grouped(examples: Examples, batches: list[Tensor], parts: int = 1) -> Generator[tuple[Batch, ...], None, None]:
    """Gather planned batches, each in `parts` that a rule adds up; examples on a disk are read ahead.

    The numbers of the examples stay on the CPU, wherever the examples lie.
    """
    cut = [index.split(batch_count(len(index), parts)) for index in batches]
    asked = [index for group in cut for index in group]
    if cut and examples.device.type != "cpu":  # one copy of the whole order, not one a batch
        asked = list(torch.cat(batches).to(examples.device).split([len(index) for index in asked]))
    stream = examples.stream(asked)
    try:
        for group in cut:
            pairs = [(index, next(stream)) for index in group]
            yield tuple(b if b.index is index else replace(b, index=index) for index, b in pairs)
    finally:
        stream.close()


def in_order(examples: Examples, size: int) -> Generator[Batch, None, None]:
    """Yield all batches of `size` (>= 1, else a `ConfigError`) examples, in the order in which they lie."""
    batch_count(len(examples), size)
    whole = torch.arange(len(examples), device=examples.device)
    return examples.stream(torch.split(whole, size) if len(examples) else ())


def _cuts(sizes: list[int], batch_size: int, max_units: int) -> Iterator[tuple[int, int]]:
    """Cut ascending sizes greedily where a batch is full."""
    start = 0
    for end, size in enumerate(sizes):
        if end > start and (end - start == batch_size or size * (end - start + 1) > max_units):
            yield start, end
            start = end
    if sizes:
        yield start, len(sizes)


def _splitmix(z: int) -> int:
    z = (z + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)
