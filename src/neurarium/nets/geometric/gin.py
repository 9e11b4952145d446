"""Graph isomorphism network: as good at telling graphs apart as the colors of Weisfeiler and Leman.

    h_v^(k) = MLP_k((1 + eps_k) h_v^(k-1) + sum_(u -> v) h_u^(k-1)),    h^(0) = x
    logits = b + sum_k W_k sum_v h_v^(k)

Sums, not means: a mean forgets how many neighbors there were. Each MLP has two layers of rectifiers; eps is learned
from 0. Renaming the nodes of a graph changes nothing.

Source: K. Xu, W. Hu, J. Leskovec, S. Jegelka, "How powerful are graph neural networks?", 2019; without its batch
normalization.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.nets.geometric.graph import check_graph, graph_sum, neighbor_sum
from neurarium.nets.parts.initial import initialize_layer_


class GINLayer(nn.Module):
    """One step from h^(k-1) to h^(k)."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(()))
        self.linear1, self.linear2 = nn.Linear(inputs, hidden), nn.Linear(hidden, hidden)
        for layer in (self.linear1, self.linear2):
            initialize_layer_(layer, "he")

    def forward(
        self, h: Float[Tensor, "nodes inputs"], edge_index: Int[Tensor, "2 edges"]
    ) -> Float[Tensor, "nodes hidden"]:
        """The next features of every node."""
        seen = (1 + self.eps) * h + neighbor_sum(h, edge_index)
        return torch.relu(self.linear2(torch.relu(self.linear1(seen))))


class GIN(nn.Module):
    """The net above."""

    def __init__(self, features: int, hidden: int, depth: int, outputs: int) -> None:
        super().__init__()
        self.features = features
        self.layers = nn.ModuleList(GINLayer(hidden if k else features, hidden) for k in range(depth))
        self.output = nn.Linear(features + depth * hidden, outputs)
        initialize_layer_(self.output, "lecun")

    def forward(
        self, x: Float[Tensor, "..."], edge_index: Int[Tensor, "..."], nodes_lengths: Int[Tensor, "..."]
    ) -> Float[Tensor, "graphs outputs"]:
        """Logits of each graph of a batch.

        Args:
            x: (nodes, features) of all graphs, one after the other; raises ShapeError.
            edge_index: (2, edges), numbered over all of them.
            nodes_lengths: (graphs,) nodes of each.
        """
        check_graph(x, edge_index, self.features, "layer linear1")
        if nodes_lengths.ndim != 1:
            raise ShapeError(
                "nodes_lengths", expected="shape (graphs,), nodes of each", got=f"shape {tuple(nodes_lengths.shape)}"
            )
        seen = [x]
        for layer in self.layers:
            seen.append(layer(seen[-1], edge_index))
        return self.output(graph_sum(torch.cat(seen, 1), nodes_lengths))
