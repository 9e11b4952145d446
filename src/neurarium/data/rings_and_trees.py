"""Connected graphs of 5 to 12 nodes that hold no cycle or exactly one: which is a tree?

A tree of n nodes has n - 1 edges, a graph with a ring one more. Nodes are alike, so the edges alone can tell.
"""

from collections.abc import Iterator

import numpy as np
import torch

from neurarium.data.assemble import Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.labels import class_fields
from neurarium.data.packed import Packed
from neurarium.record.schema import Field, Schema

# Fixed once for all: which graphs there are.
_SEED = 20261127
_COUNTS = {"train": 600, "validation": 100, "test": 100}
_SMALLEST, _LARGEST = 5, 12


def load(folder: str | None = None) -> Dataset:
    """Return 600 graphs to learn from, 100 for validation, 100 for the test; half of each are trees."""
    random = np.random.RandomState(_SEED)
    train, validation, test = (_drawn(random, count) for count in _COUNTS.values())
    parts: Parts = {"train": train, "validation": validation, "test": test}
    provenance = "connected random graphs of 5 to 12 nodes without a cycle or with one, made by code, fixed seed"
    # not standardized: the feature of a node is 1
    return assemble("rings-and-trees", parts, provenance=provenance, license="none needed", standardize=False)


def _drawn(random: np.random.RandomState, count: int) -> Packed:
    """Some graphs, trees and rings in turn."""
    nodes, edges = Field((None, 1), axis="nodes"), Field((2, None), axis="edges", points_to="nodes")
    schema = Schema({"x": nodes, "edge_index": edges}, class_fields(("tree", "ring")))
    sizes = [int(random.randint(_SMALLEST, _LARGEST + 1)) for _ in range(count)]
    graphs = [list(_edges(random, size, ring=k % 2 == 1)) for k, size in enumerate(sizes)]
    both = [np.array([*graph, *((v, u) for u, v in graph)]) for graph in graphs]
    ends, labels = torch.from_numpy(np.concatenate(both)), torch.arange(count) % 2
    columns = {"x": torch.ones(sum(sizes), 1), "edge_index": ends, "label": labels}
    lengths = {"nodes": torch.tensor(sizes), "edges": torch.tensor(list(map(len, both)))}
    return Packed(columns, lengths, schema)


def _edges(random: np.random.RandomState, size: int, ring: bool) -> Iterator[tuple[int, int]]:
    """The edges of a graph, each once: every node joins one that is there; for a ring two that are apart join too."""
    names = random.permutation(size).tolist()
    parents = [int(random.randint(node)) for node in range(1, size)]
    tree = {(parent, node) for node, parent in enumerate(parents, 1)}
    for parent, node in sorted(tree):
        yield names[parent], names[node]
    if ring:
        apart = [(u, v) for v in range(size) for u in range(v) if (u, v) not in tree]
        u, v = apart[random.randint(len(apart))]
        yield names[u], names[v]
