"""Forecasts of real series: windows of what was measured, and what was measured next.

    input  x_s, ..., x_(s+L-1)      target  x_(s+L), ..., x_(s+L+k-1)

The series is cut in time: what is asked for in validation comes after all that is asked for in training, and the test
after both. What a window looks back on may lie in an earlier part, as the past is known by then. Input
and target are scaled by one mean and one standard deviation, those of the time that the training windows cover.
"""

import csv
from collections.abc import Sequence
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import torch

from neurarium.checks import DataError
from neurarium.data.assemble import Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.scaling import scaled
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema

Series = npt.NDArray[np.float64]


def co2(folder: str | None = None) -> Dataset:
    """Carbon dioxide at Mauna Loa: the next twelve months from the last 36.

    Source: C. D. Keeling, T. P. Whorf, "Atmospheric CO2 concentrations derived from flask air samples", 2004.
    """
    names = tuple(f"ppm in month {k}" for k in range(1, 13))
    return from_series(
        _stored("co2.csv"),
        "co2",
        length=36,
        names=names,
        period=12,
        provenance="monthly carbon dioxide at Mauna Loa, May 1964 to December 2001 (C. D. Keeling, T. P. Whorf, 2004)",
        license="public domain",
    )


def sunspots(folder: str | None = None) -> Dataset:
    """Sunspots: the next year's number from the last 22, two cycles of the sun."""
    return from_series(
        _stored("sunspots.csv"),
        "sunspots",
        length=22,
        names=("sunspots next year",),
        provenance="yearly sunspot numbers, 1700 to 2008 (National Geophysical Data Center)",
        license="public domain",
    )


def from_series(
    values: Series,
    name: str,
    *,
    length: int,
    names: Sequence[str],
    provenance: str,
    period: int = 1,
    license: str = "not stated",
) -> Dataset:
    """Cut a series into windows of `length` values and as many that follow as there are `names`.

    The first 70 % of what is to be forecast is for training, the next 15 % for validation, the rest for the test.

    Args:
        period: after how many steps the series repeats itself, roughly: 12 for months; 1 where it does not.
    Raises DataError: a value that is not finite, or too few for a window in each part.

    Example:
        >>> data = from_series(np.sin(np.arange(100.0)), "toy", length=8, names=("next",), provenance="made up")
        >>> data.counts()
        {'train': 64, 'validation': 14, 'test': 14}
    """
    ahead, asked = len(names), len(values) - length
    ends = (length, length + round(0.7 * asked), length + round(0.85 * asked), len(values))
    if min(np.diff(ends)) < ahead:
        expected = f"a longer series, for windows of {length} and {ahead} more in each of three parts"
        raise DataError(name, expected=expected, got=f"{len(values)} values", remedy="give more of it")
    if not (finite := np.isfinite(values)).all():
        place = f"{name}, value {int(np.argmin(finite))} (counted from 0)"
        raise DataError(place, expected="a finite number", got=str(values[~finite][0]), remedy="fill the gap")
    seen = values[: ends[1]]
    mean, std = float(seen.mean()), float(seen.std())
    schema = Schema(
        {"series": Field((length, 1), mean=(mean,) * length, std=(std,) * length)},
        {
            "next": Field(
                (ahead,), names=tuple(names), mean=(mean,) * ahead, std=(std,) * ahead, constants={"period": period}
            )
        },
    )
    parts: Parts = {
        "train": _windows(values, ends[0], ends[1], schema),
        "validation": _windows(values, ends[1], ends[2], schema),
        "test": _windows(values, ends[2], ends[3], schema),
    }
    provenance += "; cut in time, first 70 % for training, then 15 % for validation, 15 % for the test"
    return assemble(name, parts, provenance=provenance, license=license)


def _windows(values: Series, first: int, end: int, schema: Schema) -> Table:
    """Every window whose targets lie in [first, end)."""
    (length, _), (ahead,) = schema.input.fixed_shape, schema.target.fixed_shape
    whole = torch.from_numpy(values[first - length : end]).unfold(0, length + ahead, 1)
    return Table((whole[:, :length, None].clone(),), (scaled(whole[:, length:], schema.target),), schema)


def _stored(name: str) -> Series:
    text = (files("neurarium.data") / "embedded" / name).read_text(encoding="utf-8")
    return np.array([float(row[1]) for row in list(csv.reader(text.splitlines()))[1:]])
