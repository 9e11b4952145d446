import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurarium.checks import DataError
from neurarium.data.packed import Packed
from neurarium.record.schema import Field, Schema

SIZES = [2, 4, 1, 3]
EDGES = [[(0, 1)], [(0, 1), (3, 2), (1, 1)], [], [(2, 0), (1, 2)]]
RANDOM = np.random.default_rng(0)
X = [RANDOM.normal(size=(n, 3)) for n in SIZES]
WEIGHTS = [RANDOM.normal(size=(len(edges), 2)) for edges in EDGES]
KINDS = [RANDOM.integers(0, 2, n) for n in SIZES]
FORCES = [RANDOM.normal(size=(n, 3)) for n in SIZES]
ROOTS, LABELS = np.array([1, 3, 0, 2]), np.array([0, 1, 1, 0])

SCHEMA = Schema(
    {
        "x": Field((None, 3), axis="nodes", mean=(1.0, 2.0, 3.0), std=(4.0, 5.0, 6.0)),
        "edge_index": Field((2, None), axis="edges", points_to="nodes"),
        "weight": Field((None, 2), axis="edges"),
        "kind": Field((None,), axis="nodes", categories=("H", "O")),
        "root": Field((), points_to="nodes"),
    },
    {"label": Field((), categories=("a", "b")), "forces": Field((None, 3), axis="nodes")},
)
COLUMNS = {
    "x": torch.from_numpy(np.concatenate(X)),
    "edge_index": torch.tensor([edge for edges in EDGES for edge in edges]),
    "weight": torch.from_numpy(np.concatenate(WEIGHTS)),
    "kind": torch.from_numpy(np.concatenate(KINDS)),
    "root": torch.from_numpy(ROOTS),
    "label": torch.from_numpy(LABELS),
    "forces": torch.from_numpy(np.concatenate(FORCES)).float(),
}
GRAPHS = Packed(COLUMNS, {"nodes": torch.tensor(SIZES), "edges": torch.tensor([len(e) for e in EDGES])}, SCHEMA)


def by_hand(index):
    """The batch by a loop over examples, nodes and edges."""
    x, edges, weights, kinds, roots, forces, offset = [], [], [], [], [], [], 0
    for k in index:
        for node in range(SIZES[k]):
            x.append([(X[k][node, c] - (1, 2, 3)[c]) / (4, 5, 6)[c] for c in range(3)])
            kinds.append(KINDS[k][node])
            forces.append(FORCES[k][node])
        for number, (a, b) in enumerate(EDGES[k]):
            edges.append((a + offset, b + offset))
            weights.append(WEIGHTS[k][number])
        roots.append(ROOTS[k] + offset)
        offset += SIZES[k]
    inputs = (
        np.reshape(x, (-1, 3)),
        np.reshape(edges, (-1, 2)).T,
        np.reshape(weights, (-1, 2)),
        kinds,
        roots,
        [SIZES[k] for k in index],
    )
    return inputs, (LABELS[index], np.reshape(forces, (-1, 3)))


def assert_same(batch, index):
    inputs, targets = by_hand(index)
    for found, expected in zip((*batch.inputs, *batch.targets), (*inputs, *targets), strict=True):
        assert found.shape == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@given(st.lists(st.integers(0, 3), max_size=8))
def test_gathering_equals_a_loop_over_examples(index):
    batch = GRAPHS.gather(torch.tensor(index, dtype=torch.int64))
    assert_same(batch, index)
    assert batch.size == len(index)
    assert batch.names == (*SCHEMA.inputs, "nodes_lengths", *SCHEMA.targets)


@pytest.mark.parametrize("chosen", [[3, 1], [2], []])
def test_selected_examples_are_those_of_the_whole(chosen):
    part = GRAPHS.select(torch.tensor(chosen, dtype=torch.int64))
    assert_same(part.gather(torch.arange(len(chosen))), chosen)
    assert part.sizes().tolist() == [max(SIZES[k], len(EDGES[k])) for k in chosen]


def test_rows_may_be_pointed_to_by_edges_alone():
    schema = Schema({"edge_index": SCHEMA.inputs["edge_index"]})
    bare = Packed({"edge_index": COLUMNS["edge_index"]}, GRAPHS.lengths, schema)
    batch = bare.gather(torch.tensor([3, 0]))
    assert (batch.names, batch.targets) == (("edge_index", "nodes_lengths"), ())
    assert [t.tolist() for t in batch.inputs] == [[[2, 1, 3], [0, 2, 4]], [3, 2]]


def test_examples_without_targets():
    bare = Packed({name: COLUMNS[name] for name in SCHEMA.inputs}, GRAPHS.lengths, Schema(SCHEMA.inputs))
    batch = bare.with_schema(SCHEMA).gather(torch.tensor([1, 3]))
    assert batch.targets == ()
    for found, expected in zip(batch.inputs, by_hand([1, 3])[0], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_another_schema_numbers_categories_but_not_rows():
    inputs = SCHEMA.inputs | {"kind": Field((None,), axis="nodes", categories=("O", "C", "H"))}
    batch = GRAPHS.with_schema(Schema(inputs, SCHEMA.targets)).gather(torch.tensor([1]))
    assert batch.inputs[3].tolist() == [(2, 0)[k] for k in KINDS[1]]
    assert batch.inputs[1].T.tolist() == [list(edge) for edge in EDGES[1]]
    unknown = SCHEMA.inputs | {"kind": Field((None,), axis="nodes", categories=("O", "C"))}
    with pytest.raises(DataError, match=r"field kind: .* got 'H'"):
        GRAPHS.with_schema(Schema(unknown, SCHEMA.targets))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"edge_index": torch.tensor([[0, 1], [0, 4], [3, 2], [1, 1], [2, 0], [1, 2]])},
            r"field edge_index: expected numbers of nodes that are there, from 0 to 3, got \[0, 4\] in example 1",
        ),
        (
            {"edge_index": torch.tensor([[0, 1], [0, 1], [3, 2], [1, 1], [2, 0], [-1, 2]])},
            r"from 0 to 2, got \[-1, 2\] in example 3",
        ),
        (
            {"root": torch.tensor([1, 3, 1, 2])},
            "field root: expected numbers of nodes .*, from 0 to 0, got 1 in example 2",
        ),
        ({"kind": COLUMNS["kind"] + 1}, "field kind: expected integers from 0 to 1, one a category, got 2"),
        ({"weight": torch.zeros(5, 2)}, "field weight: expected 6 rows, as the lengths of edges say, got 5"),
    ],
)
def test_columns_that_do_not_fit(changes, message):
    with pytest.raises(DataError, match=message):
        Packed(COLUMNS | changes, GRAPHS.lengths, SCHEMA)


def test_a_graph_without_nodes_is_refused_and_one_without_edges_is_not():
    schema = Schema({"x": Field((None, 3), axis="nodes"), "edge_index": SCHEMA.inputs["edge_index"]})
    columns = {"x": torch.zeros(2, 3), "edge_index": torch.empty(0, 2, dtype=torch.int64)}
    lonely = Packed(columns, {"nodes": torch.tensor([1, 1]), "edges": torch.tensor([0, 0])}, schema)
    assert lonely.gather(torch.tensor([0, 1])).inputs[1].shape == (2, 0)
    with pytest.raises(DataError, match=r"axis nodes: .* got an example of length 0, number 1"):
        Packed(columns, {"nodes": torch.tensor([2, 0]), "edges": torch.tensor([0, 0])}, schema)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_batches_are_the_same():
    batch = GRAPHS.to("cuda").gather(torch.tensor([3, 0, 1], device="cuda"))
    assert {t.device.type for t in (*batch.inputs, *batch.targets)} == {"cuda"}
    assert_same(batch.to("cpu"), [3, 0, 1])
