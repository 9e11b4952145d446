"""Sums along the edges of a graph, and over the nodes of each of several graphs that lie side by side.

Graphs of a batch are one graph without edges between them: row 0 of `edge_index` numbers where each edge begins, row 1
where it ends, both over all nodes of the batch.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurarium.checks import ShapeError
from neurarium.nets.parts.places import check_places


def neighbor_sum(
    x: Float[Tensor, "nodes features"], edge_index: Int[Tensor, "2 edges"]
) -> Float[Tensor, "nodes features"]:
    """For each node the sum of those from which an edge leads to it."""
    return torch.zeros_like(x).index_add(0, edge_index[1], x[edge_index[0]])


def graph_sum(x: Float[Tensor, "nodes features"], lengths: Int[Tensor, "graphs"]) -> Float[Tensor, "graphs features"]:
    """For each graph the sum of its nodes."""
    owner = torch.arange(len(lengths), device=x.device).repeat_interleave(lengths, output_size=len(x))
    return x.new_zeros(len(lengths), x.shape[1]).index_add(0, owner, x)


def check_graph(x: Tensor, edge_index: Tensor, features: int, place: str) -> None:
    """Refuse what is no graph. Raises ShapeError: other dimensions, or an edge to a node that is not there."""
    if x.ndim != 2 or x.shape[1] != features:
        raise ShapeError(
            f"input of {place}",
            expected=f"a tensor of shape (nodes, {features})",
            got=f"one of shape {tuple(x.shape)}",
            remedy="give one row of features a node",
        )
    if edge_index.ndim != 2 or len(edge_index) != 2:
        raise ShapeError(
            "edge_index",
            expected="shape (2, edges): where each edge begins, and where it ends",
            got=f"shape {tuple(edge_index.shape)}",
            remedy="transpose it",
        )
    check_places(edge_index, len(x), "edge_index", "nodes")
