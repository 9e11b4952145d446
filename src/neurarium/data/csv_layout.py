"""What the columns of a .csv table are, found out from its first row: features, and what is to be predicted.

The first row is a header where none of its cells is a number, or where all but the names of what is to be predicted
are 0, 1, 2, ... (as pandas names columns). A first column without a name is a row number (as pandas writes one) and
is left out.

What is to be predicted, the target: the columns whose names end in `:number` (one or several) or the one whose name
ends in `:class`; else the column named label, target, class, y or species, in this order of preference; else the last.
Capitals do not matter.

To predict from, columns of features are found by the names that were learned, in whatever order they stand; others are
passed over, and that is said. Where table or net has no names they are taken by their place, and that is said too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from neurarium.checks import DataError
from neurarium.data.named_columns import find_columns

LABEL_NAMES = ("label", "target", "class", "y", "species")
Said = Literal["number", "class"]
_SAID: dict[str, Said] = {"number": "number", "class": "class"}
_MARKED = re.compile(r"(.*):\s*(number|class)", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """Which columns of a table are what; columns are counted from 0.

    Args:
        names: a name for each, for messages.
        columns: those of the features, in the order in which they are taken.
        features: their names; none where the table has no header, or one that only counts.
        targets: those to be predicted; none where the table is only to predict from.
        outputs: their names, "target" where the table has no header.
        notices: how columns were found again, where a user might think otherwise.
    """

    header: bool
    width: int
    names: tuple[str, ...]
    columns: tuple[int, ...]
    features: tuple[str, ...]
    targets: tuple[int, ...]
    outputs: tuple[str, ...]
    said: Said | None
    notices: tuple[str, ...] = ()


def layout_of(
    first: Sequence[str],
    path: Path,
    features: int | None = None,
    known: Sequence[str] = (),
    learned: tuple[str, ...] = (),
) -> Layout:
    """Find out from the first row what the columns are.

    Args:
        features: how many there should be, to predict from: then there may be no target. None: as many as there are,
            and a target.
        known: names of targets that a net has learned, to be found again without a mark.
        learned: names of the features that a net has learned from, by which they are found where there is a header.
    Raises DataError: too many or too few columns, one that is missing, or several columns marked as classes.

    Example:
        >>> layout = layout_of(["rooms", "Price:number", "area"], Path("houses.csv"))
        >>> layout.columns, layout.outputs, layout.said
        ((0, 2), ('Price',), 'number')
    """
    cells = [cell.strip() for cell in first]
    header = _is_header(cells)
    columns = range(1 if header and not cells[0] else 0, len(cells))
    bare, said = _marks(cells if header else [""] * len(cells), path)
    if header and (twice := [cells[k] for k in columns if cells[k] and cells.count(cells[k]) > 1]):
        remedy = "rename or remove one"
        raise DataError(
            f"{path}, line 1", expected="columns whose names differ", got=f"{twice[0]!r} twice", remedy=remedy
        )
    notices: tuple[str, ...] = ()
    if header and learned:
        rest = [k for k in columns if not said[k]]
        others = {bare[k] for k in rest if bare[k] in known or bare[k].lower() in LABEL_NAMES} - set(learned)
        found = find_columns([bare[k] for k in rest], learned, others, str(path))
        inputs, notices = tuple(rest[k] for k in found.places), found.notices(str(path))
        targets = [k for k in columns if said[k] or bare[k] in others]
    else:
        targets = [k for k in columns if said[k]] or [k for k in columns if features is not None and bare[k] in known]
        if not targets and (features is None or len(columns) == features + 1):
            lower = [cell.lower() for cell in bare]
            targets = [next((lower.index(name) for name in LABEL_NAMES if name in lower), len(cells) - 1)]
        inputs = tuple(k for k in columns if k not in targets)
        if features is not None and (learned or header):
            why = "the net has learned from columns without names" if header else "the file has no header"
            notices = (f"{path}: columns are taken in the order in which they stand, as {why}",)
    if not inputs or (features is not None and len(inputs) != features):
        expected = "feature columns and a label column" if features is None else f"{features} feature columns"
        remedy = "separate columns by commas" if len(cells) == 1 else "give the columns that the net learned from"
        raise DataError(str(path), expected=expected, got=f"{len(cells)} columns", remedy=remedy)
    return Layout(
        header=header,
        width=len(cells),
        names=tuple(repr(cell) if header else str(k) for k, cell in enumerate(cells, 1)),
        columns=inputs,
        features=tuple(bare[k] for k in inputs) if header and not any(is_number(bare[k]) for k in inputs) else (),
        targets=tuple(targets),
        outputs=tuple(bare[k] or "target" for k in targets),
        said=next((said[k] for k in targets), None),
        notices=notices,
    )


def is_number(cell: str) -> bool:
    """Say whether the text of a cell is a number, finite or not."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_header(cells: Sequence[str]) -> bool:
    if not any(map(is_number, cells)):
        return True
    counted = [cell for cell in cells if cell and cell.lower() not in LABEL_NAMES and not _MARKED.fullmatch(cell)]
    return 2 <= len(counted) < len(cells) and counted == [str(k) for k in range(len(counted))]


def _marks(names: Sequence[str], path: Path) -> tuple[list[str], list[Said | None]]:
    """Return the names without their marks, and the marks."""
    found = [_MARKED.fullmatch(name) for name in names]
    bare = [match[1].strip() if match else name for name, match in zip(names, found, strict=True)]
    said = [_SAID[match[2].lower()] if match else None for match in found]
    marks = [mark for mark in said if mark]
    if "class" in marks and len(marks) > 1:
        expected = "columns marked ':number', or a single column marked ':class'"
        got = ", ".join(repr(name) for name, mark in zip(names, said, strict=True) if mark)
        raise DataError(str(path), expected=expected, got=got, remedy="keep one of these and remove the others")
    return bare, said
