"""Numbers in words, and how many digits each has: rows of tokens in one class each, exact and made by code.

    seven hundred and four thousand and twelve  ->  6

Which words there are is not enough: "seven hundred and forty one thousand" has six digits, "forty thousand seven
hundred and one" has five.
"""

import numpy as np
import torch

from neurarium.data.assemble import assemble
from neurarium.data.dataset import Dataset
from neurarium.data.labels import class_fields
from neurarium.data.numerals import WORDS, in_words
from neurarium.data.ragged import Ragged
from neurarium.record.schema import Field, Schema

# Fixed once for all: which numbers there are, of those with more than two digits.
_SEED = 20261127
_MOST = 1000
_DIGITS = 6


def load(folder: str | None = None) -> Dataset:
    """Return 4,000 numbers below a million: all that have up to three digits, 1,000 each of those with more."""
    numbers = chosen()
    place = {word: k for k, word in enumerate(WORDS)}
    rows = [[place[word] for word in in_words(number)] for number in numbers]
    tokens, labels = torch.tensor([k for row in rows for k in row]), torch.tensor([len(str(n)) - 1 for n in numbers])
    words = {"tokens": Field((None,), categories=WORDS, axis="tokens")}
    schema = Schema(words, class_fields([str(digits) for digits in range(1, _DIGITS + 1)]))
    examples = Ragged({"tokens": tokens, "label": labels}, {"tokens": torch.tensor(list(map(len, rows)))}, schema)
    provenance = f"{len(numbers):,} integers below a million in English words, British style, made by code"
    return assemble("number-words", {"train": examples}, provenance=provenance, license="none needed")


def chosen() -> list[int]:
    """The numbers, ascending."""
    random = np.random.RandomState(_SEED)
    found: list[int] = []
    for digits in range(1, _DIGITS + 1):
        low, high = (0 if digits == 1 else 10 ** (digits - 1)), 10**digits
        few = high - low <= _MOST
        found += range(low, high) if few else sorted((low + random.permutation(high - low)[:_MOST]).tolist())
    return found
