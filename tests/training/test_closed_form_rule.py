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
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense
from neurarium.data.scikit_tables import load
from neurarium.learning.least_squares import SingularDesignWarning
from neurarium.learning.normal_equations import NormalEquations
from neurarium.learning.objective import Objective
from neurarium.learning.optimisers import Optimiser
from neurarium.learning.schedules import Schedule
from neurarium.nets.feedforward.mlp import MLP
from neurarium.nets.feedforward.random_features import RandomFeatureModel
from neurarium.nets.feedforward.regression import LinearModel, LogisticModel
from neurarium.nets.feedforward.regression_specs import LinearSpec
from neurarium.record.events import EpochEnded, Notice
from neurarium.training.closed_form_rule import ClosedFormRule
from neurarium.training.device import Placement
from neurarium.training.gradient_rule import GradientRule
from neurarium.training.loop import measure
from neurarium.training.recipe import Recipe
from neurarium.training.session import prepare

CPU = Placement(torch.device("cpu"))


def recipe(objective: str = "squared-error", l2: float = 0.0, **changes: object) -> Recipe:
    return replace(Recipe(objective=Objective(objective), optimiser=Optimiser("sgd", l2=l2)), **changes)


def learn(rule: ClosedFormRule, examples: Dense, epochs: int, size: int, first: int = 0) -> list[float]:
    """Run a rule over epochs of batches as they lie; the mean objective of each epoch, before its step."""
    step, means = first, []
    for _ in range(epochs):
        total = 0.0
        for part in torch.arange(len(examples)).split(size):
            total += rule.step(examples.gather(part), step).objective * len(part)
            step += 1
        means.append(total / len(examples))
    return means


def fitted(
    net: nn.Module, examples: Dense, epochs: int = 1, size: int = 64, **choices: object
) -> tuple[ClosedFormRule, list[float]]:
    plan = recipe(**choices, epochs=epochs, batch_size=size)
    total = epochs * -(-len(examples) // size)
    rule = ClosedFormRule(net, plan, CPU, plan.objective.build(), total)
    return rule, learn(rule, examples, epochs, size)


def diabetes() -> Dense:
    x, y = load_diabetes(return_X_y=True)
    return Dense(torch.from_numpy(20 * x).float(), torch.from_numpy(y).float()[:, None])


def table(name: str) -> Dense:
    part = load(name).train.prepared()
    assert isinstance(part, Dense)
    return part


@pytest.mark.parametrize("alpha", [0.0, 3.0])
def test_one_epoch_fits_numbers_as_scikit_learn_does(alpha: float) -> None:
    data, net = diabetes(), LinearModel(10, 1)
    fitted(net, data, l2=alpha / len(data))
    x, y = data.inputs.double().numpy(), data.targets.numpy()
    theirs = (Ridge(alpha) if alpha else LinearRegression()).fit(x, y)
    np.testing.assert_allclose(net.head.weight.detach(), theirs.coef_.reshape(1, -1), rtol=1e-6)
    np.testing.assert_allclose(net(data.inputs).detach(), theirs.predict(x).reshape(-1, 1), rtol=2e-6)


def test_one_epoch_fits_codes_of_classes_as_ridge_does() -> None:
    data, net = table("breast-cancer"), LinearModel(30, 2)
    rule, _ = fitted(net, data, l2=1e-3, size=100)
    theirs = Ridge(1e-3 * len(data)).fit(data.inputs.double().numpy(), np.eye(2)[data.targets])
    np.testing.assert_allclose(net.head.weight.detach(), theirs.coef_, rtol=2e-6, atol=1e-8)
    assert measure(rule, data, CPU.device)["error"] < 0.05


def test_logistic_regression_reaches_scikit_learns_optimum() -> None:
    data, net = table("breast-cancer"), LogisticModel(30, 2)
    _, means = fitted(net, data, 60, 200, objective="cross-entropy", l2=1 / len(data))
    x, y = data.inputs.double().numpy(), data.targets.numpy()
    theirs = LogisticRegression(C=1.0, tol=1e-12, solver="newton-cholesky").fit(x, y)
    np.testing.assert_allclose(net.head.weight.detach(), theirs.coef_, rtol=1e-5, atol=1e-6)
    probabilities = net(data.inputs).detach().softmax(1)
    np.testing.assert_allclose(probabilities, theirs.predict_proba(x), atol=1e-6)
    assert means[-1] < means[0]


def test_softmax_regression_reaches_scikit_learns_optimum() -> None:
    data, net = table("wine"), LinearModel(13, 3)
    fitted(net, data, 60, 50, objective="cross-entropy", l2=1 / len(data))
    x, y = data.inputs.double().numpy(), data.targets.numpy()
    theirs = LogisticRegression(C=1.0, tol=1e-12, solver="newton-cholesky").fit(x, y)
    np.testing.assert_allclose(net.head.weight.detach(), theirs.coef_, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(net(data.inputs).detach().softmax(1), theirs.predict_proba(x), atol=1e-5)


@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_gradient_training_converges_to_the_closed_form(l2: float) -> None:
    """The usual rule on the whole table; its decay must leave the intercept alone, as the closed form does."""
    data, direct, descended = table("iris"), LinearModel(4, 3), LinearModel(4, 3)
    fitted(direct, data, l2=l2)
    plan = replace(recipe(), optimiser=Optimiser("momentum", lr=0.1))
    rule = GradientRule(descended, plan, CPU, plan.objective.build(), 2000)
    weights = {"params": [descended.head.weight], "weight_decay": l2}
    rule.optimiser = torch.optim.SGD([weights, {"params": [descended.head.bias]}], lr=0.3, momentum=0.9)
    for step in range(500):
        rule.step(data.gather(torch.arange(len(data))), step)
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
    z = net.features(data.inputs).double().numpy()
    theirs = Ridge(1e-3 * len(data)).fit(z, np.eye(3)[data.targets])
    np.testing.assert_allclose(net.head.weight.detach(), theirs.coef_, rtol=1e-4, atol=1e-6)
    assert torch.equal(net.inner.weight, frozen)


def test_singular_design_is_said_and_solved_with_least_norm() -> None:
    data = table("wine")
    data = replace(data, inputs=torch.cat([data.inputs, data.inputs[:, :1], torch.ones(len(data), 1)], 1))
    net = LinearModel(15, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rule, _ = fitted(net, data, epochs=2)
    (notice,) = rule.notices
    assert "singular design: the 15 columns have rank 13; 1 constant (numbers 14, from 0)" in notice
    x = data.inputs.double().numpy()
    codes = np.eye(3)[data.targets]
    by_pinv = np.linalg.pinv(x - x.mean(0), rcond=1e-7) @ (codes - codes.mean(0))
    np.testing.assert_allclose(net.head.weight.detach(), by_pinv.T, rtol=1e-4, atol=1e-6)


def test_a_run_passes_on_that_the_design_is_singular(images: Dataset) -> None:
    plan = recipe(net=LinearSpec(), epochs=2, device="cpu", batch_size=50)
    plan = replace(plan, optimiser=Optimiser("closed-form"))
    events = list(prepare(plan, images).events())
    ((place, said),) = ((place, event.message) for place, event in enumerate(events) if isinstance(event, Notice))
    # 150 pictures of 784 pixels span 149 directions around their mean
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


def test_second_epoch_reports_the_objective_at_the_minimum() -> None:
    data, net = diabetes(), LinearModel(10, 1)
    _, means = fitted(net, data, epochs=2)
    x, y = data.inputs.double().numpy(), data.targets.double().numpy()
    residual = y - LinearRegression().fit(x, y).predict(x)
    assert means[0] == pytest.approx((y**2).mean() / 2, rel=1e-6)
    assert means[1] == pytest.approx((residual**2).mean() / 2, rel=1e-6)


def test_goes_on_from_its_state_in_mid_epoch(tmp_path: Path) -> None:
    from neurarium.training.checkpoint import pack, unpack

    data = table("wine")
    plan = recipe("cross-entropy", 0.01, epochs=6, batch_size=50)
    nets = [LinearModel(13, 3), LinearModel(13, 3)]
    one, other = (ClosedFormRule(net, plan, CPU, plan.objective.build(), 18) for net in nets)
    batches = [data.gather(part) for part in torch.arange(len(data)).split(50)]
    for step in range(7):
        one.step(batches[step % 3], step)
    tensors: dict[str, torch.Tensor] = {}
    packed = pack(one.state_dict(), tensors, "rule")
    nets[1].load_state_dict(nets[0].state_dict())
    other.load_state_dict(unpack(packed, {name: t.clone() for name, t in tensors.items()}))
    for step in range(7, 18):
        for rule in (one, other):
            rule.step(batches[step % 3], step)
    assert torch.equal(nets[0].head.weight, nets[1].head.weight)
    assert torch.equal(nets[0].head.bias, nets[1].head.bias)


def test_undefined_inputs_are_named() -> None:
    net, x = LinearModel(2, 2), torch.zeros(3, 2)
    x[1, 0] = float("nan")
    plan = recipe()
    rule = ClosedFormRule(net, plan, CPU, plan.objective.build(), 10)
    with pytest.raises(DataError, match="inputs of batch 1, row 1, column 0"):
        rule.step(Batch(x, torch.tensor([0, 1, 0])), 0)


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"clip_norm": 1.0}, "clip_norm"),
        ({"precision": "bfloat16"}, "precision"),
        ({"schedule": Schedule("cosine")}, "schedule.name"),
        ({"objective": Objective("hinge")}, "objective"),
        ({"objective": Objective("cross-entropy", balanced=True)}, "objective"),
        ({"optimiser": Optimiser("sgd", weight_decay=0.1)}, "optimiser.weight_decay"),
    ],
)
def test_refuses_settings_that_it_cannot_follow(changes: dict[str, object], subject: str) -> None:
    plan = replace(recipe(), **changes)
    criterion = Objective(plan.objective.name).build()
    with pytest.raises(ConfigError, match=f"^{subject}: "):
        ClosedFormRule(LinearModel(2, 2), plan, CPU, criterion, 10)


def test_refuses_a_net_that_is_not_linear_in_its_parameters() -> None:
    with pytest.raises(ConfigError, match="only trainable layer is affine"):
        ClosedFormRule(MLP((2, 3, 2)), recipe(), CPU, Objective("squared-error").build(), 10)


def test_pictures_with_white_borders_need_no_warning_under_a_penalty(images: Dataset) -> None:
    part = images.train.prepared()
    assert isinstance(part, Dense)
    flat = replace(part, inputs=part.inputs.flatten(1))
    flat.inputs[:, :5] = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(LinearModel(784, 5), flat, l2=0.1)
