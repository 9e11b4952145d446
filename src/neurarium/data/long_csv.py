"""Series in a table of comma-separated values in long form: a row a step, with the series that it belongs to.

    series,time,height,weight,label
    anna,0,1.2,20,child
    anna,1,1.3,22,child
    bert,0,1.8,80,adult

A header names the columns: `series` or `id` says which series, `time` when, as numbers or as dates and times (ISO 8601)
throughout. All other columns are as in any table (`csv_table`): values, and what is to be predicted. Where that is the
same in all rows of each series it is asked once a series, else it is a class for each step.

Rows may stand in any order; steps are ordered by time, and if that changes it the provenance of the data says so. Times
only order: how far apart they are is not looked at.
"""

import dataclasses
import math
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float64
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.assemble import assemble
from neurarium.data.csv_layout import is_number
from neurarium.data.csv_table import Cells, Row, cells_of, check_width, rows_of, targets_of
from neurarium.data.dataset import Dataset
from neurarium.data.ragged import Ragged
from neurarium.record.schema import Field, Schema

_SERIES, _TIME = ("series", "id"), "time"


@dataclass(frozen=True, eq=False)
class Long:
    """What a file holds, its rows by series, in the order in which these first occur, and then by time.

    Args:
        lengths: steps of each series.
        moved: how many series were not in order.
    """

    cells: Cells
    ids: tuple[str, ...]
    lengths: tuple[int, ...]
    moved: int


def holds_series(field: Field) -> bool:
    """Whether a field is a series over time, as such a file holds it: not a set of points, say."""
    return field.is_series and field.axis == "time"


def is_long(path: Path) -> bool:
    """Whether a .csv file has a header that names series and time. Raises DataError: it cannot be read."""
    with closing(rows_of(path)) as rows:
        return _places(next(rows, (1, []))[1]) is not None


def load(path: Path, name: str, like: Schema | None = None) -> Dataset:
    """Return the series in a .csv file, divided 80/10/10; whole where a net that learned from `like` is measured.

    Raises:
        DataError: as `read_long`; labels as `csv_table.load` refuses them; numbers to predict that change within a
            series.
    """
    found = read_long(path)
    cells, starts, lengths = found.cells, np.cumsum((0, *found.lengths)), torch.tensor(found.lengths)
    assert cells.labels, "a table read without a number of features has something to predict"
    firsts = tuple([column[k] for k in starts[:-1]] for column in cells.labels)
    spread = tuple(np.repeat(column, found.lengths).tolist() for column in firsts)
    once, subject = spread == tuple(cells.labels), f"{path}, label column"
    targets, fields = targets_of(dataclasses.replace(cells, labels=firsts) if once else cells, subject)
    ((target, field),) = fields.items()
    if not once:
        if not field.categories:
            got, remedy = "numbers that change within a series", "give each series one, or name the column ':class'"
            raise DataError(subject, expected="a number a series, or a class for each step", got=got, remedy=remedy)
        field = dataclasses.replace(field, shape=(None,), axis="time")
    inputs = {"series": Field((None, cells.features.shape[1]), names=cells.names, axis="time")}
    train = Ragged({"series": cells.features, target: targets}, {"time": lengths}, Schema(inputs, {target: field}))
    provenance = f"{path}; {found.moved} series put in order of time" if found.moved else str(path)
    return assemble(name, {"train": train}, provenance=provenance, subject=str(path), whole=like is not None)


def read_series(paths: Sequence[Path], schema: Schema, known: Sequence[str] = ()) -> tuple[list[str], Ragged]:
    """Return a name for each series of some files, "new.csv[anna]", and the series as examples without targets.

    Args:
        schema: of one input, a series of numbers. Where it names them, columns are found by their names.
        known: names of what was predicted, which is passed over.
    Raises DataError: other than .csv files in long form, or what `read_long` refuses.
    """
    ((name, field),) = schema.inputs.items()
    names: list[str] = []
    steps: list[Tensor] = []
    lengths: list[int] = []
    for path in paths:
        if path.suffix.lower() != ".csv":
            got = f"a file named *{path.suffix}" if path.exists() else "no such file"
            remedy = "write a row a step, with the columns series and time"
            raise DataError(str(path), expected="a .csv file of series", got=got, remedy=remedy)
        found = read_long(path, field.channels, known, field.names)
        names += [f"{path}[{one}]" for one in found.ids]
        steps.append(found.cells.features)
        lengths += found.lengths
    if not names:
        raise DataError(str(paths[0]), expected="at least one series", got="none", remedy="add some")
    return names, Ragged({name: torch.cat(steps)}, {field.axis: torch.tensor(lengths)}, schema)


def read_long(
    path: Path, features: int | None = None, known: Sequence[str] = (), learned: tuple[str, ...] = ()
) -> Long:
    """Return the series of a .csv file in UTF-8; the arguments but `path` serve to predict from it, as in `read_table`.

    Raises:
        DataError: no header that names series and time, a row without either, two rows of a series at one time, times
            of which some are numbers and some are not, or what `csv_table.read_table` refuses.
    """
    keys: list[tuple[int, str, str]] = []
    with closing(rows_of(path)) as rows:
        cells = cells_of(_without_keys(rows, path, keys), path, features, known, learned)
    if len(cells.features) != len(keys):
        remedy = "give the columns names that are no numbers"
        raise DataError(f"{path}, line 1", expected="names of the columns", got="numbers", remedy=remedy)
    ids = list(dict.fromkeys(one for _, one, _ in keys))
    place = {one: k for k, one in enumerate(ids)}
    owner, times = np.array([place[one] for _, one, _ in keys], dtype=np.int64), _times(keys, path)
    order = np.lexsort((times, owner))
    same = (np.diff(owner[order]) == 0) & (np.diff(times[order]) == 0)
    if same.any():
        first = int(np.argmax(same))
        (line, one, time), (other, _, _) = keys[order[first]], keys[order[first + 1]]
        got, remedy = f"time {time} again, as in line {line}", "remove one of them, or name the series apart"
        raise DataError(f"{path}, line {other}", expected=f"each time once in series {one!r}", got=got, remedy=remedy)
    late = np.lexsort((np.arange(len(owner)), owner)) != order
    moved = len(np.unique(owner[order][late]))
    taken = torch.from_numpy(order)
    labels = tuple([column[k] for k in order] for column in cells.labels)
    cells = dataclasses.replace(cells, features=cells.features[taken], labels=labels)
    return Long(cells, tuple(ids), tuple(np.bincount(owner, minlength=len(ids)).tolist()), moved)


def _places(header: Sequence[str]) -> tuple[int, int] | None:
    """Where a header names series and time; none where it does not."""
    names = [cell.strip().lower() for cell in header]
    series = next((names.index(name) for name in _SERIES if name in names), None)
    return (series, names.index(_TIME)) if series is not None and _TIME in names else None


def _without_keys(
    rows: Generator[Row, None, None], path: Path, keys: list[tuple[int, str, str]]
) -> Generator[Row, None, None]:
    """Yield the rows without series and time, which are put into `keys` with their lines, but for the header's."""
    first, header = next(rows, (1, []))
    places = _places(header)
    if places is None:
        expected, got = "a header with the columns series (or id) and time", ", ".join(header)[:80] or "an empty file"
        remedy = "write a row a step, and name these two columns"
        raise DataError(f"{path}, line {first}", expected=expected, got=got, remedy=remedy)
    yield first, [cell for k, cell in enumerate(header) if k not in places]
    for line, cells in rows:
        check_width(cells, len(header), path, line)
        one, time = (cells[k].strip() for k in places)
        for column, cell in (("series", one), ("time", time)):
            if not cell:
                remedy = "fill it in or remove the row"
                raise DataError(f"{path}, line {line}", expected=f"a {column}", got="nothing", remedy=remedy)
        keys.append((line, one, time))
        yield line, [cell for k, cell in enumerate(cells) if k not in places]


def _seconds(time: str) -> float:
    """A date or time in seconds; one without a zone as if it were UTC, wherever it is read."""
    found = datetime.fromisoformat(time)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _times(keys: Sequence[tuple[int, str, str]], path: Path) -> Float64[np.ndarray, "rows"]:
    """Times as numbers that order them."""
    numbers = bool(keys) and is_number(keys[0][2])
    kind = "a number" if numbers else "a date or time such as 2026-11-27 or 2026-11-27T12:30"
    found: npt.NDArray[np.float64] = np.empty(len(keys))
    for k, (line, _, time) in enumerate(keys):
        try:
            found[k] = float(time) if numbers else _seconds(time)
        except (ValueError, OverflowError, OSError):
            found[k] = math.nan
        if not math.isfinite(found[k]):
            remedy = "write all times as numbers, or all as dates"
            raise DataError(f"{path}, line {line}, column time", expected=kind, got=repr(time), remedy=remedy)
    return found
