import networkx
import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.geometric.gcn import GCN, convolve
from neurarium.nets.geometric.specs import GCNSpec
from neurarium.record.schema import Field, Schema

COUNT = 9


def edges_of(graph: networkx.Graph) -> torch.Tensor:
    there = torch.tensor(list(graph.edges)).T
    return torch.cat([there, there.flip(0)], 1)


@pytest.fixture
def graph() -> networkx.Graph:
    return networkx.gnp_random_graph(COUNT, 0.3, seed=4)


@pytest.fixture
def net() -> GCN:
    torch.manual_seed(0)
    net = GCN(4, 5, 3).double()
    for layer in (net.linear1, net.linear2):
        torch.nn.init.normal_(layer.bias)
    return net


def features() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(size=(COUNT, 4)))


def test_equals_the_dense_matrices(graph: networkx.Graph, net: GCN) -> None:
    a = networkx.to_numpy_array(graph) + np.eye(COUNT)
    root = np.diag(a.sum(1) ** -0.5)
    hat = root @ a @ root
    w = {name: p.detach().numpy() for name, p in net.named_parameters()}
    x = features().numpy()
    h = np.maximum(0, hat @ x @ w["linear1.weight"].T + w["linear1.bias"])
    expected = hat @ h @ w["linear2.weight"].T + w["linear2.bias"]
    nodes = torch.tensor([7, 0, 7])
    np.testing.assert_allclose(net(features(), edges_of(graph), nodes).detach(), expected[[7, 0, 7]], rtol=1e-11)


def test_normalization_is_that_of_the_graph_laplacian(graph: networkx.Graph) -> None:
    """With the loops in it, A^ = I - L for the symmetric normalized Laplacian."""
    looped = graph.copy()
    looped.add_edges_from((v, v) for v in graph)
    laplacian = networkx.normalized_laplacian_matrix(looped).toarray()
    hat = convolve(torch.eye(COUNT, dtype=torch.float64), edges_of(graph))
    # networkx counts a loop once in the adjacency and once in the degree, as is done here
    np.testing.assert_allclose(hat, np.eye(COUNT) - laplacian, atol=1e-12)


def test_one_way_edges_lead_one_way(net: GCN) -> None:
    chain = torch.tensor([[0, 1], [1, 2]])
    x = features()[:3]
    before = net(x, chain, torch.arange(3))
    moved = x.clone()
    moved[2] += 1
    after = net(moved, chain, torch.arange(3))
    assert torch.equal(after[:2], before[:2])
    assert not torch.equal(after[2], before[2])


def test_renaming_nodes_renames_answers(graph: networkx.Graph, net: GCN) -> None:
    order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(2))
    place = order.argsort()
    x, edges = features(), edges_of(graph)
    expected = net(x, edges, torch.arange(COUNT))
    got = net(x[order], place[edges], torch.arange(COUNT))
    torch.testing.assert_close(got, expected[order], rtol=1e-11, atol=1e-11)


def test_dropout_while_training_alone(graph: networkx.Graph) -> None:
    net = GCN(4, 50, 3, dropout=0.5).double()
    given = features(), edges_of(graph), torch.arange(COUNT)
    assert not torch.equal(net(*given), net(*given))
    net.eval()
    assert torch.equal(net(*given), net(*given))


def test_what_does_not_fit_is_refused(net: GCN) -> None:
    with pytest.raises(ShapeError, match=r"layer linear1: expected a tensor of shape \(nodes, 4\)"):
        net(torch.zeros(3, 2), torch.zeros(2, 0, dtype=torch.int64), torch.tensor([0]))
    with pytest.raises(ShapeError, match=r"nodes: expected shape \(asked,\)"):
        net(features(), torch.zeros(2, 0, dtype=torch.int64), torch.zeros(1, 1, dtype=torch.int64))
    with pytest.raises(ConfigError, match=r"net\.dropout"):
        GCNSpec(dropout=1.0)
    schema = Schema({"x": Field((5,))}, {"label": Field((), ("a", "b"))})
    with pytest.raises(ShapeError, match=r"gcn input: expected a graph and which of its nodes .* got x \(5\)"):
        GCNSpec().build(schema)
