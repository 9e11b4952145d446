"""Padded examples; what they share with packed ones (`columns.Columns`) is tested here too."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurarium.checks import DataError
from neurarium.data.ragged import Ragged
from neurarium.record.schema import Field, Schema

LENGTHS, OTHER = [3, 1, 4, 2, 1], [2, 5, 1, 1, 3]
RANDOM = np.random.default_rng(0)
SERIES = [RANDOM.normal(size=(n, 2)) for n in LENGTHS]
FIRST = [RANDOM.normal(size=(n, 2, 3)) for n in LENGTHS]  # as stored: the axis that varies first
WORDS = [RANDOM.integers(0, 3, n) for n in OTHER]
TAGS = [RANDOM.integers(0, 2, n) for n in LENGTHS]
FORCES = [RANDOM.normal(size=(n, 2)) for n in OTHER]
LABELS = np.array([0, 1, 1, 0, 1])

SCHEMA = Schema(
    {
        "series": Field((None, 2), axis="time", mean=(1.0, 2.0), std=(3.0, 4.0)),
        "first": Field((2, None, 3), axis="time", mean=(5.0, 6.0), std=(7.0, 8.0)),
        "words": Field((None,), categories=("x", "y", "z"), axis="words"),
        "size": Field(()),
    },
    {
        "label": Field((), categories=("a", "b")),
        "tags": Field((None,), categories=("p", "q"), axis="time"),
        "forces": Field((None, 2), axis="words"),
    },
)
COLUMNS = {
    "series": torch.from_numpy(np.concatenate(SERIES)),
    "first": torch.from_numpy(np.concatenate(FIRST)),
    "words": torch.from_numpy(np.concatenate(WORDS)),
    "size": torch.tensor(OTHER),
    "label": torch.from_numpy(LABELS),
    "tags": torch.from_numpy(np.concatenate(TAGS)),
    "forces": torch.from_numpy(np.concatenate(FORCES)).float(),
}
RAGGED = Ragged(COLUMNS, {"time": torch.tensor(LENGTHS), "words": torch.tensor(OTHER)}, SCHEMA)


def by_hand(index):
    """The batch by a loop over examples and elements."""
    time, words = (max((lengths[k] for k in index), default=0) for lengths in (LENGTHS, OTHER))
    series, first = np.zeros((len(index), time, 2)), np.zeros((len(index), 2, time, 3))
    tokens, forces = np.zeros((len(index), words), dtype=int), np.zeros((len(index), words, 2))
    tags = np.full((len(index), time), -1)
    for row, k in enumerate(index):
        for t in range(LENGTHS[k]):
            for c in range(2):
                series[row, t, c] = (SERIES[k][t, c] - (1, 2)[c]) / (3, 4)[c]
                first[row, c, t] = (FIRST[k][t, c] - (5, 6)[c]) / (7, 8)[c]
            tags[row, t] = TAGS[k][t]
        for t in range(OTHER[k]):
            tokens[row, t] = WORDS[k][t]
            forces[row, t] = FORCES[k][t]
    lengths = [[lengths[k] for k in index] for lengths in (LENGTHS, OTHER)]
    inputs = (series, first, tokens, [OTHER[k] for k in index], *lengths)
    return inputs, (LABELS[index], tags, forces)


def assert_same(batch, index):
    inputs, targets = by_hand(index)
    for found, expected in zip((*batch.inputs, *batch.targets), (*inputs, *targets), strict=True):
        assert found.shape == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@given(st.lists(st.integers(0, 4), max_size=8))
def test_gathering_equals_a_loop_over_examples(index):
    batch = RAGGED.gather(torch.tensor(index, dtype=torch.int64))
    assert_same(batch, index)
    assert batch.size == len(index)
    assert batch.names == (*SCHEMA.inputs, "time_lengths", "words_lengths", *SCHEMA.targets)
    assert batch.index.tolist() == index


def test_types():
    batch = RAGGED.gather(torch.tensor([2, 0]))
    floats, integers = torch.float32, torch.int64
    assert [t.dtype for t in batch.inputs] == [floats, floats, integers, floats, integers, integers]
    assert [t.dtype for t in batch.targets] == [integers, integers, floats]


@pytest.mark.parametrize("chosen", [[4, 2, 0], [1], []])
def test_selected_examples_are_those_of_the_whole(chosen):
    part = RAGGED.select(torch.tensor(chosen, dtype=torch.int64))
    assert len(part) == len(chosen)
    assert_same(part.gather(torch.arange(len(chosen))), chosen)
    assert part.sizes().tolist() == [max(LENGTHS[k], OTHER[k]) for k in chosen]
    assert part.target("tags").tolist() == [tag for k in chosen for tag in TAGS[k]]
    np.testing.assert_array_equal(
        torch.cat(list(part.pieces("series"))), np.concatenate([np.empty((0, 2)), *(SERIES[k] for k in chosen)])
    )


def test_lengths_that_only_targets_have_are_not_given():
    schema = Schema({"size": SCHEMA.inputs["size"]}, {"tags": SCHEMA.targets["tags"]})
    batch = Ragged({"size": COLUMNS["size"], "tags": COLUMNS["tags"]}, {"time": RAGGED.lengths["time"]}, schema).gather(
        torch.tensor([1, 0])
    )
    assert batch.names == ("size", "tags")
    assert batch.labels.tolist() == [[*TAGS[1], -1, -1], [*TAGS[0]]]


def test_examples_without_targets():
    columns = {name: COLUMNS[name] for name in SCHEMA.inputs}
    bare = Ragged(columns, RAGGED.lengths, Schema(SCHEMA.inputs)).with_schema(SCHEMA)
    batch = bare.select(torch.tensor([3, 2])).gather(torch.tensor([1]))
    assert batch.targets == ()
    for found, expected in zip(batch.inputs, by_hand([2])[0], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_another_schema_scales_and_numbers_anew():
    inputs = SCHEMA.inputs | {
        "series": replace(SCHEMA.inputs["series"], mean=(0.0, 0.0), std=(1.0, 1.0)),
        "words": replace(SCHEMA.inputs["words"], categories=("z", "w", "x", "y")),
    }
    targets = SCHEMA.targets | {
        "tags": replace(SCHEMA.targets["tags"], categories=("q", "p")),
        "forces": replace(SCHEMA.targets["forces"], mean=(1.0, -1.0), std=(2.0, 4.0)),
    }
    learned = Schema(inputs, targets)
    part = RAGGED.with_schema(learned).select(torch.tensor([1]))
    assert part.schema == learned
    batch = part.gather(torch.tensor([0]))
    np.testing.assert_allclose(batch.x[0], SERIES[1], rtol=1e-6)
    assert batch.inputs[2][0].tolist() == [(2, 3, 0)[k] for k in WORDS[1]]
    assert batch.targets[1][0].tolist() == [1 - k for k in TAGS[1]]
    np.testing.assert_allclose(batch.targets[2][0], (FORCES[1] - [1, -1]) / [2, 4], rtol=1e-5)
    unknown = inputs | {"words": replace(SCHEMA.inputs["words"], categories=("y", "z"))}
    with pytest.raises(DataError, match=r"field words: expected one of the 2 categories that were learned, got 'x'"):
        RAGGED.with_schema(Schema(unknown, targets))
    with pytest.raises(DataError, match=r"field first: expected 3 x time x 3 of numbers"):
        RAGGED.with_schema(Schema(SCHEMA.inputs | {"first": Field((3, None, 3), axis="time")}, targets))


def test_targets_whose_channels_come_first_are_restated_along_them():
    field = Field((2, None), axis="time", mean=(1.0, 10.0), std=(2.0, 4.0))
    schema = Schema({"x": Field((None,), axis="time")}, {"y": field})
    stored = torch.tensor([[0.0, 1.0], [-1.0, 0.5]])  # rows of the time, channels behind: (1, 14), (-1, 12)
    examples = Ragged({"x": torch.zeros(2), "y": stored}, {"time": torch.tensor([2])}, schema)
    plain = examples.with_schema(Schema(schema.inputs, {"y": Field((2, None), axis="time")}))
    assert plain.gather(torch.tensor([0])).labels.tolist() == [[[1.0, -1.0], [14.0, 12.0]]]


def test_the_fingerprint_depends_on_columns_and_lengths_but_not_on_the_order_of_the_mapping():
    def stored(examples):
        return [piece.numpy().tobytes() for piece in examples.chunks()]

    turned = Ragged(dict(reversed(COLUMNS.items())), dict(reversed(RAGGED.lengths.items())), SCHEMA)
    assert stored(turned) == stored(RAGGED)
    assert stored(RAGGED.select(torch.tensor([0, 1, 3, 2, 4]))) != stored(RAGGED)


def changed(**changes):
    lengths = changes.pop("lengths", RAGGED.lengths)
    return lambda: Ragged(COLUMNS | changes, lengths, SCHEMA)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            changed(label=torch.zeros(4).long()),
            "field label: expected 5 rows, as the lengths of the examples say, got 4",
        ),
        (changed(tags=torch.zeros(10).long()), "field tags: expected 11 rows, as the lengths of time say, got 10"),
        (
            changed(lengths={"time": torch.tensor(LENGTHS), "words": torch.tensor([2, 5, 1, 1])}),
            "field words lengths: expected 5 rows, as many as the other fields have, got 4",
        ),
        (
            changed(lengths={"time": torch.tensor([3, 0, 5, 2, 1]), "words": torch.tensor(OTHER)}),
            "axis time: expected at least one row in every example, got an example of length 0, number 1; leave",
        ),
        (changed(words=COLUMNS["words"] + 1), "field words: expected integers from 0 to 2, one a category, got 3"),
        (changed(words=COLUMNS["words"] - 1), "field words: .* got -1"),
        (changed(label=torch.tensor([0, 1, 2, 0, 0])), "field label: expected integers from 0 to 1, .* got 2"),
        (
            changed(more=torch.zeros(5)),
            "columns: expected the fields series, .*, forces, and lengths along time, words, got",
        ),
        (changed(lengths={"time": torch.tensor(LENGTHS)}), "got series, .*, and along time; give a tensor for each"),
    ],
)
def test_columns_that_do_not_fit(make, message):
    with pytest.raises(DataError, match=message):
        make()


def test_targets_may_be_unknown():
    batch = changed(tags=COLUMNS["tags"] * 0 - 1)().gather(torch.tensor([1]))
    assert batch.targets[1].tolist() == [[-1]]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_batches_are_the_same():
    moved = RAGGED.to("cuda")
    batch = moved.gather(torch.tensor([2, 0], device="cuda"))
    assert {t.device.type for t in (*batch.inputs, *batch.targets)} == {"cuda"}
    assert_same(batch.to("cpu"), [2, 0])
    assert moved.sizes().device.type == "cpu"
