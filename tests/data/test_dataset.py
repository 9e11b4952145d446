import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from neurarium.data.assemble import assemble, assemble_numbers
from neurarium.data.examples import Dense
from neurarium.data.stream import Streamed

TABLE = np.random.default_rng(0).normal(size=(40, 3))
TARGETS = torch.arange(40) % 2


def dataset(examples):
    return assemble("toy", "vectors", {"train": examples}, ("a", "b"), source="made up")


@pytest.fixture
def toy():
    return dataset(Dense(torch.from_numpy(TABLE), TARGETS))


def test_counts(toy):
    assert toy.counts() == {"train": 32, "development": 4, "test": 4}
    assert toy.shape == (3,)


def test_fingerprint_is_the_digest_of_the_stored_numbers(toy):
    digest = hashlib.sha256()
    for part in (toy.train, toy.development, toy.test):
        digest.update(f"{len(part)} (3,)\n".encode())
        digest.update(b"torch.float64" + part.inputs.numpy().tobytes())
        digest.update(b"torch.int64" + part.targets.numpy().tobytes())
    assert toy.fingerprint() == digest.hexdigest()


def test_fingerprint_is_that_of_the_same_data_streamed(toy):
    streamed = dataset(Streamed.over(TABLE, TARGETS))
    assert streamed.fingerprint() == toy.fingerprint()
    assert streamed.scaling == toy.scaling


def test_fingerprint_notices_one_bit_one_label_and_one_row(toy):
    prints = {toy.fingerprint()}
    other = toy.test.inputs.clone()
    other[3, 2] = np.nextafter(other[3, 2].item(), 10.0)
    prints.add(replace(toy, test=replace(toy.test, inputs=other)).fingerprint())
    prints.add(replace(toy, train=replace(toy.train, targets=1 - toy.train.targets)).fingerprint())
    prints.add(replace(toy, train=toy.train.select(torch.arange(31))).fingerprint())
    prints.add(replace(toy, development=toy.test, test=toy.development).fingerprint())
    assert len(prints) == 5


def test_parts_may_be_empty():
    tiny = dataset(Dense(torch.from_numpy(TABLE[:2]), TARGETS[:2]))
    assert tiny.counts() == {"train": 2, "development": 0, "test": 0}
    assert len(tiny.fingerprint()) == 64


def test_the_parts_move(toy):
    assert toy.to("meta").test.targets.device.type == "meta"


def test_targets_are_classes_or_numbers(toy):
    assert (toy.task, toy.target_scaling) == ("classes", None)
    numbers = assemble_numbers(
        "toy", "vectors", {"train": Dense(torch.from_numpy(TABLE), torch.from_numpy(TABLE))}, ("a", "b", "c"), source=""
    )
    assert numbers.task == numbers.prepared().task == "numbers"


def test_fingerprint_notices_the_units_of_the_targets():
    inputs, targets = torch.from_numpy(TABLE), torch.arange(40.0)[:, None]
    metres, feet = (
        assemble_numbers("toy", "vectors", {"train": Dense(inputs, unit * targets)}, ("length",), source="")
        for unit in (1, 4)
    )
    assert torch.equal(metres.train.targets, feet.train.targets)
    assert metres.fingerprint() != feet.fingerprint()
