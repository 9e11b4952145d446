"""Graphs and molecules: a batch is one concatenation of its examples, and what points to rows points on.

Row numbers in a field with `points_to`, such as the ends of edges, count within their example where they are stored,
and over the whole batch where they are gathered.
"""

from dataclasses import dataclass

from jaxtyping import Int, Shaped
from torch import Tensor

from neurarium.data.batch import Batch
from neurarium.data.columns import Columns


@dataclass(frozen=True, eq=False, repr=False)
class Packed(Columns):
    """Examples whose batch is one concatenation, without padding.

    A batch's inputs are the fields in the order of the schema, then how many rows each example has along each of their
    axes but those of relations (edges, pairs).

    Example:
        >>> import torch
        >>> from neurarium.record.schema import Field, Schema
        >>> x, edges = Field((None, 1), axis="nodes"), Field((2, None), axis="edges", points_to="nodes")
        >>> schema = Schema({"x": x, "edge_index": edges}, {"label": Field((), ("tree", "ring"))})
        >>> columns = {"x": torch.ones(5, 1), "edge_index": torch.tensor([[0, 1], [0, 1], [1, 2]]),
        ...            "label": torch.tensor([0, 1])}
        >>> graphs = Packed(columns, {"nodes": torch.tensor([2, 3]), "edges": torch.tensor([1, 2])}, schema)
        >>> graphs.gather(torch.tensor([0, 1])).inputs[1:]
        (tensor([[0, 2, 3],
                [1, 3, 4]]), tensor([2, 3]))
    """

    def gather(self, index: Int[Tensor, "batch"]) -> Batch:
        """Return the examples numbered `index`, concatenated."""
        rows = {axis: self.rows(axis, index) for axis in self.lengths}
        tensors = {name: self._joined(name, rows, index) for name in self.schema.fields}
        return self.batch(tensors, index)

    def _joined(self, name: str, rows: dict[str, Tensor], index: Tensor) -> Shaped[Tensor, "..."]:
        field = self.schema.fields[name]
        values = self.seen(name, rows[field.axis] if field.is_ragged else index)
        if field.points_to:
            counts = self.lengths[field.points_to][index]
            offset = counts.cumsum(0) - counts
            if field.is_ragged:
                offset = offset.repeat_interleave(self.lengths[field.axis][index])
            values = values + offset.view(-1, *[1] * (values.ndim - 1))
        return values.movedim(0, field.shape.index(None)) if field.is_ragged else values
