"""The copying problem: a few letters, a long blank, then the same letters again.

    reads     c a f f b _ _ _ _ ? _ _ _ _ _
    writes    . . . . . . . . . . c a f f b

After the letters come L - 1 blanks, a question mark, and a blank for each letter. Only the last steps have a label, so
that the accuracy is the fraction of letters remembered; who remembers nothing guesses one in eight. Each letter is kept
for 5 + L steps.

Source: S. Hochreiter, J. Schmidhuber, "Long short-term memory", 1997; in the form of M. Arjovsky, A. Shah, Y. Bengio,
"Unitary evolution recurrent neural networks", 2016, who count blanks too and copy 10 letters.
"""

from collections.abc import Callable

import numpy as np
import torch

from neurarium.data.assemble import Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.ragged import Ragged
from neurarium.record.schema import Field, Schema

# Fixed once for all: which rows there are.
_SEED = 20261127
_COUNTS = {"train": 10_000, "validation": 1_000, "test": 1_000}
_LETTERS, _COPIED = tuple("abcdefgh"), 5
_VOCABULARY = (*_LETTERS, "_", "?")
_SCHEMA = Schema(
    {"tokens": Field((None,), categories=_VOCABULARY, axis="time")},
    {"copy": Field((None,), categories=_LETTERS, axis="time")},
)


def after_blank(length: int) -> Callable[[str | None], Dataset]:
    """Return what loads the problem over such a blank: 10,000 rows, 1,000 for validation, 1,000 for the test."""

    def load(folder: str | None = None) -> Dataset:
        random = np.random.RandomState(_SEED + length)
        train, validation, test = (_drawn(random, count, length) for count in _COUNTS.values())
        parts: Parts = {"train": train, "validation": validation, "test": test}
        provenance = f"{_COPIED} random letters to be copied after a blank of {length}, made by code, fixed seed"
        return assemble(f"copying-{length}", parts, provenance=provenance, license="none needed")

    return load


def _drawn(random: np.random.RandomState, count: int, length: int) -> Ragged:
    letters = random.randint(0, len(_LETTERS), (count, _COPIED))
    steps = length + 2 * _COPIED
    tokens, labels = np.full((count, steps), _VOCABULARY.index("_")), np.full((count, steps), -1)
    tokens[:, :_COPIED] = labels[:, -_COPIED:] = letters
    tokens[:, -_COPIED - 1] = _VOCABULARY.index("?")
    columns = {name: torch.from_numpy(rows.reshape(-1)) for name, rows in (("tokens", tokens), ("copy", labels))}
    return Ragged(columns, {"time": torch.full((count,), steps)}, _SCHEMA)
