"""Items of a PyTorch data set, collated: which tensors are inputs, which are targets, and what they look like.

| an item is | inputs | targets |
|---|---|---|
| (a, ..., z) | all but the last | the last |
| a dictionary | the other keys | the keys asked for, else the first of label, labels, target, targets, y |
| a tensor, or (a,) | it | none |

Floats become 32-bit, and so do bytes and truth values of inputs; other integers stay integers. A target that is a
single float becomes a row of one number to predict.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.batch import Batch
from neurarium.data.examples import check_categories, restated
from neurarium.data.numbers import are_numbers
from neurarium.data.scaling import scaled
from neurarium.record.schema import Field, Schema

Columns = dict[str, Shaped[Tensor, "batch ..."]]
_TARGET_KEYS = ("label", "labels", "target", "targets", "y")
_FEW = 8


@dataclass(frozen=True)
class Collated:
    """How items become batches.

    Args:
        collate: from a list of items to tensors, as PyTorch's `DataLoader` takes it.
        said: which keys are targets, where items are dictionaries; none: by their names.
        classes: names of the classes, where the data set says them.
    """

    collate: Callable[[list[Any]], Any]
    said: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def columns(self, items: list[Any]) -> tuple[Columns, Columns]:
        """Return inputs and targets of some items, a row an item; a `DataError` where they do not collate so."""
        try:
            collated = self.collate(items)
        except (RuntimeError, TypeError, ValueError, KeyError, IndexError) as error:
            lines = str(error).splitlines() or [""]
            raise _no_batch(f"items of {_kind(items[0])} that cannot ({type(error).__name__}: {lines[0]})") from error
        inputs, targets = self._parted(collated)
        if not inputs:
            raise _no_batch("items without anything in them")
        for name, value in (inputs | targets).items():
            if not isinstance(value, Tensor) or value.ndim == 0 or len(value) != len(items):
                shape = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else _kind(value)
                raise _no_batch(f"{shape} as {name} of {len(items)} items")
        inputs = {name: value.float() if _becomes_float(value) else value for name, value in inputs.items()}
        return inputs, {name: _as_target(value) for name, value in targets.items()}

    def schema(self, items: list[Any]) -> Schema:
        """What the first items look like; one size that differs varies, two or no common shape are a `DataError`."""
        seen = [self.columns(items), *(self.columns([item]) for item in items[:_FEW])]
        for group in seen:
            if [list(part) for part in group] != [list(part) for part in seen[0]]:
                both = " and ".join(", ".join(one | two) for one, two in (seen[0], group))
                raise _no_batch(f"items that look like {both}")
        inputs, targets = (
            {name: _field(name, [group[part][name] for group in seen]) for name in seen[0][part]} for part in (0, 1)
        )
        for name, field in targets.items():
            if _stands_for_classes(seen[0][1][name]):
                targets[name] = field if field.shape else replace(field, categories=self.classes)
            elif field.shape == (1,):
                targets[name] = replace(field, names=(name,))
        return Schema(inputs, targets)

    def survey(self, pieces: Iterable[list[Any]]) -> tuple[int, Schema, Columns]:
        """Look at all items once: count them, see in which range inputs lie, and number the classes up to the largest.

        Returns: how many items there are, their schema, and all their targets, flat where their size varies.
        Raises DataError: no item, items that do not collate or differ in shape, integers that may be classes or
        numbers.
        """
        count, schema = 0, None
        targets: dict[str, list[Tensor]] = {}
        ends: dict[str, tuple[float, float]] = {}
        for items in pieces:
            schema = schema or self.schema(items)
            inputs, answers = self.columns(items)
            check_shapes(schema, inputs | answers)
            count += len(items)
            for name, value in answers.items():
                kept = value.flatten() if schema.targets[name].is_ragged else value
                targets.setdefault(name, []).append(kept.cpu())
            for name, value in inputs.items():
                low, high = ends.get(name, (float("inf"), float("-inf")))
                if value.numel():
                    ends[name] = min(low, float(value.min())), max(high, float(value.max()))
        if schema is None:
            raise DataError("data", expected="at least one example", got="an empty data set", remedy="add some")
        known = {name: torch.cat(values) for name, values in targets.items()}
        fields = {name: replace(schema.inputs[name], value_range=pair) for name, pair in ends.items()}
        fields |= {name: _numbered(schema.targets[name], known[name].flatten(), name) for name in known}
        return count, schema.with_fields(**fields), known

    def batch(
        self, items: list[Any], raw: Schema, schema: Schema, index: Int[Tensor, "batch"], onto: torch.device
    ) -> Batch:
        """Return a batch of items, `raw` as they come, on `onto`, under the constants and categories of `schema`."""
        inputs, targets = self.columns(items)
        check_shapes(raw, inputs | targets)
        seen = [
            scaled(inputs[name], new) if new.standardized else inputs[name]
            for name, new in zip(raw.inputs, schema.inputs.values(), strict=True)
        ]
        said = [
            restated(targets[name], old, new, name)
            for (name, old), new in zip(raw.targets.items(), schema.targets.values(), strict=True)
        ]
        xs, ys = (tuple(value.to(onto, non_blocking=True) for value in group) for group in (seen, said))
        return Batch(xs, ys, len(items), index, tuple(schema.fields))

    def _parted(self, collated: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        if isinstance(collated, Mapping):
            targets = self.said or tuple(key for key in _TARGET_KEYS if key in collated)[:1]
            missing = [key for key in targets if key not in collated]
            if missing or not targets or len(targets) == len(collated):
                expected = f"items with the key {missing[0]!r}" if missing else "items with inputs and a target"
                got = f"the keys {', '.join(map(str, collated))}"
                raise DataError("data", expected=expected, got=got, remedy="say which key is the target: target='...'")
            return {str(k): v for k, v in collated.items() if k not in targets}, {key: collated[key] for key in targets}
        if self.said:
            got = f"items of {_kind(collated)}"
            raise DataError("target", expected="a key of items that are dictionaries", got=got)
        if not isinstance(collated, (tuple, list)):
            return {_name(collated): collated}, {}
        if len(collated) < 2:
            return {_name(value): value for value in collated}, {}
        *inputs, target = collated
        names = [_name(inputs[0])] if len(inputs) == 1 else [f"input_{k}" for k in range(len(inputs))]
        return dict(zip(names, inputs, strict=True)), {"label" if _stands_for_classes(target) else "target": target}


def check_shapes(schema: Schema, columns: Columns) -> None:
    """Refuse by a `DataError` batches that look otherwise than the first items."""
    for name, field in schema.fields.items():
        shape = tuple(columns[name].shape[1:]) if name in columns else ()
        fits = len(shape) == len(field.shape) and all(a in (None, b) for a, b in zip(field.shape, shape, strict=True))
        if name not in columns or not fits:
            got = " x ".join(map(str, shape)) or "one" if name in columns else f"only {', '.join(columns)}"
            place, remedy = f"field {name}", "give a collate_fn that pads items to one size"
            raise DataError(place, expected=f"{field.in_words()} as in the first items", got=got, remedy=remedy)
        if name in schema.targets and field.categories:
            check_categories(columns[name], name, field, target=True)


def _field(name: str, seen: Sequence[Tensor]) -> Field:
    shapes = {tuple(value.shape[1:]) for value in seen}
    if len({len(shape) for shape in shapes}) > 1:
        raise _no_batch(f"shapes {', '.join(map(str, sorted(shapes, key=str)))} as {name}")
    shape = tuple(sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*shapes, strict=True))
    return Field(shape, axis=f"{name}_length" if None in shape else "")


def _numbered(field: Field, values: Shaped[Tensor, " entries"], name: str) -> Field:
    """The field of a target with its categories, where integers stand for classes."""
    if values.is_floating_point() or field.categories:
        return field
    if not field.shape:
        remedy = "give floats for numbers to predict; name classes in an attribute `classes` of the data set"
        are_numbers(values.numpy(), f"field {name}", remedy)
    whole = replace(field, categories=tuple(map(str, range(int(values.max()) + 1))))
    check_categories(values, name, whole, target=True)
    return whole


def _name(value: Any) -> str:
    return {2: "features", 4: "image"}.get(getattr(value, "ndim", 0), "input")


def _stands_for_classes(value: Any) -> bool:
    return isinstance(value, Tensor) and not value.is_floating_point()


def _becomes_float(value: Tensor) -> bool:
    return value.is_floating_point() or value.dtype in (torch.uint8, torch.bool)


def _as_target(value: Tensor) -> Tensor:
    if value.is_floating_point():
        return value.float() if value.ndim > 1 else value.float()[:, None]
    return value.long()


def _kind(value: Any) -> str:
    return f"type {type(value).__name__}"


def _no_batch(got: str) -> DataError:
    remedy = "give items of numbers or tensors of one size, or a DataLoader with a collate_fn"
    return DataError("data", expected="items that make a batch of tensors, one row an item", got=got, remedy=remedy)
