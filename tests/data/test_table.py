from dataclasses import replace

import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema

PIXELS = np.random.default_rng(0).integers(0, 256, (10, 2, 3, 3)).astype(np.uint8)
IMAGE = Field((2, 3, 3), mean=(10.0, 20.0), std=(2.0, 4.0))
NUMBER = Field((1,), names=("price",), mean=(5.0,), std=(2.0,))
LETTERS = tuple("abcdefghij")


def images(image=IMAGE):
    schema = Schema({"image": image}, {"label": Field((), categories=LETTERS)})
    return Table((torch.from_numpy(PIXELS),), (torch.arange(10),), schema)


def test_rows_are_gathered_scaled_in_the_order_asked_for():
    index = torch.tensor([7, 0, 7])
    batch = images().gather(index)
    mean, std = np.array([10, 20])[:, None, None], np.array([2, 4])[:, None, None]
    np.testing.assert_array_equal(batch.x, ((PIXELS[[7, 0, 7]] - mean) / std).astype(np.float32))
    assert batch.x.dtype == torch.float32
    assert batch.labels.tolist() == [7, 0, 7]
    assert (batch.size, batch.names) == (3, ("image", "label"))
    assert torch.equal(batch.index, index)


def test_gathering_equals_a_loop_over_examples():
    random = np.random.default_rng(1)
    x, z, word, y, pair = (
        random.normal(size=(20, 3)),
        random.integers(0, 9, (20,)),
        random.integers(0, 2, (20, 4)).astype(np.uint8),
        random.integers(0, 3, 20),
        random.normal(size=(20, 2)),
    )
    inputs = {
        "x": Field((3,), mean=(1.0, 2.0, 3.0), std=(4.0, 5.0, 6.0)),
        "z": Field(()),
        "word": Field((4,), categories=("no", "yes")),
    }
    targets = {"y": Field((), categories=("a", "b", "c")), "pair": Field((2,))}
    columns = [torch.from_numpy(column) for column in (x, z, word, y, pair)]
    table = Table(tuple(columns[:3]), tuple(columns[3:]), Schema(inputs, targets))
    index = [3, 3, 19, 0]
    batch = table.gather(torch.tensor(index))
    for place, k in enumerate(index):
        expected = [(x[k] - [1, 2, 3]) / [4, 5, 6], z[k], word[k], y[k], pair[k]]
        for tensor, row in zip((*batch.inputs, *batch.targets), expected, strict=True):
            np.testing.assert_allclose(tensor[place], row, rtol=1e-6)
    assert [tensor.dtype for tensor in batch.inputs] == [torch.float32, torch.float32, torch.int64]
    assert torch.equal(table.target("pair"), columns[4])
    assert torch.equal(torch.cat(list(table.pieces("z", 7))), columns[1])


def test_without_constants_rows_are_only_converted():
    batch = images(Field((2, 3, 3))).gather(torch.tensor([0]))
    assert batch.x.dtype == torch.float32
    np.testing.assert_array_equal(batch.x[0], PIXELS[0])


def test_cached_gives_the_same_bits_and_respects_the_limit():
    pixels = torch.randint(0, 256, (50, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    schema = Schema({"image": Field((1, 4, 4), mean=(33.3,), std=(78.5,))})
    examples = Table((pixels,), (), schema)
    index = torch.tensor([3, 49, 0])
    cached = examples.cached()
    assert cached.inputs[0].dtype == torch.float32
    assert torch.equal(cached.gather(index).x, examples.gather(index).x)
    assert cached.cached() is cached
    needed = 4 * 50 * 16
    assert examples.cached(needed) is examples
    assert examples.cached(needed + 1) is not examples
    with pytest.raises(AssertionError):
        cached.with_schema(schema)


def test_select_keeps_the_schema_and_pieces_cover_everything():
    schema = Schema({"x": Field((1,), mean=(1.0,), std=(2.0,))}, {"label": Field((), categories=LETTERS)})
    examples = Table((torch.arange(10.0)[:, None],), (torch.arange(10),), schema)
    chosen = examples.select(torch.tensor([4, 2]))
    assert len(chosen) == 2
    assert chosen.gather(torch.tensor([1])).x.item() == 0.5
    assert chosen.target("label").tolist() == [4, 2]
    assert [len(piece) for piece in examples.pieces("x", 4)] == [4, 4, 2]
    assert torch.equal(torch.cat(list(examples.pieces("x", 4))), examples.inputs[0])
    assert len(examples.select(torch.empty(0, dtype=torch.int64)).gather(torch.empty(0, dtype=torch.int64))) == 0


def test_another_schema_scales_and_numbers_anew():
    schema = Schema({"x": Field((1,)), "color": Field((), categories=("red", "blue"))}, {"y": NUMBER})
    table = Table((torch.tensor([[1.0], [7.0]]), torch.tensor([0, 1])), (torch.tensor([[0.5], [-3.0]]),), schema)
    inputs = {"x": Field((1,), mean=(3.0,), std=(2.0,)), "color": Field((), categories=("blue", "green", "red"))}
    learned = Schema(inputs, {"y": replace(NUMBER, mean=(1.0,), std=(4.0,))})
    seen = table.with_schema(learned)
    batch = seen.gather(torch.tensor([0, 1]))
    assert batch.x.tolist() == [[-1.0], [2.0]]
    assert batch.inputs[1].tolist() == [2, 0]
    assert batch.labels.tolist() == [[1.25], [-0.5]]
    assert seen.schema == learned
    with pytest.raises(DataError, match=r"field color: expected one of the 2 categories that were learned, got 'red'"):
        table.with_schema(Schema({**inputs, "color": Field((), categories=("blue", "green"))}, learned.targets))


def test_examples_without_targets():
    bare = Table((torch.arange(6.0).view(3, 2),), (), Schema({"x": Field((2,))}))
    learned = Schema({"x": Field((2,), mean=(1.0, 1.0), std=(1.0, 2.0))}, {"y": NUMBER})
    batch = bare.with_schema(learned).select(torch.tensor([2])).cached().gather(torch.tensor([0]))
    assert (batch.x.tolist(), batch.targets, batch.names) == ([[3.0, 2.0]], (), ("x",))


def test_examples_move():
    moved = Table((torch.ones(2, 1),), (torch.zeros(2, 1),), Schema({"x": Field((1,))}, {"y": NUMBER})).to("meta")
    assert moved.device.type == moved.targets[0].device.type == "meta"


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        ((torch.ones(3, 2),), (torch.zeros(2).long(),), "field label: expected 3 rows, as many as the other .* got 2"),
        ((torch.ones(2, 2),), (), "columns: expected 1 inputs and 1 targets, as the schema names, got 1 and 0; give"),
        ((torch.ones(2, 2),) * 2, (torch.zeros(2).long(),), "got 2 and 1"),
        ((torch.ones(2, 2),), (torch.tensor([0, 2]),), "field label: expected integers from 0 to 1, .*, got 2; number"),
        ((torch.ones(2, 2),), (torch.tensor([-2, 1]),), "field label: .* got -2"),
    ],
)
def test_columns_that_do_not_fit(inputs, targets, message):
    with pytest.raises(DataError, match=message):
        Table(inputs, targets, Schema({"x": Field((2,))}, {"label": Field((), categories=("a", "b"))}))


def test_inputs_are_always_known_and_targets_may_be_unknown():
    field = Field((), categories=("a", "b"))
    assert Table((torch.tensor([0, 1]),), (torch.tensor([1, -1]),), Schema({"x": field}, {"y": field}))
    with pytest.raises(DataError, match=r"field x: .* got -1"):
        Table((torch.tensor([0, -1]),), (), Schema({"x": field}))
