"""Pairs of texts: a source and what it should become, as rows of words or of characters.

In a .tsv file a line is a pair, source and target with a tab between. A side is read as words where white space stands
in any of its texts, else as characters. Each side has a vocabulary of its own, of all that occurs in the file.
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from neurarium.checks import DataError
from neurarium.data.assemble import Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.ragged import Ragged
from neurarium.data.reading import read_text
from neurarium.record.schema import Field, Schema

# `tasks.translation` knows them by these names.
MARKS = ("<start>", "<end>")


def load(path: Path, name: str, whole: bool = False) -> Dataset:
    """Return the pairs of a .tsv file in UTF-8; `whole` as in `assemble`.

    Raises DataError: a line that is no pair, an empty side, no lines.
    """
    pairs = []
    for k, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        source, tab, target = line.partition("\t")
        if not tab or "\t" in target or not source.strip() or not target.strip():
            expected, got = "a source, a tab and a target", f"{line.count(chr(9))} tabs in {line[:40]!r}"
            raise DataError(f"{path}, line {k}", expected=expected, got=got, remedy="write one pair a line")
        pairs.append((source.strip(), target.strip()))
    if not pairs:
        raise DataError(str(path), expected="at least one pair of texts", got="none", remedy="write one pair a line")
    return from_pairs(pairs, name, provenance=str(path), whole=whole)


def from_pairs(
    pairs: Sequence[tuple[str, str]], name: str, *, provenance: str, license: str = "not stated", whole: bool = False
) -> Dataset:
    """Make a data set of pairs of texts, a tenth of them each for validation and for the test; or `whole`."""
    fields, columns, lengths = {}, {}, {}
    for axis, texts, marks in zip(("source", "target"), zip(*pairs, strict=True), ((), MARKS), strict=True):
        words = any(len(text.split()) > 1 for text in texts)
        rows = [text.split() if words else list(text) for text in texts]
        vocabulary = (*marks, *sorted({token for row in rows for token in row}))
        place = {token: k for k, token in enumerate(vocabulary)}
        before, after = ([0], [1]) if marks else ([], [])
        numbered = [[*before, *(place[token] for token in row), *after] for row in rows]
        columns[axis] = torch.tensor([token for row in numbered for token in row])
        lengths[axis] = torch.tensor([len(row) for row in numbered])
        fields[axis] = Field((None,), categories=vocabulary, axis=axis, constants={"joiner": " " if words else ""})
    schema = Schema({"source": fields["source"]}, {"target": fields["target"]})
    parts: Parts = {"train": Ragged(columns, lengths, schema)}
    return assemble(name, parts, provenance=provenance, license=license, whole=whole)
