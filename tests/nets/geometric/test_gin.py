import networkx
import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.geometric.gin import GIN
from neurarium.nets.geometric.specs import GINSpec
from neurarium.record.schema import Field, Schema

Graph = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture
def net() -> GIN:
    torch.manual_seed(0)
    net = GIN(2, 5, 3, 4).double()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith(("eps", "bias")):
                parameter.normal_()
    return net


def drawn(seed: int, count: int) -> Graph:
    graph = networkx.gnp_random_graph(count, 0.4, seed=seed)
    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(count, 2)))
    return x, both_ways(graph)


def both_ways(graph: networkx.Graph) -> torch.Tensor:
    there = torch.tensor(list(graph.edges), dtype=torch.int64).view(-1, 2).T
    return torch.cat([there, there.flip(0)], 1)


def alone(net: GIN, graph: Graph) -> torch.Tensor:
    return net(*graph, torch.tensor([len(graph[0])]))[0]


def test_equals_loops_over_nodes_and_neighbors(net: GIN) -> None:
    w = {name: p.detach().numpy() for name, p in net.named_parameters()}
    x, edges = drawn(0, 7)
    h = list(x.numpy())
    pooled = [sum(h)]
    for k in range(3):
        seen = [(1 + w[f"layers.{k}.eps"]) * v for v in h]
        for u, v in edges.T.tolist():
            seen[v] = seen[v] + h[u]
        for part in ("linear1", "linear2"):
            weight, bias = w[f"layers.{k}.{part}.weight"], w[f"layers.{k}.{part}.bias"]
            seen = [np.maximum(0, weight @ v + bias) for v in seen]
        h = seen
        pooled.append(sum(h))
    expected = w["output.weight"] @ np.concatenate(pooled) + w["output.bias"]
    np.testing.assert_allclose(alone(net, (x, edges)).detach(), expected, rtol=1e-10)


def test_a_batch_is_its_graphs_one_by_one(net: GIN) -> None:
    graphs = [drawn(seed, count) for seed, count in enumerate((4, 1, 7))]
    starts = np.cumsum([0, 4, 1])
    x = torch.cat([graph[0] for graph in graphs])
    edges = torch.cat([graph[1] + int(start) for graph, start in zip(graphs, starts, strict=True)], 1)
    got = net(x, edges, torch.tensor([4, 1, 7]))
    torch.testing.assert_close(got, torch.stack([alone(net, graph) for graph in graphs]), rtol=1e-11, atol=1e-11)


def test_renaming_the_nodes_changes_nothing(net: GIN) -> None:
    x, edges = drawn(3, 8)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(alone(net, (x[order], order.argsort()[edges])), alone(net, (x, edges)))


def test_tells_apart_what_the_colors_of_weisfeiler_and_leman_do(net: GIN) -> None:
    def answer(graph: networkx.Graph) -> torch.Tensor:
        return alone(net, (torch.ones(len(graph), 2, dtype=torch.float64), both_ways(graph)))

    hexagon, triangles = networkx.cycle_graph(6), networkx.disjoint_union(*[networkx.cycle_graph(3)] * 2)
    assert not networkx.is_isomorphic(hexagon, triangles)
    torch.testing.assert_close(answer(hexagon), answer(triangles))  # as they do not
    path = networkx.path_graph(6)
    assert not torch.allclose(answer(path), answer(hexagon))
    # of equal mean degree: a mean over neighbors would not see that there are more of them
    assert not torch.allclose(answer(hexagon), answer(networkx.cycle_graph(7)))


def test_what_does_not_fit_is_refused(net: GIN) -> None:
    x, edges = drawn(0, 5)
    with pytest.raises(ShapeError, match=r"layer linear1: expected a tensor of shape \(nodes, 2\)"):
        net(x[:, :1], edges, torch.tensor([5]))
    with pytest.raises(ShapeError, match=r"edge_index: .*transpose it"):
        net(x, edges.T, torch.tensor([5]))
    with pytest.raises(ShapeError, match=r"nodes_lengths"):
        net(x, edges, torch.tensor(5))
    with pytest.raises(ConfigError, match=r"net\.depth"):
        GINSpec(depth=0)
    label = {"label": Field((), ("a", "b"))}
    nodes, edge_index = Field((None, 2), axis="nodes"), Field((2, None), axis="edges", points_to="nodes")
    for inputs in ({"x": nodes}, {"x": Field((None, 2), axis="n"), "edge_index": edge_index}, {"x": Field((4,))}):
        with pytest.raises(ShapeError, match=r"gin input: expected graphs, each with its nodes and edges"):
            GINSpec().build(Schema(inputs, label))
