import sys

import networkx
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data import karate
from neurarium.data.nodes import Nodes


def test_is_the_graph_of_networkx_both_ways() -> None:
    data = karate.load()
    batch = data.train.gather(torch.arange(4))
    x, edges, nodes = batch.inputs
    assert torch.equal(x, torch.eye(34))
    graph = networkx.Graph(list(map(tuple, edges.T.tolist())))
    assert networkx.utils.edges_equal(graph.edges, networkx.Graph(networkx.karate_club_graph().edges).edges)
    assert edges.shape == (2, 2 * 78)
    assert len({tuple(edge) for edge in edges.T.tolist()}) == 156
    assert {0, 33} < set(nodes.tolist())


def test_every_member_is_in_one_part_and_in_its_club() -> None:
    data = karate.load()
    assert data.schema.classes == ("Mr. Hi", "Officer")
    members: list[int] = []
    for part in data.parts().values():
        assert isinstance(part, Nodes)
        clubs = [networkx.karate_club_graph().nodes[member]["club"] for member in part.nodes.tolist()]
        assert [data.schema.classes[k] for k in part.target("label")] == clubs
        assert clubs.count("Officer") * 2 == len(clubs)
        members += part.nodes.tolist()
    assert sorted(members) == list(range(34))


def test_without_networkx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(DataError, match=r"data karate: expected networkx, .*; pip install networkx"):
        karate.load()
