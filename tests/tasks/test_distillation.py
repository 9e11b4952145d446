import dataclasses

import numpy as np
import pytest
import torch
from scipy import special
from sklearn.metrics import log_loss
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.learning.loss import Loss
from neurarium.nets.spec import NetSpec
from neurarium.tasks.distillation import Distillation

from .small import CLASSES, WEIGHTS, Case, cases


def by_numpy(case: Case, temperature: float, fraction: float, weights: tuple[float, ...] | None) -> float:
    """The mixture over all entries that have a label, one example after the other."""
    student, teacher, labels = [], [], []
    for k in range(9):
        batch = case.batch(k)
        mask = batch.labels >= 0
        for outputs, net in ((student, case.net), (teacher, case.task.teacher)):  # type: ignore[attr-defined]
            outputs.append(net(*batch.inputs)[mask].detach().numpy())
        labels.append(batch.labels[mask].numpy())
    g, f, t = map(np.concatenate, (student, teacher, labels))
    soft = (
        -(temperature**2)
        * (special.softmax(f / temperature, axis=1) * special.log_softmax(g / temperature, axis=1)).sum(1).mean()
    )
    sample_weight = None if weights is None else np.array(weights)[t]
    hard = log_loss(t, special.softmax(g, axis=1), sample_weight=sample_weight, labels=range(3))
    return fraction * soft + (1 - fraction) * hard


@pytest.mark.parametrize(
    ("name", "fraction", "weights"),
    [
        ("distillation", 1.0, None),
        ("distillation, weights", 0.7, WEIGHTS["class_weights"]),
        ("distillation, elements, weights", 0.7, WEIGHTS["class_weights"]),
    ],
)
def test_loss_by_numpy(name: str, fraction: float, weights: tuple[float, ...] | None) -> None:
    case = cases()[name]
    batch = case.batch()
    outputs = case.net(*batch.inputs)
    counts = case.task.counts(batch)
    assert case.task.loss(outputs, batch, counts).item() == pytest.approx(
        by_numpy(case, 2.5, fraction, weights), rel=1e-6
    )
    entries = int((batch.labels >= 0).sum())
    assert counts[0] == counts[-1] == entries
    if weights is not None:
        known = batch.labels[batch.labels >= 0]
        assert counts[1].item() == pytest.approx(np.array(weights)[known].sum(), rel=1e-6)
    assert len(counts) == (2 if weights is None else 3)


def test_the_teacher_sees_the_inputs_and_gets_no_gradient() -> None:
    case = cases()["distillation"]
    seen: list[Tensor] = []

    class Watching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(5, 3).double()

        def forward(self, x: Tensor) -> Tensor:
            seen.append(x)
            return self.net(x)

    teacher = Watching()
    assert isinstance(case.task, Distillation)
    task, batch = dataclasses.replace(case.task, teacher=teacher), case.batch()
    task.loss(case.net(batch.x), batch, task.counts(batch)).backward()
    assert torch.equal(seen[0], batch.x)
    assert teacher.net.weight.grad is None


def test_scores_are_those_of_the_labels() -> None:
    case = cases()["distillation, weights"]
    found = case.task.score(case.single, case.data, "test")
    logits, labels = case.net(case.batch().x).detach().numpy(), case.batch().labels.numpy()
    sample_weight = np.array(WEIGHTS["class_weights"])[labels]
    expected = log_loss(labels, special.softmax(logits, axis=1), sample_weight=sample_weight)
    assert found.loss == pytest.approx(expected, rel=1e-5)
    assert found.accuracy == pytest.approx((logits.argmax(1) == labels).mean())
    assert found.task == "classification"


def test_without_a_teacher() -> None:
    with pytest.raises(ConfigError, match=r"pretrained: expected a run whose net is the teacher.*--pretrained lenet5"):
        Distillation.build(NetSpec(), Loss("distillation"), CLASSES, {})
