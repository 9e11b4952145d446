import gc
import threading
import time

import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.examples import Examples
from neurarium.data.plan import grouped, in_order, plan
from neurarium.data.stream import Streamed
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema

PIXELS = np.random.default_rng(0).integers(0, 256, (101, 1, 6, 5)).astype(np.uint8)
TARGETS = torch.arange(101) % 7
SCHEMA = Schema(
    {"image": Field((1, 6, 5), mean=(33.3,), std=(78.5,))}, {"label": Field((), categories=tuple("abcdefg"))}
)
TABLE = Table((torch.from_numpy(PIXELS),), (TARGETS,), SCHEMA)


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("neurarium-read")]


@pytest.fixture
def mapped(tmp_path):
    np.save(tmp_path / "pixels.npy", PIXELS)
    return Streamed.over(np.load(tmp_path / "pixels.npy", mmap_mode="r"), TARGETS, SCHEMA)


@pytest.mark.parametrize(("skip", "parts"), [(0, 1), (3, 1), (0, 3)])
def test_batches_equal_those_in_memory_bit_for_bit(mapped, skip, parts):
    assert isinstance(mapped, Examples)
    order = plan(101, 16, seed=5, epoch=2)[skip:]
    streamed, table = list(grouped(mapped, order, parts)), list(grouped(TABLE, order, parts))
    assert len(streamed) == len(table) == 7 - skip
    for one, other in zip(streamed, table, strict=True):
        for a, b in zip(one, other, strict=True):
            assert torch.equal(a.x, b.x)
            assert torch.equal(a.labels, b.labels)
            assert torch.equal(a.index, b.index)
            assert (a.size, a.names) == (b.size, b.names)
    assert not readers()


def test_order_holds_whichever_thread_is_first():
    def read(index):
        time.sleep(0.02 if index[0] % 2 else 0)  # every other batch is late
        return PIXELS[index], TARGETS.numpy()[index]

    batches = in_order(Streamed(read, 101, TARGETS, SCHEMA, threads=4, ahead=8), 9)
    assert torch.equal(torch.cat([batch.x for batch in batches]), TABLE.gather(torch.arange(101)).x)


def test_no_more_is_read_ahead_than_agreed():
    read_so_far = []

    def read(index):
        read_so_far.append(index[0])
        return PIXELS[index], TARGETS.numpy()[index]

    batches = in_order(Streamed(read, 101, TARGETS, SCHEMA, ahead=3), 1)
    for taken in range(1, 20):
        next(batches)
        time.sleep(0.002)
        assert len(read_so_far) <= taken + 3
    assert len(read_so_far) > 19


def test_reading_happens_in_the_background_while_the_consumer_works():
    arrived = threading.Event()

    def read(index):
        if index[0] == 1:
            arrived.set()
        return PIXELS[index], TARGETS.numpy()[index]

    batches = in_order(Streamed(read, 101, TARGETS, SCHEMA), 1)
    next(batches)
    assert arrived.wait(timeout=5)


def test_an_error_of_the_reader_surfaces_at_its_batch():
    def read(index):
        if 40 in index:
            raise DataError("cat.png", expected="an image", got="noise")
        return PIXELS[index], TARGETS.numpy()[index]

    batches = in_order(Streamed(read, 101, TARGETS, SCHEMA), 10)
    for _ in range(4):
        next(batches)
    with pytest.raises(DataError, match=r"cat\.png"):
        next(batches)
    assert not readers()


@pytest.mark.parametrize("how", ["closed", "dropped"])
@pytest.mark.parametrize("walk", ["grouped", "in order"])
def test_threads_end_when_the_consumer_stops_early(mapped, how, walk):
    batches = grouped(mapped, plan(101, 4, seed=0, epoch=0)) if walk == "grouped" else in_order(mapped, 4)
    next(batches)
    assert readers()
    if how == "closed":
        batches.close()
    else:
        del batches
        gc.collect()
    assert not readers()


def test_select_pieces_and_gather(mapped):
    chosen = mapped.select(torch.tensor([50, 3, 7])).select(torch.tensor([2, 0]))
    assert len(chosen) == 2
    assert torch.equal(chosen.gather(torch.tensor([1, 0])).x, TABLE.gather(torch.tensor([50, 7])).x)
    assert chosen.target("label").tolist() == [0, 1]
    np.testing.assert_array_equal(torch.cat(list(mapped.pieces("image", 10))), PIXELS)
    assert not list(mapped.select(torch.empty(0, dtype=torch.int64)).pieces("image"))


def test_another_schema_scales_and_numbers_anew(mapped):
    image, few = Field((1, 6, 5), mean=(1.0,), std=(2.0,)), Field((), categories=tuple("gfedcba"))
    batch = mapped.with_schema(Schema({"image": image}, {"label": few})).gather(torch.tensor([5, 8]))
    np.testing.assert_allclose(batch.x, (PIXELS[[5, 8]] - 1.0) / 2, rtol=1e-6)
    assert batch.labels.tolist() == [1, 5]
    with pytest.raises(DataError, match=r"field label: .* got 'g'"):
        mapped.with_schema(Schema({"image": image}, {"label": Field((), categories=tuple("abcdef"))}))


def test_numbers_to_predict_are_scaled_wherever_they_are_read():
    schema = Schema(SCHEMA.inputs, {"y": Field((1,))})
    values = torch.arange(101.0)[:, None]
    learned = Schema(SCHEMA.inputs, {"y": Field((1,), mean=(50.0,), std=(4.0,))})
    streamed = Streamed.over(PIXELS, values, schema).with_schema(learned)
    assert streamed.gather(torch.tensor([54, 46])).labels.tolist() == [[1.0], [-1.0]]
    assert torch.equal(streamed.target("y"), (values - 50) / 4)
    assert torch.equal(torch.cat([batch.labels for batch in in_order(streamed, 7)]), (values - 50) / 4)


@pytest.mark.parametrize(
    ("targets", "schema", "message"),
    [
        (TARGETS[:100], SCHEMA, "field label: expected 101 rows, .* got 100"),
        (TARGETS + 1, SCHEMA, "field label: expected integers from 0 to 6, one a category, got 7"),
        (TARGETS, Schema(SCHEMA.inputs), "columns: expected 1 inputs and 0 targets, .* got 1 and 1"),
    ],
)
def test_targets_that_do_not_fit(targets, schema, message):
    with pytest.raises(DataError, match=message):
        Streamed.over(PIXELS, targets, schema)


def test_to_moves_what_is_handed_over():
    plain = Schema({"image": Field((1, 6, 5))}, SCHEMA.targets)
    moved = Streamed.over(PIXELS, TARGETS, plain).to("meta")
    batch = next(in_order(moved, 4))
    assert batch.x.device.type == batch.labels.device.type == "meta"
    assert moved.device.type == "cpu"
