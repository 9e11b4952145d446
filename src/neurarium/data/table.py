"""Examples of one common shape, whole in memory: rows of a table, images."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from neurarium.data.batch import Batch
from neurarium.data.examples import Examples, agreed, check_categories, check_columns, check_lengths, restated
from neurarium.data.scaling import scaled
from neurarium.record.schema import Schema

_CHUNK = 1024


@dataclass(frozen=True, eq=False, repr=False)
class Table(Examples):
    """Rows.

    Args:
        inputs: a tensor a field, in the source's units and type (8-bit pixels stay 8-bit), one row an example.
        targets: likewise, none where nobody knows them; those that are numbers are stored standardized.
        schema: names them in this order; its constants are applied to inputs when a batch is gathered.
        ready: the inputs are as the net sees them already.

    Example:
        >>> from neurarium.record.schema import Field
        >>> schema = Schema({"pixels": Field((1,), mean=(255.0,), std=(5.0,))}, {"label": Field((), ("0", "1"))})
        >>> pixels = torch.tensor([[0], [255]], dtype=torch.uint8)
        >>> Table((pixels,), (torch.tensor([0, 1]),), schema).gather(torch.tensor([1, 0])).x
        tensor([[  0.],
                [-51.]])
    """

    inputs: tuple[Shaped[Tensor, "_ ..."], ...]
    targets: tuple[Shaped[Tensor, "_ ..."], ...]
    schema: Schema
    ready: bool = False

    def __post_init__(self) -> None:
        """Refuse by a `DataError` columns that do not fit together, and integers that stand for nothing."""
        check_columns(self.schema, len(self.inputs), len(self.targets))
        columns = dict(zip(self.schema.fields, (*self.inputs, *self.targets), strict=True))
        check_lengths(columns, len(self))
        for name, field in self.schema.fields.items():
            if field.categories:
                check_categories(columns[name], name, field, target=name in self.schema.targets)

    @property
    def device(self) -> torch.device:
        """Where the columns lie."""
        return self.inputs[0].device

    def __len__(self) -> int:
        return len(self.inputs[0])

    def gather(self, index: Int[Tensor, "batch"]) -> Batch:
        """Return the examples numbered `index`."""
        inputs = tuple(column.index_select(0, index) for column in self.inputs)
        if not self.ready:
            inputs = tuple(map(scaled, inputs, self.schema.inputs.values()))
        targets = tuple(column.index_select(0, index) for column in self.targets)
        return Batch(inputs, targets, len(index), index, tuple(self.schema.fields))

    def select(self, index: Int[Tensor, "chosen"]) -> "Table":
        """Return the examples numbered `index` as examples of their own."""
        inputs, targets = (tuple(column[index] for column in group) for group in (self.inputs, self.targets))
        return replace(self, inputs=inputs, targets=targets)

    def with_schema(self, schema: Schema) -> "Table":
        """Return the same examples under other constants; not for those made ready."""
        assert not self.ready, "what is scaled cannot be scaled anew"
        schema = agreed(self.schema, schema)
        seen = zip(self.inputs, self.schema.inputs.values(), schema.inputs.items(), strict=True)
        inputs = tuple(restated(x, old, new, name) if old.categories else x for x, old, (name, new) in seen)
        said = zip(self.targets, self.schema.targets.values(), schema.targets.items(), strict=True)
        targets = tuple(restated(y, old, new, name) for y, old, (name, new) in said)
        return replace(self, inputs=inputs, targets=targets, schema=schema)

    def to(self, device: torch.device | str) -> "Table":
        """Return the examples on `device`."""
        inputs, targets = (tuple(column.to(device) for column in group) for group in (self.inputs, self.targets))
        return replace(self, inputs=inputs, targets=targets)

    def pieces(self, name: str, size: int = _CHUNK) -> Iterator[Shaped[Tensor, "..."]]:
        """Yield the raw values of an input, at most `size` rows at a time."""
        return iter(torch.split(self.inputs[list(self.schema.inputs).index(name)], size))

    def target(self, name: str) -> Shaped[Tensor, "examples ..."]:
        """The stored values of a target."""
        return self.targets[list(self.schema.targets).index(name)]

    def chunks(self) -> Iterator[Shaped[Tensor, "..."]]:
        """Yield the source's numbers in pieces."""
        return chain(*(torch.split(column, _CHUNK) for column in self.inputs), self.targets)

    def cached(self, limit_bytes: int = 1 << 30) -> "Table":
        """Return the same examples scaled beforehand, a copy a batch, bit for bit; `self` from `limit_bytes` on."""
        if self.ready or sum(4 * column.numel() for column in self.inputs) >= limit_bytes:
            return self
        return replace(self, inputs=tuple(map(scaled, self.inputs, self.schema.inputs.values())), ready=True)
