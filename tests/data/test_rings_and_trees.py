import networkx
import torch

from neurarium.data import rings_and_trees


def test_trees_are_trees_and_rings_have_one_cycle() -> None:
    data = rings_and_trees.load()
    assert data.counts() == {"train": 600, "validation": 100, "test": 100}
    for part in data.parts().values():
        labels = part.target("label").tolist()
        assert sum(labels) * 2 == len(labels)
        for k, label in enumerate(labels):
            x, edges, nodes = part.gather(torch.tensor([k])).inputs
            graph = networkx.Graph(list(map(tuple, edges.T.tolist())))
            assert (x == 1).all()
            assert len(graph) == len(x) == int(nodes)
            assert 5 <= len(graph) <= 12
            assert edges.shape[1] == 2 * graph.number_of_edges()  # each once in either direction
            assert networkx.is_connected(graph)
            assert networkx.number_of_selfloops(graph) == 0
            assert networkx.is_tree(graph) == (label == 0)
            assert len(networkx.cycle_basis(graph)) == label


def test_same_graphs_every_time_and_of_all_sizes() -> None:
    data = rings_and_trees.load()
    assert data.fingerprint() == rings_and_trees.load().fingerprint()
    sizes = data.train.gather(torch.arange(600)).inputs[2]
    assert set(sizes.tolist()) == set(range(5, 13))
