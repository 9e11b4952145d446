import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from neurarium.checks import ConfigError, ShapeError
from neurarium.learning.loss import Loss
from neurarium.nets.generative.specs import GANSpec
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import image_schema
from neurarium.tasks.custom import CustomLoss
from neurarium.tasks.table import task_of
from neurarium.tasks.task import Context
from neurarium.training.recipe import Recipe

from .small import CLASSES, Case, cases, cut


def with_loss(function: Any, name: str = "classification") -> CustomLoss:
    return CustomLoss(function, cases()[name].task)


def focal(logits: Tensor, labels: Tensor) -> Tensor:
    """Lin et al. 2017: (1 - p)^2 times the cross-entropy."""
    log_p = logits.log_softmax(1).gather(1, labels[:, None])[:, 0]
    return ((1 - log_p.exp()) ** 2 * -log_p).mean()


@pytest.mark.parametrize("sizes", [[9], [5, 3, 1], [1] * 9])
@pytest.mark.parametrize("function", [focal, F.multi_margin_loss, lambda a, t: F.cross_entropy(a, t) ** 1])
def test_a_mean_loss_has_pytorchs_own_gradient_in_parts_too(function: Any, sizes: list[int]) -> None:
    case, task = cases()["classification"], with_loss(function)
    peer = copy.deepcopy(case.net)
    batch = case.batch()
    expected = function(peer(batch.x), batch.labels)
    expected.backward()
    net, total = copy.deepcopy(case.net), 0.0
    parts = list(cut(case, sizes))
    counts = sum((task.counts(part) for part in parts[1:]), task.counts(parts[0]))
    assert counts.tolist() == [9.0, 9.0]
    for part in parts:
        loss = task.loss(task.forward(net, part, Context(training=True)), part, counts)
        loss.backward()
        total += loss.item()
    assert total == pytest.approx(expected.item(), rel=1e-9)
    for ours, theirs in zip(net.parameters(), peer.parameters(), strict=True):
        assert ours.grad is not None
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("function", "got"),
    [
        (lambda a, t: F.cross_entropy(a, t, reduction="none"), r"shape \(9,\)"),
        (lambda a, t: F.cross_entropy(a, t)[None], r"shape \(1,\)"),
        (lambda a, t: float(F.cross_entropy(a, t).detach()), "float"),
        (lambda a, t: None, "NoneType"),
    ],
)
def test_a_loss_that_is_no_scalar_is_refused(function: Any, got: str) -> None:
    case, task = cases()["classification"], with_loss(function)
    batch = case.batch()
    message = (
        rf"loss: expected a scalar tensor, the mean over the examples, got {got}; let the function return loss\.mean"
    )
    with pytest.raises(ShapeError, match=message):
        task.loss(case.net(batch.x), batch, task.counts(batch))


def test_the_function_gets_all_outputs_and_all_targets() -> None:
    case = cases()["energy-forces"]
    seen: list[tuple[Tensor, ...]] = []

    def function(*tensors: Tensor) -> Tensor:
        seen.append(tensors)
        return tensors[0].mean()

    task, batch = with_loss(function, "energy-forces"), case.batch()
    task.loss(task.forward(case.net, batch, Context(training=True)), batch, task.counts(batch))
    ((energy, forces, *targets),) = seen
    assert (energy.shape, forces.shape) == ((9,), batch.targets[1].shape)
    assert all(a is b for a, b in zip(targets, batch.targets, strict=True))


@pytest.mark.parametrize("name", ["classification, weights", "translation", "energy-forces", "regression"])
def test_all_else_is_the_inner_tasks(name: str) -> None:
    case: Case = cases()[name]
    task = with_loss(lambda *tensors: tensors[0].mean(), name)
    batch = case.batch()
    assert (task.name, task.uses_gradient) == (case.task.name, case.task.uses_gradient)
    assert task.counts(batch).tolist() == [9.0, float(case.task.counts(batch)[-1])]
    outputs = task.forward(case.net, batch, Context())
    assert torch.equal(task.errors(outputs, batch), case.task.errors(outputs, batch))
    task.check(outputs, batch)
    assert task.drawn(batch, Context()) is batch
    one, other = (asked.score(case.single, case.data, "test") for asked in (task, case.task))
    assert one.to_plain() == other.to_plain()
    options = {"longest": 3} if name == "translation" else {}
    one_said, other_said = (asked.predict(case.model, batch, **options) for asked in (task, case.task))
    assert (one_said.values == other_said.values).all()
    assert one_said.labels == other_said.labels


def test_of_a_recipe() -> None:
    recipe = Recipe(loss=Loss("custom"))
    task = task_of(recipe, CLASSES, own_loss=focal)
    assert isinstance(task, CustomLoss)
    assert (task.function, task.inner.name) == (focal, "classification")
    # to measure and to predict no function is needed
    assert task_of(recipe, CLASSES).name == "classification"
    plan = Recipe(net=GANSpec(), loss=Loss("custom"))
    with pytest.raises(ConfigError, match="loss: expected none, as generation has no loss of outputs and targets"):
        task_of(plan, image_schema(), own_loss=focal)
    with pytest.raises(NotImplementedError):
        CustomLoss.build(NetSpec(), Loss(), CLASSES, {})
