import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.assemble import assemble
from neurarium.data.dataset import PARTS
from neurarium.data.stream import Streamed
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema

TABLE = np.random.default_rng(0).normal(size=(40, 3))
TARGETS = torch.arange(40) % 2
SCHEMA = Schema({"features": Field((3,))}, {"label": Field((), categories=("a", "b"))})
NUMBER = Schema({"features": Field((3,))}, {"length": Field((1,), names=("length",))})


def dataset(examples):
    return assemble("toy", {"train": examples}, provenance="made up")


@pytest.fixture
def toy():
    return dataset(Table((torch.from_numpy(TABLE),), (TARGETS,), SCHEMA))


def test_counts(toy):
    assert toy.counts() == {"train": 32, "validation": 4, "test": 4}
    assert tuple(toy.parts()) == PARTS


def test_fingerprint_is_the_digest_of_the_stored_numbers(toy):
    digest = hashlib.sha256()
    for part in (toy.train, toy.validation, toy.test):
        digest.update(f"{len(part)} (3,)\n".encode())
        digest.update(b"torch.float64" + part.inputs[0].numpy().tobytes())
        digest.update(b"torch.int64" + part.targets[0].numpy().tobytes())
    assert toy.fingerprint() == digest.hexdigest()


def test_fingerprint_of_numbers_begins_with_their_scaling():
    data = dataset(Table((torch.from_numpy(TABLE),), (torch.arange(40.0)[:, None],), NUMBER))
    mean, std = data.schema.target.mean[0], data.schema.target.std[0]
    digest = hashlib.sha256(f"{{'mean': [{mean!r}], 'std': [{std!r}]}}\n".encode())
    for part in (data.train, data.validation, data.test):
        digest.update(f"{len(part)} (3,)\n".encode())
        digest.update(b"torch.float64" + part.inputs[0].numpy().tobytes())
        digest.update(b"torch.float32" + part.targets[0].numpy().tobytes())
    assert data.fingerprint() == digest.hexdigest()


def test_fingerprint_is_that_of_the_same_data_streamed(toy):
    streamed = dataset(Streamed.over(TABLE, TARGETS, SCHEMA))
    assert streamed.fingerprint() == toy.fingerprint()
    assert streamed.schema == toy.schema


def test_fingerprint_notices_one_bit_one_label_and_one_row(toy):
    prints = {toy.fingerprint()}
    other = toy.test.inputs[0].clone()
    other[3, 2] = np.nextafter(other[3, 2].item(), 10.0)
    prints.add(replace(toy, test=replace(toy.test, inputs=(other,))).fingerprint())
    prints.add(replace(toy, train=replace(toy.train, targets=(1 - toy.train.targets[0],))).fingerprint())
    prints.add(replace(toy, train=toy.train.select(torch.arange(31))).fingerprint())
    prints.add(replace(toy, validation=toy.test, test=toy.validation).fingerprint())
    assert len(prints) == 5


def test_parts_may_be_empty():
    tiny = dataset(Table((torch.from_numpy(TABLE[:2]),), (TARGETS[:2],), SCHEMA))
    assert tiny.counts() == {"train": 2, "validation": 0, "test": 0}
    assert len(tiny.fingerprint()) == 64


def test_the_parts_move():
    bare = dataset(Table((torch.from_numpy(TABLE),), (), Schema(SCHEMA.inputs)))
    assert {part.device.type for part in bare.to("meta").parts().values()} == {"meta"}


def test_cached_parts_give_the_same_bits(toy):
    cached, index = toy.cached(), torch.tensor([3, 0])
    assert (cached.train.ready, cached.validation.ready, cached.test.ready) == (True, True, False)
    assert torch.equal(cached.train.gather(index).x, toy.train.gather(index).x)


def test_another_schema_holds_for_all_parts(toy):
    learned = Schema(
        {"x": Field((3,), mean=(1.0, 2.0, 3.0), std=(2.0, 2.0, 2.0))}, {"kind": Field((), categories=("b", "c", "a"))}
    )
    seen = toy.with_schema(learned)
    assert seen.schema == learned
    for part, before in zip(seen.parts().values(), toy.parts().values(), strict=True):
        batch = part.gather(torch.tensor([1]))
        np.testing.assert_allclose(batch.x[0], (before.inputs[0][1] - torch.tensor([1, 2, 3])) / 2, rtol=1e-6)
        assert batch.labels.item() == (2, 0)[before.target("label")[1]]
    with pytest.raises(DataError, match=r"field features: expected 4 of numbers, as was learned, got 3 of numbers"):
        toy.with_schema(Schema({"x": Field((4,))}, SCHEMA.targets))


def test_unlabeled_data_take_the_inputs_of_a_schema(toy):
    bare = dataset(Table((torch.from_numpy(TABLE),), (), Schema(SCHEMA.inputs)))
    assert bare.with_schema(toy.schema).schema == Schema(toy.schema.inputs)


def test_fingerprint_notices_the_units_of_the_targets():
    inputs, targets = torch.from_numpy(TABLE), torch.arange(40.0)[:, None]
    meters, feet = (dataset(Table((inputs,), (unit * targets,), NUMBER)) for unit in (1, 4))
    assert torch.equal(meters.train.target("length"), feet.train.target("length"))
    assert meters.fingerprint() != feet.fingerprint()


@pytest.mark.parametrize(
    "kind", ["images", "vectors", "series", "tokens", "windows", "pairs", "nodes", "graphs", "points", "molecules"]
)
def test_data_of_every_kind_behave_alike(kind, request):
    data = request.getfixturevalue(kind)
    whole, index = data.train, torch.tensor([2, 0, 1])
    batch = whole.gather(index)
    assert (batch.size, len(batch.inputs) + len(batch.targets)) == (3, len(batch.names))
    part = whole.select(index)
    again = part.gather(torch.arange(3))
    for one, other in zip((*batch.inputs, *batch.targets), (*again.inputs, *again.targets), strict=True):
        assert torch.equal(one, other)
    assert len(part) == 3
    assert whole.sizes().shape == (len(whole),)
    same = data.with_schema(data.schema)
    assert (same.schema, same.fingerprint()) == (data.schema, data.fingerprint())
    assert Schema.from_plain(data.schema.to_plain()) == data.schema
    for name in data.schema.targets:
        assert torch.equal(part.target(name), whole.select(index).target(name))
