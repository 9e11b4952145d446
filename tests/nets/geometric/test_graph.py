import numpy as np
import pytest
import torch

from neurarium.checks import ShapeError
from neurarium.nets.geometric.graph import check_graph, graph_sum, neighbor_sum

EDGES = torch.tensor([[0, 1, 1, 3, 3, 4], [1, 0, 2, 3, 4, 2]])


def test_sums_equal_loops() -> None:
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 2)))
    expected = np.zeros((6, 2))
    for u, v in EDGES.T.tolist():
        expected[v] += x[u].numpy()
    np.testing.assert_allclose(neighbor_sum(x, EDGES), expected, rtol=1e-12)
    np.testing.assert_allclose(graph_sum(x, torch.tensor([2, 3, 1])), [x[:2].sum(0), x[2:5].sum(0), x[5]], rtol=1e-12)


def test_a_graph_without_edges_and_a_batch_without_nodes() -> None:
    none = torch.zeros(2, 0, dtype=torch.int64)
    assert not neighbor_sum(torch.ones(3, 2), none).any()
    assert graph_sum(torch.ones(0, 2), torch.tensor([0, 0])).tolist() == [[0, 0], [0, 0]]


def test_what_is_no_graph_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"layer linear1: expected a tensor of shape \(nodes, 3\), got .* \(6, 2\)"):
        check_graph(torch.zeros(6, 2), EDGES, 3, "layer linear1")
    with pytest.raises(ShapeError, match=r"edge_index: expected shape \(2, edges\).* got shape \(6, 2\); transpose it"):
        check_graph(torch.zeros(6, 2), EDGES.T, 2, "layer linear1")
