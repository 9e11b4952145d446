import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.assemble import assemble, assemble_numbers
from neurarium.data.examples import Dense

TABLE = torch.from_numpy(np.random.default_rng(0).normal(5, 3, (100, 2)))
TARGETS = torch.arange(100) % 2


def test_missing_parts_are_held_out_and_all_share_the_scaling_of_training():
    train, test = Dense(TABLE[:80], TARGETS[:80]), Dense(TABLE[80:], TARGETS[80:])
    data = assemble("toy", "vectors", {"train": train, "test": test}, ("a", "b"), source="made up")
    assert data.counts() == {"train": 72, "development": 8, "test": 20}
    assert data.source == "made up; development held out from training examples, stratified, fixed seed"
    learnt = data.train.inputs.numpy()
    np.testing.assert_allclose(data.scaling.mean, learnt.mean(axis=0), rtol=1e-12)
    expected = (TABLE[80:].numpy() - learnt.mean(axis=0)) / learnt.std(axis=0)
    np.testing.assert_allclose(data.test.gather(torch.arange(20)).inputs, expected, rtol=1e-5)


def test_the_size_of_development_may_be_given():
    data = assemble("toy", "vectors", {"train": Dense(TABLE, TARGETS)}, ("a", "b"), source="", development=30)
    assert data.counts() == {"train": 60, "development": 30, "test": 10}


def test_what_cannot_be_learnt_from_is_refused_by_name():
    with pytest.raises(DataError, match=r"toy: .* none of 'c'"):
        assemble("toy", "vectors", {"train": Dense(TABLE, TARGETS)}, ("a", "b", "c"), source="")
    with pytest.raises(DataError, match=r"toy\.csv: .* empty data set"):
        assemble("t", "vectors", {"train": Dense(TABLE[:0], TARGETS[:0])}, (), source="", subject="toy.csv")


PRICES = np.random.default_rng(1).normal([2e5, -3.0], [3e4, 0.01], (100, 2))


def numbers(parts, **options):
    return assemble_numbers("toy", "vectors", parts, ("price", "depth"), source="made up", **options)


def test_numbers_are_standardised_by_those_of_training_alone():
    examples = Dense(torch.arange(100.0)[:, None], torch.from_numpy(PRICES))
    data = numbers({"train": examples})
    assert (data.task, data.classes, data.counts()) == (
        "numbers",
        ("price", "depth"),
        {"train": 80, "development": 10, "test": 10},
    )
    assert data.source == "made up; development and test held out from training examples, fixed seed"
    learnt = PRICES[data.train.inputs[:, 0].long()]
    np.testing.assert_allclose(data.target_scaling.mean, learnt.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(data.target_scaling.std, learnt.std(axis=0), rtol=1e-9)
    for part in (data.train, data.development, data.test):
        assert part.targets.dtype == torch.float32
        expected = (PRICES[part.inputs[:, 0].long()] - learnt.mean(axis=0)) / learnt.std(axis=0)
        np.testing.assert_allclose(part.targets, expected, rtol=1e-5, atol=1e-6)
    rows = torch.cat([part.inputs[:, 0] for part in (data.train, data.development, data.test)])
    assert torch.equal(rows.sort().values, torch.arange(100.0))
    assert numbers({"train": examples}).fingerprint() == data.fingerprint()


def test_parts_of_numbers_that_are_there_stay():
    train, test = (Dense(TABLE[part], torch.from_numpy(PRICES[part])) for part in (slice(80), slice(80, 100)))
    data = numbers({"train": train, "test": test}, development=20)
    assert data.counts() == {"train": 60, "development": 20, "test": 20}
    assert torch.equal(data.test.inputs, TABLE[80:])


def test_numbers_that_cannot_be_learnt_are_refused_by_name():
    gap = PRICES.copy()
    gap[7, 1] = np.nan
    parts = {"train": Dense(TABLE, torch.from_numpy(PRICES)), "test": Dense(TABLE, torch.from_numpy(gap))}
    with pytest.raises(DataError, match=r"t\.csv, test, depth, row 7 .* got nan"):
        numbers(parts, subject="t.csv")
    with pytest.raises(DataError, match=r"toy, depth, row 7 .* got nan"):
        numbers({"train": parts["test"]})
    constant = torch.tensor([[1.0, 5.0]]).repeat(100, 1)
    constant[:, 0] = torch.arange(100)
    with pytest.raises(DataError, match=r"toy, depth: .* got 5 for all of them"):
        numbers({"train": Dense(TABLE, constant)})
    with pytest.raises(DataError, match="toy: expected at least one example"):
        numbers({"train": Dense(TABLE[:0], constant[:0])})


def test_what_differs_in_held_out_examples_alone_is_refused():
    whole = numbers({"train": Dense(torch.arange(100.0)[:, None], torch.from_numpy(PRICES))})
    targets = torch.arange(200.0).view(100, 2)
    targets[:, 1] = 5
    targets[int(whole.test.inputs[0, 0]), 1] = 6
    with pytest.raises(DataError, match=r"toy, depth: .* got 5 for all of them"):
        numbers({"train": Dense(TABLE, targets)})
