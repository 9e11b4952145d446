"""Columns of examples whose sizes vary: the rows of all examples one after the other, and how many each example has."""

from abc import ABC
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.batch import Batch
from neurarium.data.examples import Examples, agreed, check_categories, check_lengths, restated
from neurarium.data.scaling import scaled
from neurarium.record.schema import Field, Schema

_CHUNK = 1 << 16


@dataclass(frozen=True, eq=False, repr=False)
class Columns(Examples, ABC):
    """What `ragged.Ragged` and `packed.Packed` fraction: storage, selection, checks.

    Args:
        columns: a tensor a field of the schema. Where nothing varies one row an example; else the rows of all examples
            one after the other, the axis that varies first, whatever its place in the field's shape. Targets that are
            numbers are stored standardized.
        lengths: how many rows each example has along each axis.
    """

    columns: Mapping[str, Shaped[Tensor, "..."]]
    lengths: Mapping[str, Int[Tensor, "examples"]]
    schema: Schema

    def __post_init__(self) -> None:
        """Refuse by a `DataError` columns that do not fit, examples without a row, and rows that are not there."""
        axes = {axis for field in self.schema.fields.values() for axis in (field.axis, field.points_to) if axis}
        if set(self.columns) != set(self.schema.fields) or set(self.lengths) != axes:
            expected = f"the fields {', '.join(self.schema.fields)}, and lengths along {', '.join(sorted(axes))}"
            got = f"{', '.join(self.columns) or 'none'}, and along {', '.join(self.lengths) or 'none'}"
            remedy = "give a tensor for each field, and the lengths of each axis"
            raise DataError("columns", expected=expected, got=got, remedy=remedy)
        check_lengths({f"{axis} lengths": lengths for axis, lengths in self.lengths.items()}, len(self))
        relations = {field.axis for field in self.schema.fields.values() if field.points_to}
        for axis, lengths in self.lengths.items():
            if axis not in relations and len(lengths) and int(lengths.min()) < 1:
                got = f"an example of length {int(lengths.min())}, number {int(lengths.argmin())}"
                remedy = "leave empty examples out"
                raise DataError(f"axis {axis}", expected="at least one row in every example", got=got, remedy=remedy)
        for name, field in self.schema.fields.items():
            self._check(name, field, self.columns[name])

    def _check(self, name: str, field: Field, column: Tensor) -> None:
        rows = int(self.lengths[field.axis].sum()) if field.is_ragged else len(self)
        if len(column) != rows:
            expected = f"{rows:,} rows, as the lengths of {field.axis or 'the examples'} say"
            remedy = "give every example the rows that its length counts"
            raise DataError(f"field {name}", expected=expected, got=f"{len(column):,}", remedy=remedy)
        if field.categories:
            check_categories(column, name, field, target=name in self.schema.targets)
        if field.points_to and len(column):
            owner = torch.arange(len(self), device=column.device)
            if field.is_ragged:
                owner = owner.repeat_interleave(self.lengths[field.axis])
            room = self.lengths[field.points_to][owner].view(-1, *[1] * (column.ndim - 1))
            wrong = (column < 0) | (column >= room)
            if wrong.any():
                row = int(wrong.flatten(1).any(1).nonzero()[0]) if column.ndim > 1 else int(wrong.nonzero()[0])
                last, where = int(room.flatten()[row]) - 1, field.points_to
                expected = f"numbers of {where} that are there, from 0 to {last}"
                got = f"{column[row].tolist()} in example {int(owner[row])}"
                remedy = f"number the {where} of each example from 0"
                raise DataError(f"field {name}", expected=expected, got=got, remedy=remedy)

    @property
    def device(self) -> torch.device:
        """Where the columns lie."""
        return next(iter(self.columns.values())).device

    def __len__(self) -> int:
        return len(next(iter(self.lengths.values())))

    def __repr__(self) -> str:
        ends = [(axis, int(n.min()), int(n.max())) for axis, n in self.lengths.items() if len(n)]
        spans = (f"{axis} {low:,}" + (f" to {high:,}" if high > low else "") for axis, low, high in ends)
        return "; ".join([super().__repr__()[:-1], *spans]) + ")"

    def sizes(self) -> Int[Tensor, "examples"]:
        """The longest axis of each example."""
        return torch.stack([lengths.cpu() for lengths in self.lengths.values()]).amax(0)

    def select(self, index: Int[Tensor, "chosen"]) -> "Columns":
        """Return the examples numbered `index` as examples of their own."""
        columns = {
            name: self.columns[name][self.rows(field.axis, index) if field.is_ragged else index]
            for name, field in self.schema.fields.items()
        }
        return replace(self, columns=columns, lengths={axis: lengths[index] for axis, lengths in self.lengths.items()})

    def with_schema(self, schema: Schema) -> "Columns":
        """Return the same examples under other constants and the categories of the other schema."""
        schema, columns = agreed(self.schema, schema), {}
        for (name, old), (other, new) in zip(self.schema.fields.items(), schema.fields.items(), strict=True):
            kept = name in self.schema.inputs and not old.categories
            column = self.columns[name]
            columns[other] = column if kept else restated(column, as_stored(old), as_stored(new), other)
        return replace(self, columns=columns, schema=schema)

    def to(self, device: torch.device | str) -> "Columns":
        """Return the examples on `device`."""
        columns = {name: column.to(device) for name, column in self.columns.items()}
        return replace(self, columns=columns, lengths={axis: each.to(device) for axis, each in self.lengths.items()})

    def pieces(self, name: str) -> Iterator[Shaped[Tensor, "..."]]:
        """Yield the raw values of an input."""
        return iter(torch.split(self.columns[name], _CHUNK))

    def target(self, name: str) -> Shaped[Tensor, "..."]:
        """The stored values of a target, rows of all examples one after the other where it varies."""
        return self.columns[name]

    def chunks(self) -> Iterator[Shaped[Tensor, "..."]]:
        """Yield the source's numbers in pieces, then the lengths."""
        columns = (torch.split(self.columns[name], _CHUNK) for name in self.schema.fields)
        return chain(*columns, (self.lengths[axis] for axis in sorted(self.lengths)))

    def rows(self, axis: str, index: Int[Tensor, "batch"]) -> Int[Tensor, "rows"]:
        """Where the rows of some examples lie, one example after the other.

        Row k of a chosen example lies k places after that example's start in the column, and k places after its start
        among the chosen; the difference of the two starts leads from one to the other.
        """
        lengths = self.lengths[axis]
        starts, chosen = (lengths.cumsum(0) - lengths)[index], lengths[index]
        shift = (starts - (chosen.cumsum(0) - chosen)).repeat_interleave(chosen)
        return torch.arange(len(shift), device=shift.device) + shift

    def seen(self, name: str, rows: Int[Tensor, "..."]) -> Shaped[Tensor, "..."]:
        """Some rows of a field, as the net sees them."""
        column = self.columns[name][rows]
        return column if name in self.schema.targets else scaled(column, as_stored(self.schema.inputs[name]))

    def batch(self, tensors: Mapping[str, Tensor], index: Int[Tensor, "batch"]) -> Batch:
        """Fields as a batch; behind its inputs the lengths of their axes, but not of relations (edges, pairs)."""
        inputs = self.schema.inputs.values()
        relations = {field.axis for field in inputs if field.points_to}
        axes = dict.fromkeys(axis for field in inputs for axis in (field.axis, field.points_to))
        given = [axis for axis in axes if axis and axis not in relations]
        xs = (*(tensors[name] for name in self.schema.inputs), *(self.lengths[axis][index] for axis in given))
        names = (*self.schema.inputs, *(f"{axis}_lengths" for axis in given), *self.schema.targets)
        return Batch(xs, tuple(tensors[name] for name in self.schema.targets), len(index), index, names)


def as_stored(field: Field) -> Field:
    """The field with the axis that varies first, as rows lie in a column: what tells where the channels are."""
    rest = (size for size in field.shape if size is not None)
    return replace(field, shape=(None, *rest)) if field.is_ragged else field
