from dataclasses import replace

import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.nodes import Nodes
from neurarium.record.schema import Field, Schema

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(6, 2))
EDGES = torch.tensor([[0, 1, 2, 5], [1, 2, 0, 4]])
LABELS = torch.tensor([0, 1, -1, 1, 0, 1])
INPUTS = {
    "x": Field((None, 2), axis="nodes", mean=(1.0, 2.0), std=(3.0, 4.0)),
    "edge_index": Field((2, None), axis="edges", points_to="nodes"),
    "node": Field((), points_to="nodes"),
}
SCHEMA = Schema(INPUTS, {"label": Field((), categories=("left", "right"))})
NODES = Nodes(torch.from_numpy(X), EDGES, LABELS, torch.tensor([5, 0, 3, 1]), SCHEMA)


def test_a_batch_is_the_graph_and_the_nodes_asked_about():
    batch = NODES.gather(torch.tensor([3, 0]))
    assert batch.names == ("x", "edge_index", "node", "label")
    np.testing.assert_allclose(batch.x, (X - [1, 2]) / [3, 4], rtol=1e-6)
    assert torch.equal(batch.inputs[1], EDGES)
    assert batch.inputs[2].tolist() == [1, 5]
    assert batch.labels.tolist() == [1, 1]
    assert (batch.size, len(NODES), batch.index.tolist()) == (2, 4, [3, 0])


def test_selected_nodes_lie_in_the_same_graph():
    part = NODES.select(torch.tensor([1, 2]))
    assert part.gather(torch.tensor([1])).inputs[2].tolist() == [3]
    assert part.target("label").tolist() == [0, 1]
    assert part.x is NODES.x
    empty = NODES.select(torch.empty(0, dtype=torch.int64))
    assert len(empty.gather(torch.empty(0, dtype=torch.int64)).labels) == 0


def test_numbers_may_be_predicted():
    schema = Schema(INPUTS, {"y": Field((1,), mean=(2.0,), std=(4.0,))})
    values = torch.arange(6.0)[:, None]
    nodes = Nodes(NODES.x, EDGES, values, NODES.nodes, schema)
    plain = nodes.with_schema(Schema(INPUTS, {"y": Field((1,))}))
    assert plain.gather(torch.tensor([0])).labels.tolist() == [[22.0]]


def test_nodes_without_labels():
    bare = Nodes(NODES.x, EDGES, None, NODES.nodes, Schema(INPUTS)).with_schema(SCHEMA)
    batch = bare.select(torch.tensor([2])).to("cpu").gather(torch.tensor([0]))
    assert (batch.targets, batch.names) == ((), ("x", "edge_index", "node"))
    assert len(list(bare.chunks())) == 3


def test_another_schema_scales_and_numbers_anew():
    inputs = INPUTS | {"x": replace(INPUTS["x"], mean=(), std=())}
    learned = Schema(inputs, {"label": Field((), categories=("right", "middle", "left"))})
    batch = NODES.with_schema(learned).gather(torch.tensor([0, 1]))
    np.testing.assert_allclose(batch.x, X, rtol=1e-6)
    assert batch.labels.tolist() == [0, 2]
    with pytest.raises(DataError, match=r"field label: .* got 'left'"):
        NODES.with_schema(Schema(INPUTS, {"label": Field((), categories=("right", "middle"))}))


def test_pieces_are_the_inputs():
    assert [next(NODES.pieces(name)) for name in INPUTS] == [NODES.x, NODES.edge_index, NODES.nodes]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"edge_index": torch.tensor([[0, 6], [1, 1]])},
            "field edge_index: expected numbers of nodes .* 0 to 5, got 6",
        ),
        ({"edge_index": torch.tensor([[0, -1], [1, 1]])}, "field edge_index: .* got -1; number the nodes from 0"),
        (
            {"edge_index": torch.zeros(5, 2).long()},
            r"field edge_index: expected two rows: .* got shape \(5, 2\); transp",
        ),
        ({"nodes": torch.tensor([0, 9])}, "field node: expected numbers of nodes that are there, from 0 to 5, got 9"),
        ({"labels": LABELS[:5]}, "field label: expected 6 rows, as many as the other fields have, got 5"),
        ({"labels": LABELS + 1}, "field label: expected integers from 0 to 1, one a category, got 2"),
        ({"labels": None}, "columns: expected 3 inputs and 1 targets, as the schema names, got 3 and 0"),
        ({"schema": Schema({"x": INPUTS["x"]}, SCHEMA.targets)}, "expected 1 inputs and 1 targets, .* got 3 and 1"),
    ],
)
def test_graphs_that_do_not_fit(changes, message):
    with pytest.raises(DataError, match=message):
        replace(NODES, **changes)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_batches_are_the_same():
    batch = NODES.to("cuda").gather(torch.tensor([3, 0], device="cuda")).to("cpu")
    for found, expected in zip(batch.inputs, NODES.gather(torch.tensor([3, 0])).inputs, strict=True):
        torch.testing.assert_close(found, expected)
