"""Turn a column of labels into class numbers 0, 1, ... and the classes' names."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Int64
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.examples import Examples
from neurarium.record.schema import Field

_FEW = 5


def encode(labels: npt.NDArray[Any], subject: str) -> tuple[Int64[Tensor, "examples"], tuple[str, ...]]:
    """Number the classes that occur in `labels`.

    Integers are ordered by size, names by alphabet (by number where all are numbers); the names of classes are the
    labels as text: labels 1, 2, 4 are classes 0, 1, 2 named "1", "2", "4".

    `labels`: one axis (an axis of length 1 behind it is dropped); integers >= 0 (7.0 is one), truth values or text.
    Raises DataError: another shape, fractions, negative numbers or an empty name.

    Example:
        >>> encode(np.array(["cat", "dog", "cat"]), "pets.csv")
        (tensor([0, 1, 0]), ('cat', 'dog'))
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        remedy = "turn one-hot rows into numbers with argmax(axis=1)" if labels.ndim == 2 else ""
        raise DataError(subject, expected="one label an example", got=f"shape {labels.shape}", remedy=remedy)
    if not len(labels):
        return torch.empty(0, dtype=torch.int64), ()
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels)
    # Beyond 2^53 a float has lost the digits that would tell two numbers apart.
    if labels.dtype.kind == "f" and (labels % 1 == 0).all() and np.abs(labels).max() < 2**53:
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iubU":
        got = "fractions" if labels.dtype.kind == "f" else f"labels of type {labels.dtype}"
        remedy = "number the classes 0, 1, 2, ... or name them"
        raise DataError(subject, expected="labels that are integers or names", got=got, remedy=remedy)
    if labels.dtype.kind == "i" and labels.min() < 0:
        row = int(np.argmax(labels < 0))
        remedy = "number the classes 0, 1, 2, ... or name them"
        raise DataError(f"{subject}, label {row}", expected="an integer >= 0", got=str(labels[row]), remedy=remedy)
    values, numbers = np.unique(labels, return_inverse=True)
    names = [str(value.item()) for value in values]
    if not all(name.strip() for name in names):
        row = int(np.argmax(numbers == 0))
        raise DataError(f"{subject}, label {row}", expected="a name", got="nothing", remedy="fill it in")
    order = by_name(names)
    place = np.empty(len(names), dtype=np.int64)
    place[[names.index(name) for name in order]] = np.arange(len(names))
    return torch.from_numpy(place[numbers]), tuple(order)


def class_fields(classes: Sequence[str], column: tuple[str, ...] = ()) -> dict[str, Field]:
    """Return the target field of examples of one class each, by its name; `column` is what a table calls it."""
    return {"label": Field((), categories=tuple(classes), names=column)}


def lone_classes(examples: Examples) -> list[str]:
    """A notice for each target with classes of which there is a single example: it is learned and never tried."""
    said = []
    for name, field in examples.schema.targets.items():
        if field.categories and not field.shape and examples.random_access:
            numbers = examples.target(name)
            counts = torch.bincount(numbers[numbers >= 0].long(), minlength=len(field.categories))
            lone = [field.categories[k] for k in (counts == 1).nonzero().flatten().tolist()]
            few = ", ".join(map(repr, lone[:_FEW])) + (f" and {len(lone) - _FEW} more" if len(lone) > _FEW else "")
            if lone:
                said.append(f"a single training example of {name} {few}: too few to learn from; add some or remove it")
    return said


def by_name(names: Iterable[str]) -> list[str]:
    """Return the names in alphabetical order, or by size where all are integers: 2 before 10."""
    names = list(names)
    return sorted(names, key=int) if all(name.isdecimal() for name in names) else sorted(names)
