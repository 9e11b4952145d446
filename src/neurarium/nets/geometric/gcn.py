"""Graph convolutional network: each layer averages over a node and its neighbors, then mixes features.

    A^ = D^(-1/2) (A + I) D^(-1/2),  D_ii = 1 + edges that end in node i
    logits = A^ relu(A^ X W_1 + b_1) W_2 + b_2

A_ij is 1 where an edge leads from j to i. The product with A^ is a sum along the edges, never a matrix of nodes by
nodes. Renaming the nodes renames the answers.

Source: T. Kipf, M. Welling, "Semi-supervised classification with graph convolutional networks", 2017.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.nets.geometric.graph import check_graph, neighbor_sum
from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.parts.places import check_places


def degrees(edge_index: Int[Tensor, "2 edges"], nodes: int, like: Tensor) -> Float[Tensor, "nodes"]:
    """D_ii, the edges that end in each node and its own loop."""
    ones = like.new_ones(edge_index.shape[1])
    return like.new_ones(nodes).index_add(0, edge_index[1], ones)


def convolve(x: Float[Tensor, "nodes features"], edge_index: Int[Tensor, "2 edges"]) -> Float[Tensor, "nodes features"]:
    """A^ x, by two scalings around a sum over neighbors."""
    root = degrees(edge_index, len(x), x).rsqrt()[:, None]
    return root * (root * x + neighbor_sum(root * x, edge_index))


class GCN(nn.Module):
    """Two layers of it."""

    def __init__(self, features: int, hidden: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.features = features
        self.linear1, self.linear2 = nn.Linear(features, hidden), nn.Linear(hidden, outputs)
        self.dropout = nn.Dropout(dropout)
        for layer in (self.linear1, self.linear2):
            initialize_layer_(layer, "xavier")

    def forward(
        self, x: Float[Tensor, "..."], edge_index: Int[Tensor, "..."], nodes: Int[Tensor, "..."]
    ) -> Float[Tensor, "asked outputs"]:
        """Logits of some `nodes` (asked,) of a graph of x (nodes, features) and edges (2, edges). Raises ShapeError."""
        check_graph(x, edge_index, self.features, "layer linear1")
        if nodes.ndim != 1:
            raise ShapeError("nodes", expected="shape (asked,), numbers of nodes", got=f"shape {tuple(nodes.shape)}")
        check_places(nodes, len(x), "nodes", "nodes")
        h = torch.relu(_affine(self.linear1, self.dropout(x), edge_index))
        return _affine(self.linear2, self.dropout(h), edge_index)[nodes]


def _affine(layer: nn.Linear, x: Tensor, edge_index: Tensor) -> Tensor:
    """A^ x W + b: mixed first, as a layer has fewer outputs than inputs."""
    return convolve(x @ layer.weight.T, edge_index) + layer.bias
