"""A user's own arrays and data frames, as a `Dataset`. pandas is not imported here: who has its objects has it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Shaped
from torch import Tensor

from neurarium.checks import DataError, suggest
from neurarium.data.arrays import as_inputs, input_fields
from neurarium.data.assemble import Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.labels import class_fields, encode
from neurarium.data.named_columns import find_columns
from neurarium.data.numbers import are_numbers, number_fields
from neurarium.data.ragged import Ragged
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema

Array = npt.NDArray[Any]
_NUMBERS = "give floats for numbers to predict, text for classes: y.astype(str)"


def is_pandas(data: Any, kind: str) -> bool:
    """Whether something is a pandas object of that kind, "DataFrame" or "Series"."""
    return any(base.__module__.partition(".")[0] == "pandas" and base.__name__ == kind for base in type(data).__mro__)


def dataset_of_pair(X: Any, y: Any, like: Schema | None = None) -> Dataset:
    """Return the data set of inputs and targets, divided 80/10/10.

    Args:
        X: rows of features or images, as `arrays.as_inputs` takes them: a tensor, an array or a pandas object. Or
            a list of arrays (steps, features) of different lengths: series.
        y: integers, text or truth values: a class each; floats: numbers to predict, (examples,) or (examples, outputs).
            None: no targets.
        like: what a net has learned from that is to be measured: the examples stay whole, and a frame's columns are
            found by their names.
    Raises DataError: X or y cannot be learned from, or are of unequal length.
    """
    if is_pandas(X, "Series"):
        X = X.to_frame()
    if is_uneven(X):
        return _dataset_of_series(series(X, Field((None,), axis="time"), "X"), y, like is not None)
    X, notices = (X, ()) if like is None else learned_columns(X, like)
    inputs, names = _features(X) if is_pandas(X, "DataFrame") else (as_inputs(_array(X), "X"), ())
    targets, fields = ((), {}) if y is None else _targets(y)
    _check_count(targets, len(inputs))
    schema = Schema(input_fields(tuple(inputs.shape[1:]), names), fields)
    parts: Parts = {"train": Table((inputs,), targets, schema)}
    found = assemble("own", parts, provenance="memory", subject="data", whole=like is not None)
    return replace(found, notices=notices)


def learned_columns(X: Any, like: Schema) -> tuple[Any, tuple[str, ...]]:
    """The columns of a frame that a net has learned from, in that order; anything else as it came. And what to say.

    Raises:
        DataError: a column that is missing, or there several times.
    """
    if not is_pandas(X, "DataFrame") or not like.is_dense:
        return X, ()
    if not like.input.names:
        return X, (
            "columns are taken in the order in which they stand, as the net has learned from ones without names",
        )
    known = [name for pair in like.targets.items() for name in (pair[0], *pair[1].names)]
    found = find_columns(list(map(str, X.columns)), like.input.names, known, "data")
    return X.iloc[:, list(found.places)], found.notices("data")


def is_uneven(X: Any) -> bool:
    """Whether something is a list of arrays that differ in length."""
    return isinstance(X, (list, tuple)) and len({len(one) if np.ndim(one) else 0 for one in map(_array, X)}) > 1


def series(X: Iterable[Any], field: Field, subject: str) -> Ragged:
    """Return arrays of different lengths, (steps, features), as examples without targets; `field` has axis and names.

    Raises DataError: arrays that are no series, or differ in more than their lengths.
    """
    arrays = [_array(one) for one in X]
    if odd := [k for k, one in enumerate(arrays) if one.ndim != 2 or one.shape[1] != arrays[0].shape[-1]]:
        place, got = f"{subject}, example {odd[0]} (counted from 0)", f"shape {arrays[odd[0]].shape}"
        expected = "a series (steps, features), with as many features as the others"
        remedy = "give one such array an example; series of one feature as (steps, 1)"
        raise DataError(place, expected=expected, got=got, remedy=remedy)
    stored = as_inputs(np.concatenate(arrays), subject)
    schema = Schema({"series": Field((None, stored.shape[1]), names=field.names, axis=field.axis)})
    return Ragged({"series": stored}, {field.axis: torch.tensor([len(one) for one in arrays])}, schema)


def _dataset_of_series(found: Ragged, y: Any, whole: bool) -> Dataset:
    targets, fields = ((), {}) if y is None else _targets(y)
    _check_count(targets, len(found))
    columns = {**found.columns, **dict(zip(fields, targets, strict=True))}
    train = Ragged(columns, found.lengths, Schema(found.schema.inputs, fields))
    return assemble("own", {"train": train}, provenance="memory", subject="data", whole=whole)


def _check_count(targets: Sequence[Tensor], count: int) -> None:
    for column in targets:
        if len(column) != count:
            got, remedy = str(len(column)), "give inputs and targets of the same examples"
            raise DataError("y", expected=f"{count} targets, one for each row of X", got=got, remedy=remedy)


def dataset_of_frame(frame: Any, target: Sequence[str], like: Schema | None = None) -> Dataset:
    """Return the data set of a pandas DataFrame: some columns to predict, all others features; `like` as for a pair.

    Raises DataError: no target, no such column, or a feature that is no number.
    """
    columns = list(map(str, frame.columns))
    if twice := [name for k, name in enumerate(columns) if name in columns[:k]]:
        remedy = "rename or remove one"
        raise DataError("data", expected="columns whose names differ", got=f"{twice[0]!r} twice", remedy=remedy)
    if not target:
        remedy = "say which column is to be predicted: target='its name'"
        raise DataError("target", expected=f"a column of {_few(columns)}", got="none", remedy=remedy)
    for name in target:
        if name not in columns:
            remedy = suggest(name, columns)
            raise DataError("target", expected=f"a column of {_few(columns)}", got=repr(name), remedy=remedy)
    places = [columns.index(name) for name in target]
    rest = [k for k in range(len(columns)) if k not in places]
    return dataset_of_pair(frame.iloc[:, rest], frame.iloc[:, places], like)


def _features(frame: Any) -> tuple[Shaped[Tensor, "rows features"], tuple[str, ...]]:
    """Return the columns of a frame as numbers, and their names."""
    columns = [_column(frame.iloc[:, k], str(name)) for k, name in enumerate(frame.columns)]
    for k, column in enumerate(columns):
        if column.dtype.kind not in "biuf":
            got = f"type {frame.dtypes.iloc[k]}"
            remedy = "turn it into numbers (pandas.get_dummies), leave it out, or make it the target"
            raise DataError(f"column {frame.columns[k]}", expected="numbers", got=got, remedy=remedy)
    if not columns:
        raise DataError("data", expected="a column of features", got="none", remedy="add features")
    return as_inputs(np.column_stack(columns), "X"), tuple(map(str, frame.columns))


def _targets(y: Any) -> tuple[tuple[Tensor, ...], dict[str, Field]]:
    """Return what is to be predicted, and its field."""
    names: tuple[str, ...] = ("target",)
    if is_pandas(y, "Series"):
        y = y.to_frame("target" if y.name is None else y.name)
    if is_pandas(y, "DataFrame"):
        names = tuple(map(str, y.columns))
        columns = [_column(y.iloc[:, k], name) for k, name in enumerate(names)]
        if len(columns) > 1:
            return (_stacked(columns, names),), number_fields(names)
        array = columns[0]
    else:
        array = _text(_array(y), "y")
        array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if array.dtype.kind == "f":
        if array.ndim == 2:
            are_numbers(array, "y", _NUMBERS)
            names = tuple(f"target[{k}]" for k in range(array.shape[1]))
        if array.ndim not in (1, 2):
            raise DataError("y", expected="numbers, (examples,) or (examples, outputs)", got=f"shape {array.shape}")
        return (torch.from_numpy(array.astype(np.float64).reshape(len(array), -1)),), number_fields(names)
    are_numbers(array, "y", _NUMBERS)
    labels, classes = encode(array, "y")
    return (labels,), class_fields(classes, () if names == ("target",) else names)


def _stacked(columns: Sequence[Array], names: Sequence[str]) -> Tensor:
    for name, column in zip(names, columns, strict=True):
        if column.dtype.kind not in "iuf":
            raise DataError(f"column {name}", expected="numbers, as several are to be predicted", got="text")
    return torch.from_numpy(np.column_stack(columns).astype(np.float64))


def _column(series: Any, name: str) -> Array:
    """Return a pandas column as an array without gaps: of numbers, truth values or text."""
    if (gaps := series.isna().to_numpy()).any():
        place, remedy = f"column {name}, row {int(np.argmax(gaps))} (counted from 0)", "fill the gap or remove the row"
        raise DataError(place, expected="a value", got="nothing", remedy=remedy)
    kind = getattr(series.dtype, "kind", "O")
    if kind in "biuf":
        return np.asarray(series.to_numpy(dtype={"b": np.bool_, "f": np.float64}.get(kind, np.int64)))
    return _text(np.asarray(series), f"column {name}")


def _text(array: Array, subject: str) -> Array:
    """Return an array of Python objects as one of text or truth values, if that is what it holds."""
    if array.dtype.kind != "O":
        return array
    for kind, stored in ((str, np.str_), (bool, np.bool_)):
        if all(isinstance(value, kind) for value in array.flat):
            return array.astype(stored)
    odd = next(k for k, value in enumerate(array.flat) if not isinstance(value, str))
    got, remedy = f"{array.flat[odd]!r} in row {odd} (counted from 0)", "turn all into text, or all into numbers"
    raise DataError(subject, expected="text throughout, or numbers", got=got, remedy=remedy)


def _array(values: Any) -> Array:
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        return np.asarray(values.float() if values.dtype in (torch.bfloat16, torch.float16) else values)
    return np.asarray(values)


def _few(names: Sequence[Any], most: int = 8) -> str:
    return ", ".join(map(str, names[:most])) + (", ..." if len(names) > most else "")
