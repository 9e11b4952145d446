import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from torch import nn

from neurarium.checks import ConfigError, DataError
from neurarium.data.dataset import Dataset
from neurarium.data.scikit_tables import load
from neurarium.data.table import Table
from neurarium.learning.least_squares import SingularDesignWarning
from neurarium.learning.loss import Loss
from neurarium.learning.normal_equations import NormalEquations
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.feedforward.mlp import MLP
from neurarium.nets.feedforward.random_features import RandomFeatureModel
from neurarium.nets.feedforward.regression import LinearModel, LogisticModel
from neurarium.nets.feedforward.regression_specs import LinearSpec
from neurarium.record.events import EpochEnded, Notice
from neurarium.tasks.reconstruction import Reconstruction
from neurarium.tasks.task import Context
from neurarium.training.checkpoint import pack, unpack
from neurarium.training.loop import measure
from neurarium.training.recipe import Recipe
from neurarium.training.rules.closed_form import ClosedFormRule
from neurarium.training.session import build_session

from .setups import CPU, batch_of, classes, make, numbers, step


def recipe(loss: str = "squared-error", l2: float = 0.0, **changes: object) -> Recipe:
    return replace(Recipe(loss=Loss(loss), optimizer=Optimizer("closed-form", l2=l2)), **changes)


def learn(rule: ClosedFormRule, examples: Table, epochs: int, size: int) -> list[float]:
    """Run a rule over epochs of batches as they lie; the mean loss of each epoch, before its step."""
    number, means = 0, []
    for epoch in range(1, epochs + 1):
        total = 0.0
        for part in torch.arange(len(examples)).split(size):
            update = rule.step((examples.gather(part),), Context(0, epoch, number, training=True))
            total += update.loss * update.count
            number += 1
        means.append(total / len(examples))
    return means


def fitted(
    net: nn.Module, examples: Table, epochs: int = 1, size: int = 64, **choices: object
) -> tuple[ClosedFormRule, list[float]]:
    plan = recipe(**choices, epochs=epochs, batch_size=size)
    rule = make(plan, examples.schema, net, epochs * -(-len(examples) // size))
    return rule, learn(rule, examples, epochs, size)


def diabetes() -> Table:
    x, y = load_diabetes(return_X_y=True)
    return Table((torch.from_numpy(20 * x).float(),), (torch.from_numpy(y).float()[:, None],), numbers((10,), 1))


def table(name: str) -> Table:
    part = load(name).train.cached()
    assert isinstance(part, Table)
    return part


def columns(data: Table) -> tuple[np.ndarray, np.ndarray]:
    """Inputs in float64, and targets."""
    return data.inputs[0].double().numpy(), data.targets[0].numpy()


@pytest.mark.parametrize("alpha", [0.0, 3.0])
def test_one_epoch_fits_numbers_as_scikit_learn_does(alpha: float) -> None:
    data, net = diabetes(), LinearModel(10, 1)
    fitted(net, data, l2=alpha / len(data))
    x, y = columns(data)
    theirs = (Ridge(alpha) if alpha else LinearRegression()).fit(x, y)
    np.testing.assert_allclose(net.head.weight.detach(), theirs.coef_.reshape(1, -1), rtol=1e-6)
    np.testing.assert_allclose(net(data.inputs[0]).detach(), theirs.predict(x).reshape(-1, 1), rtol=2e-6)


def test_one_epoch_fits_codes_of_classes_as_ridge_does() -> None:
    data, net = table("breast-cancer"), LinearModel(30, 2)
    rule, _ = fitted(net, data, l2=1e-3, size=100)
    x, y = columns(data)
    theirs = Ridge(1e-3 * len(data)).fit(x, np.eye(2)[y])
    np.testing.assert_allclose(net.head.weight.detach(), theirs.coef_, rtol=2e-6, atol=1e-8)
    assert measure(rule, data, CPU.device)["error"] < 0.05


def test_logistic_regression_reaches_scikit_learns_optimum() -> None:
    data, net = table("breast-cancer"), LogisticModel(30, 2)
    _, means = fitted(net, data, 60, 200, loss="cross-entropy", l2=1 / len(data))
    x, y = columns(data)
    theirs = LogisticRegression(C=1.0, tol=1e-12, solver="newton-cholesky").fit(x, y)
    np.testing.assert_allclose(net.head.weight.detach(), theirs.coef_, rtol=1e-5, atol=1e-6)
    probabilities = net(data.inputs[0]).detach().softmax(1)
    np.testing.assert_allclose(probabilities, theirs.predict_proba(x), atol=1e-6)
    assert means[-1] < means[0]


def test_softmax_regression_reaches_scikit_learns_optimum() -> None:
    data, net = table("wine"), LinearModel(13, 3)
    fitted(net, data, 60, 50, loss="cross-entropy", l2=1 / len(data))
    x, y = columns(data)
    theirs = LogisticRegression(C=1.0, tol=1e-12, solver="newton-cholesky").fit(x, y)
    np.testing.assert_allclose(net.head.weight.detach(), theirs.coef_, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(net(data.inputs[0]).detach().softmax(1), theirs.predict_proba(x), atol=1e-5)


@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_gradient_training_converges_to_the_closed_form(l2: float) -> None:
    """The usual rule on the whole table; its decay must leave the intercept alone, as the closed form does."""
    data, direct, descended = table("iris"), LinearModel(4, 3), LinearModel(4, 3)
    fitted(direct, data, l2=l2)
    decay = Optimizer("momentum", lr=0.1, l2=l2, decay_params="weights")
    rule = make(replace(recipe(), optimizer=decay), data.schema, descended, 2000)
    for number in range(500):
        rule.step((data.gather(torch.arange(len(data))),), Context(step=number))
    torch.testing.assert_close(descended.head.weight, direct.head.weight, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(descended.head.bias, direct.head.bias, rtol=1e-3, atol=1e-4)


def test_the_size_of_batches_and_first_weights_do_not_matter() -> None:
    data, nets = table("wine"), [LinearModel(13, 3) for _ in range(2)]
    assert not torch.equal(nets[0].head.weight, nets[1].head.weight)
    for net, size in zip(nets, (7, 1000), strict=True):
        fitted(net, data, l2=0.01, size=size)
    torch.testing.assert_close(nets[0].head.weight, nets[1].head.weight, rtol=1e-5, atol=1e-7)


def test_random_features_are_ridge_on_the_features() -> None:
    data = table("wine")
    torch.manual_seed(0)
    net = RandomFeatureModel(13, 40, 3, "fourier", 1.0)
    frozen = net.inner.weight.clone()
    fitted(net, data, l2=1e-3, size=50)
    z = net.features(data.inputs[0]).double().numpy()
    theirs = Ridge(1e-3 * len(data)).fit(z, np.eye(3)[data.targets[0]])
    np.testing.assert_allclose(net.head.weight.detach(), theirs.coef_, rtol=1e-4, atol=1e-6)
    assert torch.equal(net.inner.weight, frozen)


def test_singular_design_is_said_and_solved_with_least_norm() -> None:
    data = table("wine")
    (x,) = data.inputs
    wider = torch.cat([x, x[:, :1], torch.ones(len(data), 1)], 1)
    data = Table((wider,), data.targets, classes((15,), 3))
    net = LinearModel(15, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rule, _ = fitted(net, data, epochs=2)
    (notice,) = rule.notices
    assert "singular design: the 15 columns have rank 13; 1 constant (numbers 14, from 0)" in notice
    x = data.inputs[0].double().numpy()
    codes = np.eye(3)[data.targets[0]]
    by_pinv = np.linalg.pinv(x - x.mean(0), rcond=1e-7) @ (codes - codes.mean(0))
    np.testing.assert_allclose(net.head.weight.detach(), by_pinv.T, rtol=1e-4, atol=1e-6)


def test_a_run_passes_on_that_the_design_is_singular(images: Dataset) -> None:
    plan = recipe(net=LinearSpec(), epochs=2, device="cpu", batch_size=50)
    events = list(build_session(plan, images).events())
    ((place, said),) = ((place, event.message) for place, event in enumerate(events) if isinstance(event, Notice))
    # 150 images of 784 pixels span 149 directions around their mean
    assert "784 columns have rank 149" in said
    assert place == 1 + next(place for place, event in enumerate(events) if isinstance(event, EpochEnded))


def test_a_design_of_full_rank_gives_no_notice() -> None:
    rule, _ = fitted(LinearModel(13, 3), table("wine"))
    assert rule.notices == []


def test_other_warnings_stay_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    inverse = NormalEquations.inverse

    def warning_too(self: NormalEquations, *settings: float) -> Any:
        warnings.warn("another matter", RuntimeWarning, stacklevel=2)
        warnings.warn("columns", SingularDesignWarning, stacklevel=2)
        return inverse(self, *settings)

    monkeypatch.setattr(NormalEquations, "inverse", warning_too)
    with pytest.warns(RuntimeWarning, match="another matter") as caught:
        rule, _ = fitted(LinearModel(13, 3), table("wine"))
    assert len(caught) == 1
    assert rule.notices == ["columns"]


def test_second_epoch_reports_the_loss_at_the_minimum() -> None:
    data, net = diabetes(), LinearModel(10, 1)
    _, means = fitted(net, data, epochs=2)
    x, y = columns(data)
    residual = y - LinearRegression().fit(x, y).predict(x)
    assert means[0] == pytest.approx((y**2).mean() / 2, rel=1e-6)
    assert means[1] == pytest.approx((residual**2).mean() / 2, rel=1e-6)


def test_goes_on_from_its_state_in_mid_epoch(tmp_path: Path) -> None:
    data = table("wine")
    plan = recipe("cross-entropy", 0.01, epochs=6, batch_size=50)
    nets = [LinearModel(13, 3), LinearModel(13, 3)]
    one, other = (make(plan, data.schema, net, 18) for net in nets)
    batches = [data.gather(part) for part in torch.arange(len(data)).split(50)]
    for number in range(7):
        one.step((batches[number % 3],), Context(step=number))
    tensors: dict[str, torch.Tensor] = {}
    packed = pack(one.state_dict(), tensors, "rule")
    nets[1].load_state_dict(nets[0].state_dict())
    other.load_state_dict(unpack(packed, {name: t.clone() for name, t in tensors.items()}))
    for number in range(7, 18):
        for rule in (one, other):
            rule.step((batches[number % 3],), Context(step=number))
    assert torch.equal(nets[0].head.weight, nets[1].head.weight)
    assert torch.equal(nets[0].head.bias, nets[1].head.bias)


def test_undefined_inputs_are_named() -> None:
    net, x = LinearModel(2, 2), torch.zeros(3, 2)
    x[1, 0] = float("nan")
    rule = make(recipe(), classes((2,), 2), net)
    with pytest.raises(DataError, match="inputs of batch 1, row 1, column 0"):
        step(rule, batch_of(x, torch.tensor([0, 1, 0])))


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"clip_norm": 1.0}, "clip_norm"),
        ({"precision": "bfloat16"}, "precision"),
        ({"schedule": Schedule("cosine")}, "schedule.name"),
        ({"loss": Loss("hinge")}, "loss.name"),
        ({"loss": Loss("custom")}, "loss.name"),
        ({"loss": Loss("cross-entropy", balanced=True)}, "loss.balanced"),
        ({"loss": Loss("cross-entropy", class_weights=(1.0, 2.0))}, "loss.class_weights"),
        ({"optimizer": Optimizer("closed-form", weight_decay=0.1)}, "optimizer.weight_decay"),
        ({"micro_batches": 2}, "micro_batches"),
        ({"compile": True}, "compile"),
        ({"gradients": "explicit"}, "gradients"),
    ],
)
def test_refuses_settings_that_it_cannot_follow(changes: dict[str, object], subject: str) -> None:
    with pytest.raises(ConfigError, match=f"^{subject}: expected .*, for the rule closed-form"):
        make(replace(recipe(), **changes), classes((2,), 2), LinearModel(2, 2))


def test_refuses_a_net_that_is_not_linear_in_its_parameters() -> None:
    with pytest.raises(ConfigError, match=r"net: expected a net of the kind LinearInParameters .*got MLP"):
        make(recipe(), classes((2,), 2), MLP((2, 3, 2)))

    class Bent(LinearModel):
        def __init__(self) -> None:
            super().__init__(2, 2)
            self.slope = nn.Parameter(torch.ones(()))

    with pytest.raises(ConfigError, match=r"only trainable layer is affine.*got Bent with the parameters slope, head"):
        make(recipe(), classes((2,), 2), Bent())


def test_refuses_a_task_whose_loss_is_none_of_labels() -> None:
    schema = classes((2,), 2)
    with pytest.raises(ConfigError, match=r"task: expected .* a solution in closed form, got Reconstruction"):
        make(recipe("auto"), schema, LinearModel(2, 2), task=Reconstruction(schema.input))


def test_pictures_with_white_borders_need_no_warning_under_a_penalty(images: Dataset) -> None:
    part = images.train.cached()
    assert isinstance(part, Table)
    x = part.inputs[0].flatten(1)
    x[:, :5] = 0.0
    flat = Table((x,), part.targets, classes((784,), 5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(LinearModel(784, 5), flat, l2=0.1)
