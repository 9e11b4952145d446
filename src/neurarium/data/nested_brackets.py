"""How deep in brackets each sign stands: a label at every step, exact and made by code.

    reads     x ( x ( ) x ) x
    writes    0 1 1 2 2 1 1 0

A bracket counts to what it encloses. It is no real text: a task in which right and wrong are certain.
"""

import numpy as np
import torch

from neurarium.data.assemble import assemble
from neurarium.data.dataset import Dataset
from neurarium.data.ragged import Ragged
from neurarium.record.schema import Field, Schema

# Fixed once for all: which rows there are.
_SEED = 20261127
_COUNT, _SHORTEST, _LONGEST, _DEEPEST = 4_000, 8, 40, 6
_SIGNS = ("(", ")", "x")


def load(folder: str | None = None) -> Dataset:
    """Return 4,000 rows of 8 to 40 signs whose brackets are balanced, at most 6 deep; a tenth each held out."""
    random = np.random.RandomState(_SEED)
    rows = [_row(random, int(random.randint(_SHORTEST, _LONGEST + 1))) for _ in range(_COUNT)]
    schema = Schema(
        {"tokens": Field((None,), categories=_SIGNS, axis="time")},
        {"depth": Field((None,), categories=tuple(map(str, range(_DEEPEST + 1))), axis="time")},
    )
    columns = {
        "tokens": torch.tensor([_SIGNS.index(sign) for row in rows for sign in row]),
        "depth": torch.tensor([depth for row in rows for depth in depths(row)]),
    }
    provenance = "rows of 8 to 40 signs with balanced brackets, at most 6 deep, made by code, fixed seed"
    train = Ragged(columns, {"time": torch.tensor(list(map(len, rows)))}, schema)
    return assemble("nested-brackets", {"train": train}, provenance=provenance, license="none needed")


def depths(row: str) -> list[int]:
    """How deep each sign stands.

    Example:
        >>> depths("x(x()x)x")
        [0, 1, 1, 2, 2, 1, 1, 0]
    """
    found, depth = [], 0
    for sign in row:
        depth += sign == "("
        found.append(depth)
        depth -= sign == ")"
    return found


def _row(random: np.random.RandomState, length: int) -> str:
    """Signs drawn one after the other, of those after which the row can still be balanced."""
    signs, depth = "", 0
    for left, drawn in zip(range(length, 0, -1), random.random_sample(length), strict=True):
        opens, closes = depth < min(_DEEPEST, left - 1), depth > 0
        choices = "(" * opens + ")" * closes + "x" * (depth < left)
        signs += choices[int(drawn * len(choices))]
        depth += {"(": 1, ")": -1, "x": 0}[signs[-1]]
    return signs
