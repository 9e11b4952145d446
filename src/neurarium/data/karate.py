"""Zachary's karate club: a graph of 34 friends, of whom a few say which of two clubs they chose when theirs split.

Source: W. Zachary, "An information flow model for conflict and fission in small groups", 1977.
"""

import numpy as np
import torch

from neurarium.checks import DataError
from neurarium.data.assemble import Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.labels import class_fields
from neurarium.data.nodes import Nodes
from neurarium.data.split import stratified_split
from neurarium.record.schema import Field, Schema

_CLUBS = ("Mr. Hi", "Officer")
# the instructor Mr. Hi and the club's president, who chose by themselves
_LEADERS = (0, 33)
_development, _TEST = 10, 20


def load(folder: str | None = None) -> Dataset:
    """Return the graph with 4 members to learn from, the leaders among them; 10 for validation, 20 for the test.

    A friendship is an edge in both directions, whatever its weight; the feature of a member is who it is, one-hot. A
    `DataError` says where networkx is not installed.
    """
    try:
        import networkx  # type: ignore[import-untyped]
    except ImportError as error:
        missing, remedy = "no such package", "pip install networkx"
        raise DataError("data karate", expected="networkx, which ships it", got=missing, remedy=remedy) from error
    graph = networkx.karate_club_graph()
    count = len(graph)
    there = torch.from_numpy(np.array(graph.edges, dtype=np.int64).T.copy())
    labels = torch.tensor([_CLUBS.index(graph.nodes[member]["club"]) for member in range(count)])
    x, edges = Field((None, count), axis="nodes"), Field((2, None), axis="edges", points_to="nodes")
    schema = Schema({"x": x, "edge_index": edges, "node": Field((), points_to="nodes")}, class_fields(_CLUBS))
    members = Nodes(torch.eye(count), torch.cat([there, there.flip(0)], 1), labels, torch.arange(count), schema)
    leaders = torch.tensor(_LEADERS)
    others = torch.tensor([member for member in range(count) if member not in _LEADERS])
    known, later, last = (others[part] for part in stratified_split(labels[others], _development, _TEST))
    train, validation, test = (members.select(part) for part in (torch.cat([leaders, known]), later, last))
    parts: Parts = {"train": train, "validation": validation, "test": test}
    provenance = (
        "W. Zachary, 1977, as shipped with networkx; edge weights dropped; the two leaders and two others to learn "
        "from, the rest divided by a fixed seed, stratified"
    )
    return assemble("karate", parts, provenance=provenance, standardize=False)
