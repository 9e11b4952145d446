import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.checks import ConfigError, NonFiniteError, ShapeError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.hessian_free.settings import HessianFree
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.penalty import WithPenalty
from neurarium.record.events import EpochEnded, Stepped
from neurarium.record.schema import Schema
from neurarium.tasks.custom import CustomLoss
from neurarium.tasks.table import task_of
from neurarium.tasks.task import Context
from neurarium.training.interrupt import StopRequest
from neurarium.training.recipe import Checkpoints, Recipe
from neurarium.training.rules.hessian_free import HessianFreeRule
from neurarium.training.session import build_session, resume, start

from .setups import batch_of, classes, make, numbers, step, sums

THREE = classes((4,), 3)


def rule_of(net: nn.Module, recipe: Recipe, schema: Schema = THREE, total: int = 1, **given: Any) -> HessianFreeRule:
    rule = make(recipe, schema, net, total, **given)
    assert isinstance(rule, HessianFreeRule)
    return rule


def recipe(**constants: object) -> Recipe:
    return Recipe(optimizer=Optimizer("hessian-free", hessian_free=HessianFree(**constants)))


def make_net(dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 3))


def make_batch(n: int = 40) -> Batch:
    generator = torch.Generator().manual_seed(1)
    inputs, teacher = torch.randn(n, 4, generator=generator), torch.randn(4, 3, generator=generator)
    return batch_of(inputs, (inputs @ teacher).argmax(1))


def copy_of(net: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in net.parameters()]


@pytest.mark.parametrize(("l2", "preconditioner"), [(0.0, 0.75), (0.3, 0.75), (0.3, 0.0)])
def test_one_step_reaches_the_minimum_of_a_quadratic(l2: float, preconditioner: float) -> None:
    torch.manual_seed(2)
    x, t = torch.randn(30, 5, dtype=torch.float64), torch.randn(30, 2, dtype=torch.float64)
    net = nn.Linear(5, 2).double()
    exact = HessianFree(damping=1e-12, tolerance=0.0, curvature=1.0, preconditioner=preconditioner)
    rule = rule_of(net, Recipe(optimizer=Optimizer("hessian-free", l2=l2, hessian_free=exact)), numbers((5,), 2))
    update = step(rule, batch_of(x, t))
    ones = np.column_stack([x.numpy(), np.ones(30)])  # the bias decays as well
    solution = np.linalg.solve(ones.T @ ones / 30 + l2 * np.eye(6), ones.T @ t.numpy() / 30)
    np.testing.assert_allclose(net.weight.detach().numpy(), solution[:5].T, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(net.bias.detach().numpy(), solution[5], rtol=1e-7, atol=1e-9)
    assert update.learning_rate == 1.0
    assert rule.damping == pytest.approx(1e-12 * 2 / 3)  # the model predicted it exactly


def test_one_damped_step_is_levenberg_marquardts() -> None:
    torch.manual_seed(3)
    x, t = torch.randn(20, 4, dtype=torch.float64), torch.randn(20, 1, dtype=torch.float64)
    net = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    names = [name for name, _ in net.named_parameters()]
    before = copy_of(net)

    def residuals(*weights: Tensor) -> Tensor:
        return (torch.func.functional_call(net, dict(zip(names, weights, strict=True)), (x,)) - t).flatten()

    jacobian = torch.cat([j.flatten(1) for j in torch.autograd.functional.jacobian(residuals, tuple(before))], 1)
    r, damping = residuals(*before), 0.7
    expected = -torch.linalg.solve(jacobian.T @ jacobian / 20 + damping * torch.eye(19), jacobian.T @ r / 20)
    rule = rule_of(net, recipe(damping=damping, tolerance=0.0, curvature=1.0), numbers((4,), 1))
    update = step(rule, batch_of(x, t))
    moved = torch.cat([(p.detach() - b).flatten() for p, b in zip(net.parameters(), before, strict=True)])
    torch.testing.assert_close(moved, expected, rtol=1e-6, atol=1e-9)
    assert update.loss == pytest.approx(float(r @ r) / 40)
    assert update.gradient_norm == pytest.approx(float((jacobian.T @ r / 20).norm()))
    new, slope = residuals(*copy_of(net)), float(expected @ (jacobian.T @ r)) / 20
    model = slope + float((jacobian @ expected).square().sum()) / 40
    ratio = (float(new @ new) - float(r @ r)) / 40 / model
    assert rule.damping == pytest.approx(damping * (1.5 if ratio < 0.25 else 2 / 3 if ratio > 0.75 else 1))


def test_reports_loss_errors_and_gradient_norm_of_the_weights_before() -> None:
    net, batch = make_net(), make_batch()
    loss = F.cross_entropy(net(batch.x), batch.labels)
    gradients = torch.autograd.grad(loss, list(net.parameters()))
    wrong = int((net(batch.x).argmax(1) != batch.labels).sum())
    update = step(rule_of(net, recipe()), batch)
    assert update.loss == pytest.approx(loss.item(), rel=1e-6)
    assert update.gradient_norm == pytest.approx(math.sqrt(sum(float(g.square().sum()) for g in gradients)), rel=1e-5)
    assert (update.errors, update.count) == (wrong, 40)
    assert 0 < update.learning_rate <= 1


@pytest.mark.parametrize("backtracking", [True, False])
@pytest.mark.parametrize("damping", [1e-6, 1.0])
def test_loss_never_rises_over_a_step_and_falls_far(damping: float, backtracking: bool) -> None:
    net, batch = make_net(), make_batch()
    rule = rule_of(net, recipe(damping=damping, backtracking=backtracking, curvature=1.0), total=100)
    losses, rates = [], []
    for number in range(16):
        update = step(rule, batch, number)
        losses.append(update.loss)
        rates.append(update.learning_rate)
    changes = np.diff(losses)
    assert all(change < 0 if rate > 0 else change == 0 for change, rate in zip(changes, rates[:-1], strict=True))
    assert losses[-1] < 0.3 * losses[0]


def test_a_step_that_gains_nothing_leaves_the_weights_and_raises_the_damping() -> None:
    class Cliff(nn.Module):
        """Slope of a valley, value of a wall: no step down exists."""

        def forward(self, x: Tensor) -> Tensor:
            return x - x.detach() + 10 * (x - START).detach().abs()

    net = nn.Sequential(nn.Linear(1, 1, bias=False), Cliff())
    START = net[0].weight.detach().clone()
    plan, schema = recipe(damping=3.0, curvature=1.0), numbers((1,), 1)
    own = CustomLoss(lambda outputs, targets: outputs.sum(), task_of(plan, schema))
    rule = rule_of(net, plan, schema, task=own)
    update = step(rule, batch_of(torch.ones(1, 1), torch.zeros(1, 1)))
    assert update.learning_rate == 0.0
    assert rule.damping == 4.5
    assert torch.equal(net[0].weight, START)


def test_weights_shrink_apart_from_the_step_at_the_rate_of_the_schedule() -> None:
    plain, shrunk, batch = make_net(), make_net(), make_batch()
    before = copy_of(plain)
    step(rule_of(plain, recipe(), total=4), batch, 2)
    decayed = Recipe(optimizer=Optimizer("hessian-free", lr=0.1, weight_decay=0.5), schedule=Schedule("linear"))
    step(rule_of(shrunk, decayed, total=4), batch, 2)  # half the way of a linear schedule
    for a, b, old in zip(plain.parameters(), shrunk.parameters(), before, strict=True):
        torch.testing.assert_close(b.detach(), a.detach() - 0.1 * 0.5 * 0.5 * old)


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_nothing_is_updated_when_a_number_is_not_finite(bad: float) -> None:
    net, batch = make_net(), make_batch()
    before = copy_of(net)
    rule = rule_of(net, recipe())
    with pytest.raises(NonFiniteError, match="step 8, inputs of the batch"):
        step(rule, replace(batch, inputs=(batch.x.index_fill(0, torch.tensor([39]), bad),)), 7)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_nothing_is_updated_when_only_the_curvature_is_not_finite() -> None:
    net, batch = make_net(), make_batch()
    before = copy_of(net)
    # the slope of x^1.5 at 0 is 0, its second derivative infinite
    steep = CustomLoss(
        lambda outputs, targets: (outputs - outputs.detach()).abs().pow(1.5).sum(), task_of(recipe(), THREE)
    )
    with pytest.raises(NonFiniteError, match=r"step 1, conjugate gradients.*curvature"):
        step(rule_of(net, recipe(), task=steep), batch)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_dropout_is_drawn_once_in_a_step_and_anew_in_the_next() -> None:
    class Watched(nn.Dropout):
        def forward(self, x: Tensor) -> Tensor:
            y = super().forward(torch.ones_like(x))
            if torch._C._functorch.maybe_current_level() is None:
                masks.append((y > 0).clone())
            return x * y

    masks: list[Tensor] = []
    net, batch = make_net(), make_batch()
    net[2] = Watched(0.5)
    rule = rule_of(net, recipe(curvature=1.0), total=2)
    steps = []
    for number in range(2):
        masks.clear()
        step(rule, batch, number)
        whole = [mask for mask in masks if len(mask) == 40]
        assert len(whole) > 2  # gradient, preconditioner, backtracking
        steps.append((whole[0], whole[-1]))
    for first, last in steps:
        assert torch.equal(first, last)
    assert not torch.equal(steps[0][0], steps[1][0])


def test_dropout_net_learns() -> None:
    net, batch = make_net(dropout=0.2), make_batch()
    rule = rule_of(net, recipe(), total=20)
    first = sums(rule, batch)[0]
    for number in range(20):
        step(rule, batch, number)
    net.eval()
    assert sums(rule, batch)[0] < 0.7 * first


def test_frozen_and_shared_weights() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 3))
    net[2].weight = net[0].weight
    net[4].weight.requires_grad_(False)
    frozen, batch = net[4].weight.clone(), make_batch()
    rule = rule_of(net, recipe(curvature=1.0), total=10)
    losses = [step(rule, batch, number).loss for number in range(12)]
    assert torch.equal(net[4].weight, frozen)
    assert net[2].weight is net[0].weight
    assert losses[-1] < 0.8 * losses[0]


def test_augmentation_is_applied() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    rule = rule_of(net, replace(recipe(), augmentation=Augmentation(shift=2)), classes((1, 4, 4), 3), 2)
    batch = batch_of(torch.eye(4).repeat(12, 1, 1, 1), torch.arange(12) % 3)
    untouched = F.cross_entropy(net(batch.x), batch.labels).item()
    assert step(rule, batch).loss != pytest.approx(untouched, rel=1e-6)


@pytest.mark.parametrize("stop_after", [1, 3, 4])
def test_resume_is_bit_exact(vectors: Dataset, tmp_path: Path, stop_after: int) -> None:
    plan = Recipe(
        name="t",
        net=MLPSpec(hidden=(8,), dropout=0.3),
        optimizer=Optimizer("hessian-free", lr=0.1, l2=1e-3, weight_decay=0.01),
        epochs=2,
        batch_size=30,
        checkpoints=Checkpoints(seconds=1e9),
    )
    whole = start(plan, tmp_path / "whole", vectors)
    events = list(whole.events())
    assert sum(isinstance(event, Stepped) for event in events) == 6
    request = StopRequest()
    for event in start(plan, tmp_path / "cut", vectors).events(request):
        if isinstance(event, Stepped) and event.step == stop_after:
            request()
    torch.manual_seed(12345)
    second = resume(tmp_path / "cut", plan, vectors)
    list(second.events())
    for name, tensor in whole.net.state_dict().items():
        assert torch.equal(tensor, second.net.state_dict()[name])
    assert second.rule.state_dict()["damping"] == whole.rule.state_dict()["damping"]


def test_learns_in_the_trainer(vectors: Dataset) -> None:
    plan = Recipe(net=MLPSpec(hidden=(8,)), optimizer=Optimizer("hessian-free"), epochs=8, batch_size=90)
    session = build_session(plan, vectors)
    assert isinstance(session.rule, HessianFreeRule)
    epochs = [event for event in session.events() if isinstance(event, EpochEnded)]
    assert epochs[-1].train["error"] < 0.1 < epochs[0].train["error"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"precision": "bfloat16"}, "precision"),
        ({"micro_batches": 2}, "micro_batches"),
        ({"clip_norm": 1.0}, "clip_norm"),
        ({"compile": True}, "compile"),
        ({"gradients": "explicit"}, "gradients"),
        ({"schedule": Schedule("plateau")}, r"schedule\.name"),
    ],
)
def test_refuses_settings_that_it_cannot_follow(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigError, match=f"^{field}: expected .*, for the rule hessian-free"):
        rule_of(make_net(), replace(recipe(), **changes))


def test_refuses_batch_normalization() -> None:
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    with pytest.raises(ConfigError, match="layer 1 \\(BatchNorm1d\\)"):
        rule_of(net, recipe())


def test_refuses_outputs_with_a_penalty_beside() -> None:
    class Penalized(nn.Linear):
        def forward(self, x: Tensor) -> Any:
            return WithPenalty(super().forward(x), x.sum(1))

    with pytest.raises(ShapeError, match="one tensor, for hessian-free, got WithPenalty"):
        step(rule_of(Penalized(4, 3), recipe()), make_batch())


def test_refuses_examples_that_are_joined_in_a_batch() -> None:
    """A part of the examples is a part of the rows, or nothing that could be cut off."""
    nodes, graph = torch.randn(9, 4), torch.tensor([0, 0, 0, 1, 1, 1, 1, 2, 2])

    class Pooled(nn.Linear):
        def forward(self, x: Tensor, graph: Tensor) -> Tensor:
            return super().forward(torch.zeros(3, 4).index_add(0, graph, x))

    batch = Batch((nodes, graph), (torch.tensor([0, 1, 2]),), 3)
    with pytest.raises(ConfigError, match=r"optimizer\.name: expected another optimizer for examples that are joined"):
        rule_of(Pooled(4, 3), recipe()).step((batch,), Context())


def test_examples_of_several_tensors_are_rows_of_each() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return self.layer(a + b)

    torch.manual_seed(0)
    net, whole = Sum(), make_batch()
    peer = nn.Linear(4, 3)
    peer.load_state_dict(net.layer.state_dict())
    half = whole.x / 2
    one = rule_of(net, recipe()).step((Batch((half, half), whole.targets, 40),), Context())
    assert one.loss == pytest.approx(step(rule_of(peer, recipe()), whole).loss, rel=1e-6)
    for a, b in zip(net.parameters(), peer.parameters(), strict=True):
        torch.testing.assert_close(a, b)
