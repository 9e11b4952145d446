import tomllib
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from scipy import special
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor

from neurarium.checks import ConfigError
from neurarium.learning.loss import Loss, LossName
from neurarium.learning.losses import Criterion, zero_one
from neurarium.record.config import overlay, to_plain, write_toml
from neurarium.record.schema import Field

TARGETS = torch.tensor([0, 1, 2])
CONFUSION = ((0.9, 0.2, 0.0), (0.1, 0.8, 0.5), (0.0, 0.0, 0.5))
NAMES = get_args(LossName)
OUTPUTS = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))
CLASSES, NUMBERS = Field((), ("cat", "dog", "owl")), Field((3,))


def value(loss: Loss, targets: Tensor = TARGETS) -> float:
    return float(loss.build(CLASSES).loss(OUTPUTS, targets, None))


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_falls_as_outputs_near_their_targets(name: LossName) -> None:
    right = torch.eye(3)
    criterion = Loss(name).build(CLASSES)
    assert criterion.loss(right, TARGETS, None) < criterion.loss(right.roll(1, 0), TARGETS, None)
    assert int(zero_one(right, TARGETS)) == 0


@pytest.mark.parametrize("name", [name for name in NAMES if name != "custom"])
def test_smoothing_is_the_loss_of_the_smoothed_distribution(name: LossName) -> None:
    """Every loss takes distributions: smoothing by a matrix and giving its columns are the same thing."""
    columns = torch.tensor(CONFUSION).T[TARGETS]
    extra = {"alpha": 0.5} if name == "distillation" else {}
    smoothed = value(Loss(name, label_transition=CONFUSION, **extra))
    assert smoothed == pytest.approx(value(Loss(name, **extra), columns), rel=1e-6)


def test_uniform_smoothing_by_scipy() -> None:
    q = 0.8 * np.eye(3) + 0.2 / 3
    expected = -(q * special.log_softmax(OUTPUTS.numpy(), axis=1)).sum(1).mean()
    assert value(Loss(smoothing=0.2)) == pytest.approx(expected, rel=1e-6)
    assert value(Loss(smoothing=0.0)) == value(Loss())


def test_class_weights_are_torchs() -> None:
    weights = (0.5, 1.0, 4.0)
    expected = torch.nn.CrossEntropyLoss(torch.tensor(weights))(OUTPUTS, TARGETS)
    assert value(Loss(class_weights=weights)) == pytest.approx(float(expected))


def test_balanced_weights_are_scikit_learns() -> None:
    labels = [0] * 6 + [1] * 3 + [2]
    weights = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    expected = value(Loss(class_weights=tuple(weights.tolist())))
    found = Loss(balanced=True).with_counts([6, 3, 1])
    assert not found.balanced
    assert value(found) == pytest.approx(expected, rel=1e-6)
    assert Loss("hinge").with_counts([]) == Loss("hinge")


@pytest.mark.parametrize("settings", [{}, {"class_weights": (0.2, 1.0, 5.0)}, {"smoothing": 0.2}])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "custom"])
def test_ragged_parts_add_up_to_the_whole(name: LossName, masked: bool, settings: dict[str, Any]) -> None:
    """Divided by the weight of all parts, their losses add up, and so do the gradients."""
    alpha = {"alpha": 0.5} if name == "distillation" else {}
    criterion = Loss(name, **settings, **alpha).build(CLASSES)
    generator = torch.Generator().manual_seed(1)
    outputs = torch.randn(11, 3, dtype=torch.float64, generator=generator).requires_grad_()
    targets = torch.randint(0, 3, (11,), generator=generator)
    mask = torch.rand(11, generator=generator) < 0.7 if masked else None
    whole = criterion.loss(outputs, targets, criterion.weight(targets, mask), mask)
    cuts = [slice(0, 4), slice(4, 8), slice(8, 11)]

    def given(part: slice) -> Tensor | None:
        return None if mask is None else mask[part]

    total = sum(criterion.weight(targets[part], given(part)) for part in cuts)
    assert float(total) == pytest.approx(float(criterion.weight(targets, mask)), rel=1e-6)
    parts = sum(criterion.loss(outputs[part], targets[part], total, given(part)) for part in cuts)
    torch.testing.assert_close(parts, whole, rtol=1e-6, atol=0)
    torch.testing.assert_close(criterion.loss(outputs, targets, None, mask), whole, rtol=1e-6, atol=0)
    one, other = (torch.autograd.grad(loss, outputs)[0] for loss in (whole, parts))
    torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)


def test_weights_count_the_entries_or_the_weights_of_their_classes() -> None:
    plain, weighted = Loss().build(CLASSES), Loss(class_weights=(0.5, 1.0, 4.0)).build(CLASSES)
    targets, mask = torch.tensor([[0, 2], [-1, 1]]), torch.tensor([[True, True], [False, True]])
    assert float(plain.weight(targets, mask)) == 3
    assert float(weighted.weight(targets, mask)) == 5.5
    assert float(plain.weight(TARGETS)) == 3
    assert float(weighted.weight(torch.eye(3))) == 5.5


@pytest.mark.parametrize("field", [CLASSES, NUMBERS])
def test_auto_is_what_the_target_asks_for(field: Field) -> None:
    named = Loss().resolved(field)
    assert named == ("cross-entropy" if field.categories else "squared-error")
    assert Loss("absolute-error").resolved(field) == "absolute-error"
    targets = TARGETS if field.categories else torch.eye(3)
    one, other = (Loss(name).build(field).loss(OUTPUTS, targets, None) for name in ("auto", named))
    assert torch.equal(one, other)


def test_without_its_teacher_a_distillation_is_measured_by_the_labels() -> None:
    loss = Loss("distillation", temperature=3.0, alpha=0.5, smoothing=0.1)
    assert loss.without_teacher() == Loss("cross-entropy", smoothing=0.1)
    assert Loss("hinge").without_teacher() == Loss("hinge")


def test_survives_toml_and_a_flat_matrix_is_read_row_by_row() -> None:
    loss = Loss(label_transition=CONFUSION, class_weights=(1.0, 2.0, 3.0))
    assert overlay(Loss(), tomllib.loads(write_toml(to_plain(loss)))) == loss
    assert Loss(label_transition=(tuple(np.ravel(CONFUSION).tolist()),)) == Loss(label_transition=CONFUSION)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"smoothing": 1.0}, r"loss\.smoothing"),
        ({"name": "distillation", "temperature": 0.0}, r"loss\.temperature: expected a number > 0"),
        ({"name": "distillation", "alpha": 0.0}, r"loss\.alpha"),
        ({"name": "distillation", "alpha": 1.1}, r"loss\.alpha"),
        ({"label_transition": ((0.9, 0.2), (0.2, 0.8))}, r"loss\.label_transition, column 0.*sum of 1\.1"),
        ({"class_weights": (1.0, -1.0)}, r"loss\.class_weights"),
        ({"class_weights": (0.0, 0.0)}, "not all 0"),
        ({"class_weights": (1.0, 2.0), "balanced": True}, r"either this or loss\.balanced"),
        ({"label_transition": CONFUSION, "smoothing": 0.1}, r"either this or loss\.smoothing"),
        ({"temperature": 2.0}, r"loss\.temperature: .*only the loss distillation.*auto"),
        ({"name": "hinge", "alpha": 0.5}, r"loss\.alpha: .*with the loss hinge"),
        ({"name": "distillation", "balanced": True}, r"loss\.balanced: .*an alpha below 1"),
        ({"name": "distillation", "smoothing": 0.1}, r"loss\.smoothing: .*an alpha below 1"),
        ({"name": "custom", "smoothing": 0.1}, r"loss\.smoothing: .*only a loss of this library .*custom"),
        ({"name": "custom", "class_weights": (1.0, 2.0)}, r"loss\.class_weights: .*only a loss of this library"),
        ({"name": "custom", "temperature": 2.0}, r"loss\.temperature: .*the loss distillation uses"),
    ],
)
def test_refuses(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Loss(**settings)


def test_what_does_not_fit_the_classes() -> None:
    ten = replace(CLASSES, categories=tuple("abcdefghij"))
    with pytest.raises(ConfigError, match="10 numbers, one a class, got 2"):
        Loss(class_weights=(1.0, 2.0)).build(ten)
    with pytest.raises(ConfigError, match="10 rows of 10"):
        Loss(label_transition=CONFUSION).build(ten)
    with pytest.raises(ConfigError, match="none of class 1"):
        Loss(balanced=True).with_counts([5, 0, 2])
    with pytest.raises(ConfigError, match="training examples of every class, got no classes"):
        Loss(balanced=True).with_counts([])
    with pytest.raises(ConfigError, match=r"loss\.balanced: expected to be told how often each class occurs"):
        Loss(balanced=True).build(CLASSES)


def test_numbers_take_squared_and_absolute_error() -> None:
    targets = torch.tensor([[0.0, 1.0, 2.0], [0.5, 0.5, 0.5], [-1.0, 0.0, 3.0]])
    gap = (OUTPUTS - targets).numpy()
    expected = {"squared-error": (gap**2).sum(1).mean() / 2, "absolute-error": np.abs(gap).sum(1).mean()}
    for name, loss in expected.items():
        criterion = Loss(name).build(NUMBERS)
        assert isinstance(criterion, Criterion)
        assert float(criterion.loss(OUTPUTS, targets, None)) == pytest.approx(loss, rel=1e-6)
        assert float(criterion.weight(targets)) == 3


OF_NUMBERS = ("auto", "squared-error", "absolute-error", "custom")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OF_NUMBERS])
def test_numbers_take_no_other_loss(name: LossName) -> None:
    with pytest.raises(ConfigError, match=f"as the targets are numbers, got {name}; --loss.name squared-error"):
        Loss(name).build(NUMBERS)


@pytest.mark.parametrize(
    "settings",
    [{"smoothing": 0.1}, {"label_transition": CONFUSION}, {"class_weights": (1.0, 2.0, 3.0)}, {"balanced": True}],
)
def test_numbers_have_no_classes(settings: dict[str, Any]) -> None:
    loss = Loss("squared-error", **settings)
    with pytest.raises(ConfigError, match=rf"loss\.{next(iter(settings))}: expected none, as the targets are num"):
        loss.build(NUMBERS)
