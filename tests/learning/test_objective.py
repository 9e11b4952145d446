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
from neurarium.learning.losses import Criterion, zero_one
from neurarium.learning.objective import Objective, ObjectiveName
from neurarium.record.config import overlay, to_plain, write_toml
from neurarium.record.schema import Field

TARGETS = torch.tensor([0, 1, 2])
CONFUSION = ((0.9, 0.2, 0.0), (0.1, 0.8, 0.5), (0.0, 0.0, 0.5))
NAMES = get_args(ObjectiveName)
OUTPUTS = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))
CLASSES, NUMBERS = Field((), ("cat", "dog", "owl")), Field((3,))


def value(objective: Objective, targets: Tensor = TARGETS) -> float:
    return float(objective.build(CLASSES).loss(OUTPUTS, targets, None))


@pytest.mark.parametrize("name", NAMES)
def test_every_objective_falls_as_outputs_near_their_targets(name: ObjectiveName) -> None:
    right = torch.eye(3)
    criterion = Objective(name).build(CLASSES)
    assert criterion.loss(right, TARGETS, None) < criterion.loss(right.roll(1, 0), TARGETS, None)
    assert int(zero_one(right, TARGETS)) == 0


@pytest.mark.parametrize("name", [name for name in NAMES if name != "custom"])
def test_smoothing_is_the_loss_of_the_smoothed_distribution(name: ObjectiveName) -> None:
    """Every loss takes distributions: smoothing by a matrix and giving its columns are the same thing."""
    columns = torch.tensor(CONFUSION).T[TARGETS]
    extra = {"share": 0.5} if name == "distillation" else {}
    smoothed = value(Objective(name, confusion=CONFUSION, **extra))
    assert smoothed == pytest.approx(value(Objective(name, **extra), columns), rel=1e-6)


def test_uniform_smoothing_by_scipy() -> None:
    q = 0.8 * np.eye(3) + 0.2 / 3
    expected = -(q * special.log_softmax(OUTPUTS.numpy(), axis=1)).sum(1).mean()
    assert value(Objective(smoothing=0.2)) == pytest.approx(expected, rel=1e-6)
    assert value(Objective(smoothing=0.0)) == value(Objective())


def test_class_weights_are_torchs() -> None:
    weights = (0.5, 1.0, 4.0)
    expected = torch.nn.CrossEntropyLoss(torch.tensor(weights))(OUTPUTS, TARGETS)
    assert value(Objective(class_weights=weights)) == pytest.approx(float(expected))


def test_balanced_weights_are_scikit_learns() -> None:
    labels = [0] * 6 + [1] * 3 + [2]
    weights = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    expected = value(Objective(class_weights=tuple(weights.tolist())))
    found = Objective(balanced=True).with_counts([6, 3, 1])
    assert not found.balanced
    assert value(found) == pytest.approx(expected, rel=1e-6)
    assert Objective("hinge").with_counts([]) == Objective("hinge")


@pytest.mark.parametrize("settings", [{}, {"class_weights": (0.2, 1.0, 5.0)}, {"smoothing": 0.2}])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "custom"])
def test_ragged_parts_add_up_to_the_whole(name: ObjectiveName, masked: bool, settings: dict[str, Any]) -> None:
    """Divided by the weight of all parts, their losses add up, and so do the gradients."""
    share = {"share": 0.5} if name == "distillation" else {}
    criterion = Objective(name, **settings, **share).build(CLASSES)
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
    plain, weighted = Objective().build(CLASSES), Objective(class_weights=(0.5, 1.0, 4.0)).build(CLASSES)
    targets, mask = torch.tensor([[0, 2], [-1, 1]]), torch.tensor([[True, True], [False, True]])
    assert float(plain.weight(targets, mask)) == 3
    assert float(weighted.weight(targets, mask)) == 5.5
    assert float(plain.weight(TARGETS)) == 3
    assert float(weighted.weight(torch.eye(3))) == 5.5


@pytest.mark.parametrize("field", [CLASSES, NUMBERS])
def test_auto_is_what_the_target_asks_for(field: Field) -> None:
    named = Objective().resolved(field)
    assert named == ("cross-entropy" if field.categories else "squared-error")
    assert Objective("absolute-error").resolved(field) == "absolute-error"
    targets = TARGETS if field.categories else torch.eye(3)
    one, other = (Objective(name).build(field).loss(OUTPUTS, targets, None) for name in ("auto", named))
    assert torch.equal(one, other)


def test_without_its_teacher_a_distillation_is_measured_by_the_labels() -> None:
    objective = Objective("distillation", temperature=3.0, share=0.5, smoothing=0.1)
    assert objective.without_teacher() == Objective("cross-entropy", smoothing=0.1)
    assert Objective("hinge").without_teacher() == Objective("hinge")


def test_survives_toml_and_a_flat_matrix_is_read_row_by_row() -> None:
    objective = Objective(confusion=CONFUSION, class_weights=(1.0, 2.0, 3.0))
    assert overlay(Objective(), tomllib.loads(write_toml(to_plain(objective)))) == objective
    assert Objective(confusion=(tuple(np.ravel(CONFUSION).tolist()),)) == Objective(confusion=CONFUSION)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"smoothing": 1.0}, r"objective\.smoothing"),
        ({"name": "distillation", "temperature": 0.0}, r"objective\.temperature: expected a number > 0"),
        ({"name": "distillation", "share": 0.0}, r"objective\.share"),
        ({"name": "distillation", "share": 1.1}, r"objective\.share"),
        ({"confusion": ((0.9, 0.2), (0.2, 0.8))}, r"objective\.confusion, column 0.*sum of 1\.1"),
        ({"class_weights": (1.0, -1.0)}, r"objective\.class_weights"),
        ({"class_weights": (0.0, 0.0)}, "not all 0"),
        ({"class_weights": (1.0, 2.0), "balanced": True}, r"either this or objective\.balanced"),
        ({"confusion": CONFUSION, "smoothing": 0.1}, r"either this or objective\.smoothing"),
        ({"temperature": 2.0}, r"objective\.temperature: .*only the objective distillation.*auto"),
        ({"name": "hinge", "share": 0.5}, r"objective\.share: .*with the objective hinge"),
        ({"name": "distillation", "balanced": True}, r"objective\.balanced: .*a share below 1"),
        ({"name": "distillation", "smoothing": 0.1}, r"objective\.smoothing: .*a share below 1"),
        ({"name": "custom", "smoothing": 0.1}, r"objective\.smoothing: .*only a loss of this library .*custom"),
        ({"name": "custom", "class_weights": (1.0, 2.0)}, r"objective\.class_weights: .*only a loss of this library"),
        ({"name": "custom", "temperature": 2.0}, r"objective\.temperature: .*the objective distillation uses"),
    ],
)
def test_refuses(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Objective(**settings)


def test_what_does_not_fit_the_classes() -> None:
    ten = replace(CLASSES, categories=tuple("abcdefghij"))
    with pytest.raises(ConfigError, match="10 numbers, one a class, got 2"):
        Objective(class_weights=(1.0, 2.0)).build(ten)
    with pytest.raises(ConfigError, match="10 rows of 10"):
        Objective(confusion=CONFUSION).build(ten)
    with pytest.raises(ConfigError, match="none of class 1"):
        Objective(balanced=True).with_counts([5, 0, 2])
    with pytest.raises(ConfigError, match="training examples of every class, got no classes"):
        Objective(balanced=True).with_counts([])
    with pytest.raises(ConfigError, match=r"objective\.balanced: expected to be told how often each class occurs"):
        Objective(balanced=True).build(CLASSES)


def test_numbers_take_squared_and_absolute_error() -> None:
    targets = torch.tensor([[0.0, 1.0, 2.0], [0.5, 0.5, 0.5], [-1.0, 0.0, 3.0]])
    gap = (OUTPUTS - targets).numpy()
    expected = {"squared-error": (gap**2).sum(1).mean() / 2, "absolute-error": np.abs(gap).sum(1).mean()}
    for name, loss in expected.items():
        criterion = Objective(name).build(NUMBERS)
        assert isinstance(criterion, Criterion)
        assert float(criterion.loss(OUTPUTS, targets, None)) == pytest.approx(loss, rel=1e-6)
        assert float(criterion.weight(targets)) == 3


OF_NUMBERS = ("auto", "squared-error", "absolute-error", "custom")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OF_NUMBERS])
def test_numbers_take_no_other_loss(name: ObjectiveName) -> None:
    with pytest.raises(ConfigError, match=f"as the targets are numbers, got {name}; --objective.name squared-error"):
        Objective(name).build(NUMBERS)


@pytest.mark.parametrize(
    "settings", [{"smoothing": 0.1}, {"confusion": CONFUSION}, {"class_weights": (1.0, 2.0, 3.0)}, {"balanced": True}]
)
def test_numbers_have_no_classes(settings: dict[str, Any]) -> None:
    objective = Objective("squared-error", **settings)
    with pytest.raises(ConfigError, match=rf"objective\.{next(iter(settings))}: expected none, as the targets are num"):
        objective.build(NUMBERS)
