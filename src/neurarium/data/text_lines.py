"""Read lines of text as rows of the characters or words that a net has learned: one example a line."""

from collections.abc import Sequence
from pathlib import Path

import torch

from neurarium.checks import DataError
from neurarium.data.examples import Examples
from neurarium.data.ragged import Ragged
from neurarium.data.reading import read_text
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema


def holds_characters(field: Field) -> bool:
    """Whether a field is a row of characters: each of its categories is one, but for marks such as <start>."""
    marks = [name for name in field.categories if name.startswith("<") and name.endswith(">") and len(name) > 1]
    characters = [name for name in field.categories if name not in marks]
    return len(field.shape) == 1 and bool(characters) and all(len(name) == 1 for name in characters)


def holds_words(field: Field) -> bool:
    """Whether a field is a row of words, as white space parts them, and not of characters."""
    if len(field.shape) != 1 or not field.categories or field.encoder or holds_characters(field):
        return False
    return all(len(name.split()) == 1 for name in field.categories)


def read_lines(paths: Sequence[Path], schema: Schema) -> tuple[list[str], Examples]:
    """Return a name for each line of some .txt files in UTF-8 that is not empty, "verses.txt[0]", and the examples.

    `schema`: of one input, a row of characters or words of any length, or a window of fixed length. A line longer than
    the window is cut to its end, as a net that predicts what comes next sees it.
    Raises DataError: no such file, no text in UTF-8, no lines, what `tokens_of` refuses.
    """
    names, places, lines = [], [], []
    for path in paths:
        for k, line in enumerate(_lines(path)):
            names.append(f"{path}[{k}]")
            places.append(f"{path}, line {k} (counted from 0, without empty ones)")
            lines.append(line)
    if not lines:
        raise DataError(str(paths[0]), expected="at least one example", got="none", remedy="write one line an example")
    return names, tokens_of(lines, places, schema)


def tokens_of(lines: Sequence[str], places: Sequence[str], schema: Schema) -> Examples:
    """Return lines of text, found at `places`, as rows of the numbers of their characters or words.

    Raises DataError: a character or word that was not learned, or a line shorter than the net's window.
    """
    ((name, field),) = schema.inputs.items()
    words = holds_words(field)
    numbers = {category: k for k, category in enumerate(field.categories)}
    rows = []
    for line, place in zip(lines, places, strict=True):
        tokens = line.split() if words else list(line)
        if unknown := next((token for token in tokens if token not in numbers), None):
            expected, got = f"the {len(numbers)} {'words' if words else 'characters'} that were learned", repr(unknown)
            raise DataError(place, expected=expected, got=got, remedy="replace it, or train on a text that has it")
        rows.append([numbers[token] for token in tokens])
    if field.is_ragged:
        values, lengths = torch.tensor([k for row in rows for k in row]), torch.tensor([len(row) for row in rows])
        return Ragged({name: values}, {field.axis: lengths}, schema)
    (window,) = field.fixed_shape
    for row, place in zip(rows, places, strict=True):
        if len(row) < window:
            expected = f"at least {window} {'words' if words else 'characters'}, as the net sees so many at once"
            raise DataError(place, expected=expected, got=str(len(row)), remedy="give a longer text")
    return Table((torch.tensor([row[-window:] for row in rows]),), (), schema)


def _lines(path: Path) -> list[str]:
    if path.suffix.lower() != ".txt":
        got = f"a file named *{path.suffix}" if path.is_file() else "no such file"
        raise DataError(str(path), expected="a .txt file, one example a line", got=got, remedy="check the path")
    return [line for line in read_text(path).split("\n") if line.strip()]
