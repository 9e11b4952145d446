import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data.assemble import assemble
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
