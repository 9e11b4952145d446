"""From number words to digits: pairs of rows of tokens, exact and made by code.

    one thousand and forty two  ->  <start> 1 0 4 2 <end>

A number that is tested was never seen, but all of its words were: it is a rule that has to be learned.
"""

import torch

from neurarium.data.assemble import assemble
from neurarium.data.dataset import Dataset
from neurarium.data.numerals import WORDS, in_words
from neurarium.data.ragged import Ragged
from neurarium.record.schema import Field, Schema

# `tasks.translation` knows them by these names.
_MARKS = ("<start>", "<end>")
_COUNT = 10_000


def load(folder: str | None = None) -> Dataset:
    """Return the numbers 0 to 9,999: 8,000 to learn from, 1,000 for validation, 1,000 for the test."""
    place = {word: k for k, word in enumerate(WORDS)}
    sources = [[place[word] for word in in_words(number)] for number in range(_COUNT)]
    targets = [[0, *(len(_MARKS) + int(digit) for digit in str(number)), 1] for number in range(_COUNT)]
    schema = Schema(
        {"source": Field((None,), categories=WORDS, axis="source")},
        {"target": Field((None,), categories=(*_MARKS, *"0123456789"), axis="target", constants={"joiner": ""})},
    )
    rows = {"source": sources, "target": targets}
    columns = {name: torch.tensor([token for row in group for token in row]) for name, group in rows.items()}
    lengths = {name: torch.tensor([len(row) for row in group]) for name, group in rows.items()}
    provenance = "the integers 0 to 9,999 in English words and in digits, made by code"
    pairs = Ragged(columns, lengths, schema)
    return assemble("spelled-numbers", {"train": pairs}, provenance=provenance, license="none needed")
