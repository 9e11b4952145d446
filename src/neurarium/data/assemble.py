"""From what a source holds to a `Dataset`: check the targets, hold out what is missing, fit the constants."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Int64
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.numbers import check_finite, check_varied
from neurarium.data.scaling import Scaling
from neurarium.data.split import stratified_split
from neurarium.record.schema import Field, Schema

Part = Literal["train", "validation", "test"]
Parts = Mapping[Part, Examples]


def assemble(
    name: str,
    parts: Parts,
    *,
    provenance: str,
    license: str = "not stated",
    subject: str | None = None,
    validation: int | None = None,
    standardize: bool = True,
    whole: bool = False,
) -> Dataset:
    """Make a data set of the parts that a source has.

    A part that is missing is held out from the training examples: a tenth of them each, by a fixed seed, stratified
    where each example is of one class (`split.stratified`); so a source without any split is divided 80/10/10.

    Inputs and targets that are numbers are standardized by mean and standard deviation of the training part, so that
    prices learn as easily as lengths, unless their fields say by what already; `value_range` is filled in likewise.

    Args:
        parts: "train", and "validation" and "test" where the source has them, all of one schema.
        provenance: a line on where the data comes from; how it was divided is added.
        subject: the file or folder that messages name; `name` where not given.
        validation: how many examples to hold out for validation, other than a tenth.
        whole: nothing is held out and nothing fitted: the examples stand for every part that the source does not have.
            A net is measured on them that has learned from others, by whose constants they are then scaled.
    Raises DataError: no examples, fewer than two classes or one without training examples, an undefined or constant
    number.
    """
    subject, schema = subject or name, parts["train"].schema
    if not len(parts["train"]):
        raise DataError(subject, expected="at least one example", got="an empty data set", remedy="add some")
    strata = torch.zeros(len(parts["train"]), dtype=torch.int64)
    how = "fixed seed"
    for target, field in schema.targets.items():
        if field.categories and not field.shape:
            strata, how = parts["train"].target(target), "stratified, fixed seed"
            if not whole:
                _check_classes(strata, field.categories, subject)
        elif not (field.categories or field.points_to):
            _check_numbers(parts, target, field, subject, varied=not whole)
    if whole:
        train, held, test = (parts.get(part, parts["train"]) for part in ("train", "validation", "test"))
        return Dataset(name, train, held, test, schema, provenance, license)
    divided, held_out = _divided(parts, strata, validation)
    if held_out:
        provenance += f"; {held_out} held out from training examples, {how}"
    fitted = _fitted(schema, divided["train"], standardize, subject)
    train, held, test = (divided[part].with_schema(fitted) for part in ("train", "validation", "test"))
    return Dataset(name, train, held, test, fitted, provenance, license)


def _check_numbers(parts: Parts, target: str, field: Field, subject: str, varied: bool) -> None:
    names = field.names or (target,)
    for part, examples in parts.items():
        rows = _rows(examples.target(target), field)
        check_finite(rows, _few(names, rows), subject if len(parts) == 1 else f"{subject}, {part}")
    if varied and not field.standardized:
        rows = _rows(parts["train"].target(target), field)
        check_varied(rows, _few(names, rows), subject)


def _rows(values: Tensor, field: Field) -> Tensor:
    """A column for each number with a mean of its own: a pixel may be black throughout."""
    if field.trailing and not field.is_ragged:
        return values.movedim(1, -1).flatten(0, -2)
    return values.flatten(1) if values.ndim > 1 else values[:, None]


def _few(names: tuple[str, ...], rows: Tensor) -> tuple[str, ...]:
    return names if len(names) == rows.shape[1] else tuple(f"{names[0]}[{k}]" for k in range(rows.shape[1]))


def _divided(
    parts: Parts, strata: Int64[Tensor, "examples"], validation: int | None
) -> tuple[dict[Part, Examples], str]:
    """Return all three parts, and which of them were held out from training, as words."""
    train = parts["train"]
    missing: list[Part] = [part for part in ("validation", "test") if part not in parts]
    sizes = [round(len(train) / 10) for _ in missing]
    if missing and missing[0] == "validation" and validation is not None:
        sizes[0] = validation
    kept, *held_out = stratified_split(strata, *sizes)
    taken = dict(zip(missing, (train.select(index) for index in held_out), strict=True))
    return {**parts, **taken, "train": train.select(kept) if missing else train}, " and ".join(missing)


def _fitted(schema: Schema, train: Examples, standardize: bool, subject: str) -> Schema:
    """The schema with the constants of its numbers, as the training examples have them."""
    found = {}
    for name, field in schema.inputs.items():
        if field.categories or field.points_to:
            continue
        if field.value_range is None:
            low, high = _ends(train, name)
            field = replace(field, value_range=(low, high))
        if standardize and not field.standardized:
            field = Scaling.fit_chunks(train.pieces(name)).field(field)
        found[name] = field
    for name, field in schema.targets.items():
        if standardize and not (field.categories or field.points_to or field.standardized):
            values = train.target(name)
            # Once more: the only examples that differ may have been held out.
            rows = _rows(values, field)
            check_varied(rows, _few(field.names or (name,), rows), subject)
            found[name] = Scaling.fit(values).field(field)
    return schema.with_fields(**found)


def _ends(train: Examples, name: str) -> tuple[float, float]:
    """Smallest and largest value of an input: of bytes all that they can hold, as pixels are."""
    low, high = float("inf"), float("-inf")
    for piece in train.pieces(name):
        if piece.dtype == torch.uint8:
            return 0.0, 255.0
        if piece.numel():
            low, high = min(low, float(piece.min())), max(high, float(piece.max()))
    return low, high


def _check_classes(targets: Int64[Tensor, "examples"], classes: Sequence[str], subject: str) -> None:
    """See that there are two classes or more, and training examples of each."""
    if not len(targets):
        raise DataError(subject, expected="at least one example", got="an empty data set", remedy="add some")
    if len(classes) < 2:
        remedy = "add examples of a second class, or name the label column 'label' if another was taken for it"
        raise DataError(subject, expected="two classes or more", got=f"only {classes[0]!r}", remedy=remedy)
    counts = torch.bincount(targets, minlength=len(classes)).tolist()
    empty = [name for name, count in zip(classes, counts, strict=True) if not count]
    if empty:
        got = f"an empty class: none of {', '.join(map(repr, empty))}"
        remedy = "add training examples of it or remove the class"
        raise DataError(subject, expected="at least one training example of each class", got=got, remedy=remedy)
