"""Sequences and sets of different lengths, padded where a batch is gathered: series, tokens, pairs of them, points."""

from dataclasses import dataclass

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from neurarium.data.batch import Batch
from neurarium.data.columns import Columns


@dataclass(frozen=True, eq=False, repr=False)
class Ragged(Columns):
    """Examples whose batch is padded to the longest: inputs with 0, targets with -1 where they are categories, else 0.

    A batch's inputs are the fields in the order of the schema, then the lengths of each of their axes.

    Example:
        >>> from neurarium.record.schema import Field, Schema
        >>> schema = Schema({"x": Field((None,), axis="time")}, {"label": Field((), ("a", "b"))})
        >>> columns = {"x": torch.tensor([1.0, 2.0, 3.0]), "label": torch.tensor([0, 1])}
        >>> Ragged(columns, {"time": torch.tensor([1, 2])}, schema).gather(torch.tensor([1, 0])).inputs
        (tensor([[2., 3.],
                [1., 0.]]), tensor([2, 1]))
    """

    def gather(self, index: Int[Tensor, "batch"]) -> Batch:
        """Return the examples numbered `index`, padded."""
        places = {axis: self._places(axis, index) for axis in self.lengths}
        tensors = {
            name: self._padded(name, *places[field.axis]) if field.is_ragged else self.seen(name, index)
            for name, field in self.schema.fields.items()
        }
        return self.batch(tensors, index)

    def _places(self, axis: str, index: Tensor) -> tuple[Int[Tensor, "batch longest"], Tensor]:
        """Where the elements of a padded batch lie, and which of them are there."""
        lengths = self.lengths[axis]
        starts, chosen = (lengths.cumsum(0) - lengths)[index], lengths[index]
        step = torch.arange(int(chosen.max()) if len(chosen) else 0, device=chosen.device)
        inside = step < chosen[:, None]
        return torch.where(inside, starts[:, None] + step, 0), inside

    def _padded(self, name: str, places: Tensor, inside: Tensor) -> Shaped[Tensor, "batch ..."]:
        field = self.schema.fields[name]
        values = self.seen(name, places)
        filling = -1 if name in self.schema.targets and field.categories else 0
        values = values.masked_fill(~inside.view(*inside.shape, *[1] * (values.ndim - 2)), filling)
        return values.movedim(1, 1 + field.shape.index(None))
