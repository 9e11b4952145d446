import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.assemble import assemble
from neurarium.data.windows import Windows
from neurarium.record.schema import Field, Schema

LETTERS = Field((4,), categories=tuple("abcde"))
SCHEMA = Schema({"tokens": LETTERS}, {"next": LETTERS})
STREAM = np.random.default_rng(0).integers(0, 5, 23).astype(np.uint16)


@pytest.fixture(params=["memory", "disk"])
def tokens(request, tmp_path):
    np.save(tmp_path / "tokens.npy", STREAM)
    return STREAM if request.param == "memory" else np.load(tmp_path / "tokens.npy", mmap_mode="r")


@pytest.mark.parametrize(
    ("stride", "starts"), [(None, [0, 4, 8, 12, 16]), (4, [0, 4, 8, 12, 16]), (9, [0, 9, 18]), (1, list(range(19)))]
)
def test_windows_and_what_follows(tokens, stride, starts):
    windows = Windows.over(tokens, 4, SCHEMA, stride)
    assert windows.starts.tolist() == starts
    index = [len(starts) - 1, 0, 0]
    batch = windows.gather(torch.tensor(index))
    for row, k in enumerate(index):
        assert batch.x[row].tolist() == [STREAM[starts[k] + i] for i in range(4)]
        assert batch.labels[row].tolist() == [STREAM[starts[k] + 1 + i] for i in range(4)]
    assert batch.x.dtype == batch.labels.dtype == torch.int64
    assert (batch.size, batch.names) == (3, ("tokens", "next"))


def test_a_stream_is_used_to_its_last_token():
    assert len(Windows.over(STREAM[:21], 4, SCHEMA)) == 5
    assert len(Windows.over(STREAM[:20], 4, SCHEMA)) == 4
    with pytest.raises(DataError, match=r"stream of tokens: expected at least 5 tokens, for one window of 4 .*, got 4"):
        Windows.over(STREAM[:4], 4, SCHEMA)


def test_selected_windows_are_of_the_same_stream(tokens):
    windows = Windows.over(tokens, 4, SCHEMA)
    part = windows.select(torch.tensor([3, 1]))
    assert torch.equal(part.gather(torch.tensor([1])).x, windows.gather(torch.tensor([1])).x)
    assert torch.equal(part.target("next"), windows.gather(torch.tensor([3, 1])).labels)
    assert part.select(torch.empty(0, dtype=torch.int64)).target("next").shape == (0, 4)


def test_windows_without_targets():
    batch = Windows.over(STREAM, 4, Schema({"tokens": LETTERS})).gather(torch.tensor([2]))
    assert (batch.x[0].tolist(), batch.targets, batch.names) == (STREAM[8:12].tolist(), (), ("tokens",))


def test_another_vocabulary(tokens):
    known = Field((4,), categories=tuple("exdcba"))
    windows = Windows.over(tokens, 4, SCHEMA)
    moved = windows.with_schema(Schema({"tokens": known}, {"next": known}))
    order = {0: 5, 1: 4, 2: 3, 3: 2, 4: 0}
    assert moved.gather(torch.tensor([1])).x[0].tolist() == [order[int(k)] for k in STREAM[4:8]]
    assert windows.with_schema(SCHEMA).tokens is tokens
    few = Field((4,), categories=tuple("abce"))
    with pytest.raises(
        DataError, match=r"field tokens: expected tokens of the 4 that were learned, got 'd'; replace it"
    ):
        windows.with_schema(Schema({"tokens": few}, {"next": few}))
    long = Field((5,), categories=LETTERS.categories)
    with pytest.raises(DataError, match=r"field tokens: expected 5 of 5 categories, as was learned, got 4 of 5"):
        windows.with_schema(Schema({"tokens": long}, {"next": long}))


def test_tokens_outside_the_vocabulary():
    with pytest.raises(DataError, match=r"field tokens: expected integers from 0 to 4, one a token .*, got 7; number"):
        Windows.over(np.append(STREAM, 7), 4, SCHEMA)
    with pytest.raises(DataError, match=r"field tokens: .* got -1"):
        Windows.over(np.append(STREAM.astype(int), -1), 4, SCHEMA)


def test_parts_are_held_out_and_the_fingerprint_notices_a_token():
    data = assemble("toy", {"train": Windows.over(STREAM, 4, SCHEMA, 1)}, provenance="made up")
    assert data.counts() == {"train": 15, "validation": 2, "test": 2}
    changed = STREAM.copy()
    changed[22] = (changed[22] + 1) % 5
    other = assemble("toy", {"train": Windows.over(changed, 4, SCHEMA, 1)}, provenance="made up")
    assert len({data.fingerprint(), other.fingerprint()}) == 2
    assert data.schema == SCHEMA


def test_to_moves_what_is_handed_over():
    moved = Windows.over(STREAM, 4, SCHEMA).to("meta")
    batch = moved.gather(torch.tensor([0, 1]))
    assert batch.x.device.type == batch.labels.device.type == "meta"
    assert moved.device.type == "cpu"
