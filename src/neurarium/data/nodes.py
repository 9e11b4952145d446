"""Nodes of one graph as examples: training, validation and test share the graph, each has nodes of its own."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.batch import Batch
from neurarium.data.examples import Examples, agreed, check_categories, check_columns, check_lengths, restated
from neurarium.data.scaling import scaled
from neurarium.record.schema import Schema


@dataclass(frozen=True, eq=False, repr=False)
class Nodes(Examples):
    """Some nodes of a graph; a batch is the whole graph and the nodes that are asked about.

    A batch's inputs are (x, edge_index, nodes): features of all nodes, edges as pairs of node numbers, and the nodes
    whose targets follow.

    Args:
        x: features of all nodes of the graph.
        labels: a target a node of the graph; None where nobody knows.
        nodes: the examples, by their numbers in the graph.
        schema: of the features, the edges, the node that is asked about, in this order, and of the target.

    Example:
        >>> from neurarium.record.schema import Field
        >>> edges = Field((2, None), axis="edges", points_to="nodes")
        >>> inputs = {"x": Field((None, 1), axis="nodes"), "edge_index": edges, "node": Field((), points_to="nodes")}
        >>> schema = Schema(inputs, {"label": Field((), ("a", "b"))})
        >>> graph = torch.ones(3, 1), torch.tensor([[0, 1], [1, 2]]), torch.tensor([0, 1, 1])
        >>> batch = Nodes(*graph, torch.tensor([0, 2]), schema).gather(torch.tensor([1]))
        >>> batch.inputs[2], batch.labels
        (tensor([2]), tensor([1]))
    """

    x: Shaped[Tensor, "graph features"]
    edge_index: Int[Tensor, "two edges"]
    labels: Shaped[Tensor, "_ ..."] | None
    nodes: Int[Tensor, "examples"]
    schema: Schema

    def __post_init__(self) -> None:
        """Refuse by a `DataError` edges and labels that do not fit the nodes."""
        check_columns(self.schema, 3, 0 if self.labels is None else 1)
        count, (_, edges, node) = len(self.x), self.schema.inputs
        if self.edge_index.ndim != 2 or len(self.edge_index) != 2:
            expected = "two rows: where each edge begins, and where it ends"
            got = f"shape {tuple(self.edge_index.shape)}"
            raise DataError(f"field {edges}", expected=expected, got=got, remedy="transpose it")
        for name, numbers in ((edges, self.edge_index), (node, self.nodes)):
            if numbers.numel() and (int(numbers.min()) < 0 or int(numbers.max()) >= count):
                wrong = numbers[(numbers < 0) | (numbers >= count)].flatten()[0]
                expected, remedy = f"numbers of nodes that are there, from 0 to {count - 1}", "number the nodes from 0"
                raise DataError(f"field {name}", expected=expected, got=str(int(wrong)), remedy=remedy)
        if self.labels is not None:
            ((name, field),) = self.schema.targets.items()
            check_lengths({name: self.labels}, count)
            if field.categories:
                check_categories(self.labels, name, field, target=True)

    @property
    def device(self) -> torch.device:
        """Where the graph lies."""
        return self.x.device

    def __len__(self) -> int:
        return len(self.nodes)

    def gather(self, index: Int[Tensor, "batch"]) -> Batch:
        """Return the graph and the chosen nodes."""
        chosen = self.nodes[index]
        inputs = (scaled(self.x, self.schema.input), self.edge_index, chosen)
        targets = () if self.labels is None else (self.labels[chosen],)
        return Batch(inputs, targets, len(index), index, tuple(self.schema.fields))

    def select(self, index: Int[Tensor, "chosen"]) -> "Nodes":
        """Return some of the nodes as examples of their own, in the same graph."""
        return replace(self, nodes=self.nodes[index])

    def with_schema(self, schema: Schema) -> "Nodes":
        """Return the same nodes under other constants."""
        schema = agreed(self.schema, schema)
        if self.labels is None:
            return replace(self, schema=schema)
        ((name, new),) = schema.targets.items()
        return replace(self, schema=schema, labels=restated(self.labels, self.schema.target, new, name))

    def to(self, device: torch.device | str) -> "Nodes":
        """Return graph and nodes on `device`."""
        labels = None if self.labels is None else self.labels.to(device)
        x, edges, nodes = (tensor.to(device) for tensor in (self.x, self.edge_index, self.nodes))
        return replace(self, x=x, edge_index=edges, labels=labels, nodes=nodes)

    def pieces(self, name: str) -> Iterator[Shaped[Tensor, "..."]]:
        """Yield the graph's features, its edges, or which nodes these are."""
        return iter(((self.x, self.edge_index, self.nodes)[list(self.schema.inputs).index(name)],))

    def target(self, name: str) -> Shaped[Tensor, "examples ..."]:
        """The labels of these nodes."""
        assert self.labels is not None, "nobody knows the labels of these nodes"
        return self.labels[self.nodes]

    def chunks(self) -> Iterator[Shaped[Tensor, "..."]]:
        """Yield the graph, its labels and which nodes these are."""
        return iter([self.x, self.edge_index, *([] if self.labels is None else [self.labels]), self.nodes])
