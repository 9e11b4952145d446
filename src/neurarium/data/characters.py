"""A text as characters, cut into windows: which character comes next?"""

from pathlib import Path

import numpy as np

from neurarium.checks import DataError
from neurarium.data.assemble import Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.reading import read_text
from neurarium.data.windows import Windows
from neurarium.record.schema import Field, Schema

_TWENTIETHS = 20


def load(path: Path, name: str, whole: bool = False) -> Dataset:
    """Characters of a .txt file; `whole` as in `assemble`.

    Raises DataError: it cannot be read, is no text in UTF-8, or is too short.
    """
    text = read_text(path)
    return from_text(text, name, provenance=f"text in {path.name}", subject=str(path), whole=whole)


def from_text(
    text: str,
    name: str,
    *,
    provenance: str,
    license: str = "not stated",
    subject: str | None = None,
    length: int = 64,
    whole: bool = False,
) -> Dataset:
    """Divide a text and cut each part into windows of `length` characters that follow one another.

    The first 90 % are learned from, the next 5 % are for validation, the last 5 % for the test: neighbors in a text
    resemble each other, so that windows drawn at random would test what was read. The vocabulary is that of the whole
    text, sorted.
    Raises DataError: a part has no room for a window and the character after it.

    Example:
        >>> from_text("ab" * 100, "toy", provenance="made up", length=8).counts()
        {'train': 22, 'validation': 1, 'test': 1}
    """
    least = (length + 1) * (1 if whole else _TWENTIETHS)
    if len(text) < least:
        room = "" if whole else " in a twentieth of them"
        expected = f"at least {least:,} characters, for windows of {length} and one more{room}"
        remedy = "give a longer text"
        raise DataError(subject or name, expected=expected, got=f"{len(text):,} characters", remedy=remedy)
    codes = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    alphabet, tokens = np.unique(codes, return_inverse=True)
    characters = tuple(map(chr, alphabet.tolist()))
    tokens = tokens.reshape(-1).astype(np.min_scalar_type(len(characters) - 1))
    field = Field((length,), categories=characters)
    schema = Schema({"tokens": field}, {"next": field})
    if whole:
        parts: Parts = {"train": Windows.over(tokens, length, schema)}
        return assemble(name, parts, provenance=provenance, license=license, subject=subject, whole=True)
    end = len(text) // _TWENTIETHS
    cut = (Windows.over(part, length, schema) for part in np.split(tokens, [len(text) - 2 * end, len(text) - end]))
    train, validation, test = cut
    parts = {"train": train, "validation": validation, "test": test}
    provenance += "; first 90 % to learn from, then 5 % for validation and 5 % for the test"
    return assemble(name, parts, provenance=provenance, license=license, subject=subject)
