"""Targets that are numbers to predict: tell them from classes, and see that they can be learned."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.batch import Batch
from neurarium.record.schema import Field, Schema

# More integers than this, and more than this fraction of the examples, may be classes as well as numbers.
_MANY = 50
_INPUT_NAMES = ("features", "image")
_SHARE = 10


def are_numbers(targets: npt.NDArray[Any], subject: str, remedy: str) -> bool:
    """Tell numbers to predict from classes, where the source does not say which they are.

    Text and truth values are classes. Of numbers, a single fraction (or an undefined number) makes all numbers; whole
    numbers, however they are written (7 or 7.0), are classes. Several columns of floats are numbers.

    More than 50 different integers, that are more than a tenth of the examples too, may be either: ages,
    prices, or many classes. They are refused.

    `remedy`: how the user says which they are.
    Raises DataError: integers that may be either, several columns of integers, or rows of one 1 among zeros, which
    stand for classes.

    Example:
        >>> are_numbers(np.array([1.5, 2.0]), "prices.csv", ""), are_numbers(np.array([1, 0, 1]), "pets.csv", "")
        (True, False)
    """
    if targets.dtype.kind not in "iuf" or targets.ndim not in (1, 2):
        return False
    if targets.ndim == 2 and targets.shape[1] > 1:
        _check_columns(targets, subject, remedy)
        return True
    if not np.isfinite(targets).all() or (targets % 1 != 0).any():
        return True
    different = len(np.unique(targets))
    if different > _MANY and different * _SHARE > len(targets):
        expected = f"classes, or numbers to predict; more than {_MANY} different integers may be either"
        got = f"{different} different ones in {len(targets)} examples"
        raise DataError(subject, expected=expected, got=got, remedy=remedy)
    return False


def number_fields(outputs: Sequence[str]) -> dict[str, Field]:
    """Return the target field of numbers to predict, by its name: that of the only output where it is a plain word."""
    plain = len(outputs) == 1 and outputs[0].isidentifier() and outputs[0] not in _INPUT_NAMES
    return {outputs[0] if plain else "target": Field((len(outputs),), names=tuple(outputs))}


def check_finite(targets: Float[Tensor, "examples outputs"], outputs: Sequence[str], subject: str) -> None:
    """Refuse by a `DataError` targets that are infinite or undefined."""
    if not (finite := targets.isfinite()).all():
        row, output = (~finite).nonzero()[0].tolist()
        place = f"{subject}, {outputs[output]}, row {row} (counted from 0, without a header)"
        remedy = "remove the row or fill the gap"
        raise DataError(place, expected="a finite number to predict", got=f"{targets[row, output]:g}", remedy=remedy)


def check_varied(targets: Float[Tensor, "examples outputs"], outputs: Sequence[str], subject: str) -> None:
    """Refuse by a `DataError` no examples, or an output that is one number throughout."""
    if not len(targets):
        raise DataError(subject, expected="at least one example", got="an empty data set", remedy="add some")
    constant = (targets == targets[0]).all(0)
    if constant.any():
        output = int(constant.nonzero()[0, 0])
        expected = "numbers to predict that differ among the training examples"
        got, remedy = f"{targets[0, output]:g} for all of them", "remove this output, or add examples of other values"
        raise DataError(f"{subject}, {outputs[output]}", expected=expected, got=got, remedy=remedy)


def check_inputs(batch: Batch, schema: Schema) -> Batch:
    """Return a batch, as it is; refuse by a `DataError` one with inputs that are infinite or undefined."""
    for (name, field), x in zip(schema.inputs.items(), batch.inputs, strict=False):  # lengths come behind
        if x.is_floating_point() and not (finite := x.isfinite()).all():
            row, *rest = (~finite).nonzero()[0].tolist()
            number = row if batch.index is None else int(batch.index[row]) if len(x) == len(batch) else row
            column = field.names[rest[0]] if field.names and len(rest) == 1 else ", ".join(map(str, rest))
            where = f"inputs, {name}, {'entry' if field.is_ragged else 'row'} {number}, column {column} (from 0)"
            got, remedy = str(x[(row, *rest)].item()), "leave such examples out or fill the gap"
            raise DataError(where, expected="a finite number that fits into 32 bits", got=got, remedy=remedy)
    return batch


def _check_columns(targets: npt.NDArray[Any], subject: str, remedy: str) -> None:
    """See that several columns are numbers to predict."""
    expected, got = "one label an example, or numbers to predict", f"shape {targets.shape}"
    if len(targets) and np.isin(targets, (0, 1)).all() and (targets.sum(1) == 1).all():
        remedy = "turn one-hot rows into numbers with argmax(axis=1)"
        raise DataError(subject, expected=expected, got=f"{got}, a single 1 in each row", remedy=remedy)
    if targets.dtype.kind != "f":
        raise DataError(subject, expected=expected, got=f"{got} of integers", remedy=remedy)
