"""Data sets in a table of comma-separated values: a row an example, a column a feature, the rest to be predicted.

Which columns are to be predicted: `csv_layout`. What they are, a header says best: `price:number` (one column or
several) makes numbers, `grade:class` classes. Where it does not say:

| the column holds | it is |
|---|---|
| text | classes |
| a fraction anywhere | numbers |
| integers, written 7 or 7.0 | classes |
| more than 50 different integers, more than a tenth of the rows too | refused: the header must say it |
| fractions and text together | refused |
"""

import contextlib
import csv
import itertools
import math
from array import array
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float64
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.arrays import input_fields
from neurarium.data.assemble import assemble
from neurarium.data.csv_layout import Said, is_number, layout_of
from neurarium.data.dataset import Dataset
from neurarium.data.labels import class_fields, encode
from neurarium.data.numbers import are_numbers, number_fields
from neurarium.data.reading import reading
from neurarium.data.table import Table
from neurarium.record.schema import Schema


@dataclass(frozen=True, eq=False)
class Cells:
    """What a file holds.

    Args:
        features: in the order of the columns, or of their names where these were asked for; 64-bit, all finite.
        names: of the features; none where the file has no header.
        labels: the cells of each column to be predicted, as text; none where the table has no such column.
        notices: what a user should know of how columns were found again.
    """

    features: Float64[Tensor, "rows features"]
    names: tuple[str, ...]
    labels: tuple[list[str], ...]
    outputs: tuple[str, ...]
    said: Said | None
    notices: tuple[str, ...] = ()


def load(path: Path, name: str, like: Schema | None = None) -> Dataset:
    """Return the data set in a .csv file, divided 80/10/10.

    Labels that are all integers are ordered by size, others by alphabet.

    `like`: what a net has learned from that is to be measured on this table: whole, its columns found by their names,
    its target of the kind that was learned.
    Raises DataError: as `read_table`; labels neither classes nor numbers, or that may be either.
    """
    if like is not None and like.is_dense:
        return _measured_on(path, name, like)
    cells = read_table(path)
    assert cells.labels, "a table read without a number of features has something to predict"
    subject, features = f"{path}, label column", input_fields((cells.features.shape[1],), cells.names)
    column, remedy = cells.labels[0], f"name the column '{cells.outputs[0]}:number' or '{cells.outputs[0]}:class'"
    if cells.said == "number" or (cells.said is None and are_numbers(_typed(column, subject), subject, remedy)):
        targets = torch.tensor([_numbers(column, subject) for column in cells.labels], dtype=torch.float64).T
        schema = Schema(features, number_fields(cells.outputs))
    else:
        labels = np.array(column) if cells.said == "class" and _fraction(column) else _typed(column, subject)
        targets, classes = encode(labels, subject)
        schema = Schema(features, class_fields(classes, cells.outputs if cells.names else ()))
    train = Table((cells.features,), (targets,), schema)
    return assemble(name, {"train": train}, provenance=str(path), subject=str(path), whole=like is not None)


def _measured_on(path: Path, name: str, like: Schema) -> Dataset:
    """The rows of a table as examples that a net is measured on; without targets where it has no column of them."""
    field, subject = like.input, f"{path}, label column"
    targets: tuple[Tensor, ...] = ()
    cells = read_table(path, field.size, names_of_targets(like), field.names)
    fields = {}
    if like.targets and cells.labels:
        named = dict(zip(cells.outputs, cells.labels, strict=True))
        wanted = [name for name in like.target.names if name in named] or list(named)[:1]
        if like.target.categories:
            column = named[wanted[0]]
            numbers, classes = encode(
                np.array(column) if set(column) <= set(like.target.categories) else _typed(column, subject), subject
            )
            targets, fields = (numbers,), class_fields(classes)
        else:
            rows = [_numbers(named[name], subject) for name in wanted]
            targets, fields = (torch.tensor(rows, dtype=torch.float64).T,), number_fields(wanted)
    schema = Schema(input_fields(field.fixed_shape, field.names), fields)
    whole = Table((cells.features.view(-1, *field.fixed_shape),), targets, schema)
    found = assemble(name, {"train": whole}, provenance=str(path), subject=str(path), whole=True)
    return replace(found, notices=cells.notices)


def names_of_targets(schema: Schema) -> tuple[str, ...]:
    """By which names a table's columns may be known as what a net predicts."""
    return tuple(name for pair in schema.targets.items() for name in (pair[0], *pair[1].names))


def read_table(
    path: Path, features: int | None = None, known: Sequence[str] = (), learned: tuple[str, ...] = ()
) -> Cells:
    """Return the rows of a .csv file in UTF-8; the arguments but `path` serve to predict from it, as in `layout_of`.

    Raises DataError: no such file, rows of unequal length, columns missing, or a feature that is no finite number
    (lines counted from 1 with the header, as in an editor).
    """
    values, lines = array("d"), array("q")
    with contextlib.closing(_rows(path)) as rows:
        first = next(rows, None)
        if first is None:
            raise DataError(str(path), expected="at least one row", got="an empty file", remedy="add examples")
        layout = layout_of(first[1], path, features, known, learned)
        labels: tuple[list[str], ...] = tuple([] for _ in layout.targets)
        for line, cells in rows if layout.header else itertools.chain([first], rows):
            if len(cells) != layout.width:
                expected = f"{layout.width} cells as in the first row"
                remedy = "fill in what is missing; put text that holds commas in quotes"
                raise DataError(f"{path}, line {line}", expected=expected, got=str(len(cells)), remedy=remedy)
            try:
                values.extend([float(cells[column]) for column in layout.columns])
            except ValueError:
                column = next(column for column in layout.columns if not is_number(cells[column]))
                raise _no_finite(path, line, layout.names[column], repr(cells[column])) from None
            lines.append(line)
            for label, column in zip(labels, layout.targets, strict=True):
                label.append(cells[column].strip())
    table = torch.frombuffer(values, dtype=torch.float64) if values else torch.empty(0, dtype=torch.float64)
    table = table.view(len(lines), len(layout.columns))
    if not (finite := table.isfinite()).all():
        row, column = (~finite).nonzero()[0].tolist()
        raise _no_finite(path, lines[row], layout.names[layout.columns[column]], f"{table[row, column]:g}")
    return Cells(table, layout.features, labels, layout.outputs, layout.said, layout.notices)


def _rows(path: Path) -> Generator[tuple[int, list[str]], None, None]:
    """Yield the rows that are not empty, each with the number of its line."""
    with reading(path, "a .csv file"), path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        try:
            for cells in reader:
                if cells:
                    yield reader.line_num, cells
        except (csv.Error, UnicodeDecodeError) as error:
            place, remedy = f"{path}, after line {reader.line_num}", "save the table as CSV in UTF-8"
            raise DataError(place, expected="CSV in UTF-8", got=str(error), remedy=remedy) from error


def _no_finite(path: Path, line: int, column: str, got: str) -> DataError:
    remedy = "fill in a number, or remove the row or the column"
    return DataError(f"{path}, line {line}, column {column}", expected="a finite number", got=got, remedy=remedy)


def _fraction(labels: Sequence[str]) -> bool:
    return any(math.isfinite(float(label)) and float(label) % 1 != 0 for label in labels if is_number(label))


def _typed(labels: Sequence[str], subject: str) -> npt.NDArray[Any]:
    """Return labels as integers if all are, else as numbers if all are, else as text."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return np.array([kind(label) for label in labels])
    if _fraction(labels):
        # A gap among prices would turn every price into a class of its own.
        _numbers(labels, subject)
    return np.array(labels)


def _numbers(labels: Sequence[str], subject: str) -> list[float]:
    for row, label in enumerate(labels):
        if not is_number(label):
            remedy = "fill in a number or remove the row; a column name that ends in ':class' takes all as names"
            place = f"{subject}, label {row}"
            raise DataError(place, expected="a number as in other rows", got=repr(label), remedy=remedy)
    return [float(label) for label in labels]
