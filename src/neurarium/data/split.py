"""Divide examples into parts in which every class has its fraction: in every run the same parts."""

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Int64
from torch import Tensor

# Fixed once for all: a score on a test split means something only while the split stays.
_SEED = 20261121


def stratified_split(targets: Int64[Tensor, "examples"], *sizes: int) -> tuple[Int64[Tensor, "_"], ...]:
    """Divide the examples 0, 1, ..., whose classes are `targets`, into the part to learn from and parts to hold out.

    A held-out part of size m takes m n_k / n examples of class k (n_k of n in all), rounded down, and then one more
    from the classes with the largest remainders until it is full. Every class keeps at least one example to learn from,
    so that a held-out part of very few examples may stay smaller than asked for. Which examples of a class are taken is
    drawn with a fixed seed, independent of the run's. The numbers in each part ascend.

    Example:
        >>> train, test = stratified_split(torch.tensor([0, 0, 0, 0, 1, 1]), 3)
        >>> len(train), torch.tensor([0, 0, 0, 0, 1, 1])[test].tolist()
        (3, [0, 0, 1])
    """
    # RandomState, not Generator: its stream is frozen for good.
    random = np.random.RandomState(_SEED)
    labels = targets.cpu().numpy()
    totals = np.bincount(labels)
    shuffled = [random.permutation(np.flatnonzero(labels == k)) for k in range(len(totals))]
    held_out = []
    for size in sizes:
        taken = _shares(size, totals, np.array([len(members) for members in shuffled]))
        held_out.append(np.concatenate([m[:t] for m, t in zip(shuffled, taken, strict=True)]))
        shuffled = [m[t:] for m, t in zip(shuffled, taken, strict=True)]
    return tuple(torch.from_numpy(np.sort(part)) for part in (np.concatenate(shuffled), *held_out))


def tenths(targets: Int64[Tensor, "examples"], parts: int) -> tuple[Int64[Tensor, "_"], ...]:
    """Hold out `parts` parts of a tenth of the examples each, as `stratified` does: 80/10/10 for two."""
    return stratified_split(targets, *[round(len(targets) / 10)] * parts)


def _shares(size: int, totals: npt.NDArray[np.int64], left: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return how many of each class a part of `size` takes, by largest remainders."""
    spare = np.maximum(left - 1, 0)
    quota = size * totals / totals.sum()
    taken: npt.NDArray[np.int64] = np.minimum(quota.astype(np.int64), spare)
    by_remainder = np.argsort(taken - quota, kind="stable")
    while taken.sum() < min(size, spare.sum()):
        for k in by_remainder[taken[by_remainder] < spare[by_remainder]][: size - taken.sum()]:
            taken[k] += 1
    return taken
