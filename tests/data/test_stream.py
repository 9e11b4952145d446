import gc
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.batches import in_order, shuffled
from neurarium.data.examples import Dense, Examples
from neurarium.data.scaling import Scaling
from neurarium.data.stream import Streamed

PIXELS = np.random.default_rng(0).integers(0, 256, (101, 1, 6, 5)).astype(np.uint8)
TARGETS = torch.arange(101) % 7
SCALING = Scaling((33.3,), (78.5,))
DENSE = Dense(torch.from_numpy(PIXELS), TARGETS, SCALING)


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("neurarium-read")]


@pytest.fixture
def mapped(tmp_path):
    np.save(tmp_path / "pixels.npy", PIXELS)
    return Streamed.over(np.load(tmp_path / "pixels.npy", mmap_mode="r"), TARGETS, SCALING)


@pytest.mark.parametrize("skip", [0, 3])
def test_batches_equal_those_in_memory_bit_for_bit(mapped, skip):
    assert isinstance(mapped, Examples)
    order = {"seed": 5, "epoch": 2, "skip": skip}
    streamed, dense = list(shuffled(mapped, 16, **order)), list(shuffled(DENSE, 16, **order))
    assert len(streamed) == len(dense) == 7 - skip
    for a, b in zip(streamed, dense, strict=True):
        assert torch.equal(a.inputs, b.inputs)
        assert torch.equal(a.targets, b.targets)
    assert not readers()


def test_order_holds_whichever_thread_is_first():
    def read(index):
        time.sleep(0.02 if index[0] % 2 else 0)  # every other batch is late
        return PIXELS[index], TARGETS.numpy()[index]

    batches = in_order(Streamed(read, 101, TARGETS, SCALING, threads=4, ahead=8), 9)
    assert torch.equal(torch.cat([batch.inputs for batch in batches]), DENSE.gather(torch.arange(101)).inputs)


def test_no_more_is_read_ahead_than_agreed():
    read_so_far = []

    def read(index):
        read_so_far.append(index[0])
        return PIXELS[index], TARGETS.numpy()[index]

    batches = in_order(Streamed(read, 101, TARGETS, ahead=3), 1)
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

    batches = in_order(Streamed(read, 101, TARGETS), 1)
    next(batches)
    assert arrived.wait(timeout=5)


def test_an_error_of_the_reader_surfaces_at_its_batch():
    def read(index):
        if 40 in index:
            raise DataError("cat.png", expected="a picture", got="noise")
        return PIXELS[index], TARGETS.numpy()[index]

    batches = in_order(Streamed(read, 101, TARGETS), 10)
    for _ in range(4):
        next(batches)
    with pytest.raises(DataError, match=r"cat\.png"):
        next(batches)
    assert not readers()


@pytest.mark.parametrize("how", ["closed", "dropped"])
def test_threads_end_when_the_consumer_stops_early(mapped, how):
    batches = shuffled(mapped, 4, seed=0, epoch=0)
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
    assert torch.equal(chosen.gather(torch.tensor([1, 0])).inputs, DENSE.gather(torch.tensor([50, 7])).inputs)
    assert chosen.targets.tolist() == [0, 1]
    np.testing.assert_array_equal(torch.cat(list(mapped.pieces(10))), PIXELS)
    assert not list(mapped.select(torch.empty(0, dtype=torch.int64)).pieces())


def test_to_moves_what_is_handed_over(mapped):
    moved = replace(mapped, scaling=None).to("meta")
    batch = next(in_order(moved, 4))
    assert batch.inputs.device.type == batch.targets.device.type == moved.targets.device.type == "meta"
