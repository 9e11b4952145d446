from dataclasses import replace

import pytest
import torch

from neurarium.checks import ConfigError, DataError
from neurarium.data.dataset import Dataset
from neurarium.data.mnist_5k import load
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.connectionist.rbm import RBM
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.connectionist.rbm_stack import stack_into_mlp
from neurarium.training.pretraining import train_stack
from neurarium.training.recipe import Recipe
from neurarium.training.session import build_session

RECIPE = Recipe(net=RBMSpec(), optimizer=Optimizer("momentum", lr=0.05), epochs=4, batch_size=10, device="cpu")


def test_pixels_come_as_numbers_from_nought_to_one(images: Dataset) -> None:
    session = build_session(RECIPE, images)
    batch = session.dataset.train.gather(torch.arange(5))
    pixels = next(images.train.pieces("image"))[:5].flatten(1) / 255
    assert isinstance(session.net, RBM)
    torch.testing.assert_close(session.net.units(batch.x), pixels, rtol=0, atol=1e-6)


@pytest.mark.more
def test_each_machine_learns_from_the_one_below() -> None:
    digits = load()
    few = replace(digits, train=digits.train.select(torch.arange(0, 4000, 8)))
    plan = replace(RECIPE, optimizer=Optimizer("momentum", lr=0.02), epochs=12)
    rbms = train_stack(plan, few, (32, 24))
    assert [tuple(rbm.weight.shape) for rbm in rbms] == [(32, 784), (24, 32)]
    x = few.train.gather(torch.arange(500)).x
    hidden = rbms[0](x).detach()
    assert torch.equal(rbms[1].units(hidden), hidden)
    error = (rbms[1].reconstruct(hidden) - hidden).square().mean()
    assert float(error) < 0.5 * float(hidden.var(0).mean())
    net = stack_into_mlp(rbms, classes=10)
    torch.testing.assert_close(net(x), net.layers[-1](rbms[1](hidden)))


def test_gaussian_inputs_bernoulli_features(images: Dataset) -> None:
    plan = replace(RECIPE, net=RBMSpec(visible="gaussian"), optimizer=Optimizer("sgd", lr=1e-3), epochs=1)
    rbms = train_stack(plan, images, (6, 4))
    assert [rbm.visible for rbm in rbms] == ["gaussian", "bernoulli"]


def test_no_validation_and_no_test_examples(vectors: Dataset) -> None:
    none = vectors.train.select(torch.arange(0))
    rbms = train_stack(replace(RECIPE, epochs=1), replace(vectors, validation=none, test=none), (5, 4))
    assert len(rbms) == 2


def test_same_seed_same_machines(vectors: Dataset) -> None:
    first, again = (train_stack(replace(RECIPE, epochs=1), vectors, (5, 4)) for _ in "ab")
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a.weight, b.weight)


def test_mistakes_are_named(vectors: Dataset) -> None:
    with pytest.raises(ConfigError, match="hidden: expected at least one layer"):
        train_stack(RECIPE, vectors, ())
    with pytest.raises(ConfigError, match="net: expected rbm, got own"):
        train_stack(Recipe(), vectors, (3,))
    none = vectors.train.select(torch.arange(0))
    with pytest.raises(DataError, match="training data: expected at least one example"):
        train_stack(RECIPE, replace(vectors, train=none), (3,))
