import pytest
import torch

from neurarium.data.drawn import drawn
from neurarium.data.nodes import Nodes
from neurarium.data.packed import Packed
from neurarium.data.ragged import Ragged
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema

KINDS = {
    "images": Table,
    "vectors": Table,
    "windows": Table,
    "series": Ragged,
    "tokens": Ragged,
    "pairs": Ragged,
    "points": Ragged,
    "graphs": Packed,
    "molecules": Packed,
    "nodes": Nodes,
}


@pytest.mark.parametrize("kind", KINDS)
def test_examples_of_every_schema(kind, request):
    schema = request.getfixturevalue(kind).schema
    examples = drawn(schema, 7)
    assert type(examples) is KINDS[kind]
    assert (len(examples), examples.schema) == (7, schema)
    batch, again = (drawn(schema, 7).gather(torch.arange(7)) for _ in range(2))
    assert batch.names == request.getfixturevalue(kind).train.gather(torch.arange(2)).names
    for one, other in zip((*batch.inputs, *batch.targets), (*again.inputs, *again.targets), strict=True):
        assert torch.equal(one, other)
    different = drawn(schema, 7, seed=1).gather(torch.arange(7))
    assert not all(
        one.shape == other.shape and torch.equal(one, other)
        for one, other in zip(batch.inputs, different.inputs, strict=True)
    )


def test_numbers_are_in_the_units_of_the_schema():
    inputs = {
        "row": Field((2,), mean=(100.0, -5.0), std=(1.0, 0.1)),
        "image": Field((2, 3, 3), mean=(7.0, 9.0), std=(2.0, 0.5)),
    }
    examples = drawn(Schema(inputs, {"y": Field((1,), mean=(50.0,), std=(2.0,))}), 2000)
    for tensor in examples.gather(torch.arange(2000)).inputs:
        dims = (0, *range(2, tensor.ndim))
        torch.testing.assert_close(tensor.mean(dims), torch.zeros(2), atol=0.1, rtol=0)
        torch.testing.assert_close(tensor.std(dims), torch.ones(2), atol=0.1, rtol=0)
    assert examples.target("y").mean().abs() < 0.1  # targets are stored standardized


def test_channels_before_the_axis_that_varies():
    schema = Schema({"x": Field((2, None), axis="time", mean=(100.0, -5.0), std=(1.0, 0.1))})
    examples = drawn(schema, 1000, shortest=2, longest=4)
    stored = examples.columns["x"]
    torch.testing.assert_close(stored.mean(0), torch.tensor([100.0, -5.0]), atol=0.1, rtol=0)
    x, lengths = examples.gather(torch.arange(1000)).inputs
    assert (x.shape, int(lengths.min()), int(lengths.max())) == ((1000, 2, 4), 2, 4)


def test_rows_that_are_pointed_to_need_no_field_of_their_own():
    schema = Schema({"edge_index": Field((2, None), axis="edges", points_to="nodes")})
    edges, nodes = drawn(schema, 5).gather(torch.arange(5)).inputs
    assert int(edges.max()) < int(nodes.sum())


def test_every_class_occurs():
    labels = drawn(Schema({"x": Field((1,))}, {"label": Field((), categories=tuple("abcde"))}), 5).target("label")
    assert sorted(labels.tolist()) == [0, 1, 2, 3, 4]
    bare = Schema({"x": Field((None, 2), axis="n"), "e": Field((2, None), axis="m", points_to="n")})
    asked = Schema({**bare.inputs, "node": Field((), points_to="n")})
    assert drawn(asked, 4).gather(torch.tensor([2])).targets == ()
