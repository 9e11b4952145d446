"""What can be trained vmap, and what pays."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from neurarium.data.dataset import Dataset
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.convolutional.specs import LeNet5Spec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.generative.specs import AutoencoderSpec
from neurarium.training.ensemble.compatibility import why_not, worthwhile
from neurarium.training.recipe import Checkpoints, Recipe
from neurarium.training.session import build_session

PLAN = Recipe(net=MLPSpec(hidden=(8,)), batch_size=32, device="cpu")


def test_a_small_mlp_suits_and_pays(vectors: Dataset) -> None:
    session = build_session(PLAN, vectors)
    assert why_not(session) == ""
    assert worthwhile(session)


def test_probing_draws_nothing(vectors: Dataset) -> None:
    session = build_session(replace(PLAN, net=MLPSpec(hidden=(8,), dropout=0.5)), vectors)
    before = torch.get_rng_state()
    weights = [p.clone() for p in session.net.parameters()]
    assert why_not(session) == ""
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(p, w) for p, w in zip(session.net.parameters(), weights, strict=True))


def test_a_large_net_and_a_convolutional_one_do_not_pay(vectors: Dataset, images: Dataset) -> None:
    large = build_session(replace(PLAN, net=MLPSpec(hidden=(2000, 2000))), vectors)
    assert why_not(large) == ""
    assert not worthwhile(large)
    lenet = build_session(replace(PLAN, net=LeNet5Spec()), images)
    assert why_not(lenet) == ""
    assert not worthwhile(lenet)


SETTINGS = {
    "plateau": {"schedule": Schedule("plateau")},
    "augmentation": {"augmentation": Augmentation(noise=0.1)},
    "in parts": {"micro_batches": 2},
    "bfloat16": {"precision": "bfloat16"},
    "between epochs": {"checkpoints": Checkpoints(steps=3)},
    "learning rule": {"optimizer": Optimizer("hessian-free", lr=1.0)},
    "every weight by itself": {"optimizer": Optimizer("adam-as-printed")},
    "groups that learn in different ways": {"optimizer": Optimizer("adamw", decay_params="weights")},
    "lengths of the examples": {"max_units": 20},
}


@pytest.mark.parametrize("reason", SETTINGS)
def test_settings_that_do_not_suit(vectors: Dataset, reason: str) -> None:
    assert reason in why_not(build_session(replace(PLAN, **SETTINGS[reason]), vectors))  # type: ignore[arg-type]


class BatchNormed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Asking(nn.Module):
    """Decides by a value, which a batched computation cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        return y if float(y.sum().detach()) > 0 else -y


def test_running_statistics_do_not_suit(vectors: Dataset) -> None:
    session = build_session(PLAN, vectors, BatchNormed())
    assert "running statistics (layers.1.running_mean)" in why_not(session)
    assert float(session.net.layers[1].running_mean.abs().sum()) == 0  # type: ignore[index,union-attr]


def test_a_net_that_vmap_cannot_take(vectors: Dataset) -> None:
    assert "vmap cannot take the net" in why_not(build_session(PLAN, vectors, Asking()))


class Summed(nn.Module):
    """Classes of series, from the sum of their steps."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(12, 3)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        there = torch.arange(x.shape[1]) < lengths[:, None]
        return self.layer((x * there[..., None]).sum(1))


def test_examples_of_several_sizes_do_not_suit(series: Dataset) -> None:
    assert "all of one shape" in why_not(build_session(PLAN, series, Summed()))


def test_a_task_that_calls_the_net_in_its_own_way_does_not_suit(vectors: Dataset) -> None:
    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return nn.functional.cross_entropy(outputs, targets)

    session = build_session(replace(PLAN, loss=Loss("custom")), vectors, own_loss=loss)
    assert "calls the net in a way of its own" in why_not(session)


def test_an_auto_encoder_suits(images: Dataset) -> None:
    assert why_not(build_session(replace(PLAN, net=AutoencoderSpec(hidden=(8,), latent_dim=2)), images)) == ""
