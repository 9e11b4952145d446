"""Data sets in a table of comma-separated values: a row an example, a column a feature, one column the label.

The first row is a header where none of its cells is a number, or where all but the label's name are 0, 1, 2,
... (as pandas names columns). A first column without a name is a row number (as pandas writes one) and is
left out. The label is the column named label, target, class, y or species, in this order of preference and in
capitals or not; else the last.
"""

import contextlib
import csv
import itertools
from array import array
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float64
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.assemble import assemble
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense
from neurarium.data.labels import encode
from neurarium.data.reading import reading

LABEL_NAMES = ("label", "target", "class", "y", "species")


@dataclass(frozen=True, eq=False)
class Table:
    """What a file holds.

    Args:
        features: in the order of the columns, 64-bit, all finite.
        labels: as text, one a row; None where the table has no label.
    """

    features: Float64[Tensor, "rows features"]
    labels: list[str] | None


def load(path: Path, name: str) -> Dataset:
    """Return the data set in a .csv file, divided 80/10/10.

    Labels that are all whole numbers are ordered by size, others by alphabet.

    Raises:
        DataError: what `read_table` raises, or labels that are no classes.
    """
    table = read_table(path)
    assert table.labels is not None, "a table read without a number of features has a label"
    targets, classes = encode(_typed(table.labels), f"{path}, label column")
    train = Dense(table.features, targets)
    return assemble(name, "vectors", {"train": train}, classes, source=str(path), subject=str(path))


def read_table(path: Path, features: int | None = None) -> Table:
    """Return the rows of a .csv file.

    Args:
        path: the file, in UTF-8.
        features: how many there should be, to predict from: then the label column may be missing. None: as
            many as there are, and a label.

    Raises:
        DataError: no such file, none in UTF-8, no rows, a row of another length than the first, too many or
            too few columns, or a feature that is no finite number (row and column named; rows counted from 1
            with the header, as in an editor).
    """
    values, labels = array("d"), list[str]()
    lines = array("q")
    with contextlib.closing(_rows(path)) as rows:
        first = next(rows, None)
        if first is None:
            raise DataError(str(path), expected="at least one row", got="an empty file", remedy="add examples")
        layout = _layout(first[1], features, path)
        for line, cells in rows if layout.header else itertools.chain([first], rows):
            if len(cells) != layout.width:
                raise DataError(
                    f"{path}, line {line}",
                    expected=f"{layout.width} cells as in the first row",
                    got=str(len(cells)),
                    remedy="fill in what is missing; put text that holds commas in quotes",
                )
            try:
                values.extend([float(cells[column]) for column in layout.columns])
            except ValueError:
                raise _no_number(path, line, cells, layout) from None
            lines.append(line)
            if layout.label is not None:
                labels.append(cells[layout.label].strip())
    table = torch.frombuffer(values, dtype=torch.float64) if values else torch.empty(0, dtype=torch.float64)
    table = table.view(len(lines), len(layout.columns))
    if not (finite := table.isfinite()).all():
        row, column = (~finite).nonzero()[0].tolist()
        raise _no_finite(path, lines[row], layout.names[layout.columns[column]], f"{table[row, column]:g}")
    return Table(table, labels if layout.label is not None else None)


@dataclass(frozen=True)
class _Layout:
    header: bool
    width: int
    names: tuple[str, ...]  # for messages, one a column of the file
    columns: tuple[int, ...]  # those of the features
    label: int | None


def _layout(first: Sequence[str], features: int | None, path: Path) -> _Layout:
    """Find out from the first row what the columns are."""
    cells = [cell.strip() for cell in first]
    header = _is_header(cells)
    names = [repr(cell) for cell in cells] if header else [str(k + 1) for k in range(len(cells))]
    columns = list(range(1 if header and not cells[0] else 0, len(cells)))
    wanted = None if features is None else features + 1
    label = None
    if wanted is None or len(columns) == wanted:
        lower = [cell.lower() for cell in cells] if header else []
        label = next((lower.index(name) for name in LABEL_NAMES if name in lower), len(cells) - 1)
        columns.remove(label)
    if not columns or (features is not None and len(columns) != features):
        expected = "feature columns and a label column" if features is None else f"{features} feature columns"
        remedy = "separate columns by commas" if len(cells) == 1 else "give the columns that the net learnt from"
        raise DataError(str(path), expected=expected, got=f"{len(cells)} columns", remedy=remedy)
    return _Layout(header, len(cells), tuple(names), tuple(columns), label)


def _is_header(cells: Sequence[str]) -> bool:
    if not any(map(_is_number, cells)):
        return True
    counted = [cell for cell in cells if cell and cell.lower() not in LABEL_NAMES]
    return 2 <= len(counted) < len(cells) and counted == [str(k) for k in range(len(counted))]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


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


def _no_number(path: Path, line: int, cells: Sequence[str], layout: _Layout) -> DataError:
    column = next(column for column in layout.columns if not _is_number(cells[column]))
    return _no_finite(path, line, layout.names[column], repr(cells[column]))


def _no_finite(path: Path, line: int, column: str, got: str) -> DataError:
    remedy = "fill in a number, or remove the row or the column"
    return DataError(f"{path}, line {line}, column {column}", expected="a finite number", got=got, remedy=remedy)


def _typed(labels: Sequence[str]) -> npt.NDArray[Any]:
    """Return labels as whole numbers if all are, else as numbers if all are, else as text."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return np.array([kind(label) for label in labels])
    return np.array(labels)
