import tomllib
from typing import Any, get_args

import numpy as np
import pytest
import torch
from scipy import special
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor

from neurarium.checks import ConfigError, ShapeError
from neurarium.learning.objective import Objective, ObjectiveName
from neurarium.record.config import overlay, to_plain, write_toml

TARGETS = torch.tensor([0, 1, 2])
CONFUSION = ((0.9, 0.2, 0.0), (0.1, 0.8, 0.5), (0.0, 0.0, 0.5))
OF_LABELS = [name for name in get_args(ObjectiveName) if name not in ("reconstruction", "own")]
OUTPUTS = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))


def value(objective: Objective, targets: Tensor = TARGETS, **given: Any) -> float:
    return float(objective.build(**given).loss(OUTPUTS, targets, OUTPUTS))


@pytest.mark.parametrize("name", OF_LABELS)
def test_every_objective_falls_as_outputs_near_their_targets(name: ObjectiveName) -> None:
    right = torch.eye(3)
    objective = Objective(name).build(teacher=lambda inputs: inputs)
    assert objective.loss(right, TARGETS, right) < objective.loss(right.roll(1, 0), TARGETS, right)
    assert int(objective.error(right, TARGETS, right)) == 0
    assert int(objective.error(right.roll(1, 0), TARGETS, right)) == 3


@pytest.mark.parametrize("name", OF_LABELS)
def test_smoothing_is_the_loss_of_the_smoothed_distribution(name: ObjectiveName) -> None:
    """Every loss takes distributions: smoothing by a matrix and giving its columns are the same thing."""
    columns = torch.tensor(CONFUSION).T[TARGETS]
    given: dict[str, Any] = {"teacher": lambda inputs: inputs} if name == "distillation" else {}
    extra = {"share": 0.5} if given else {}
    smoothed = value(Objective(name, confusion=CONFUSION, **extra), classes=3, **given)
    assert smoothed == pytest.approx(value(Objective(name, **extra), columns, **given), rel=1e-6)


def test_uniform_smoothing_by_scipy() -> None:
    q = 0.8 * np.eye(3) + 0.2 / 3
    expected = -(q * special.log_softmax(OUTPUTS.numpy(), axis=1)).sum(1).mean()
    assert value(Objective(smoothing=0.2), classes=3) == pytest.approx(expected, rel=1e-6)
    assert value(Objective(smoothing=0.0)) == value(Objective())


def test_class_weights_are_torchs() -> None:
    weights = (0.5, 1.0, 4.0)
    expected = torch.nn.CrossEntropyLoss(torch.tensor(weights))(OUTPUTS, TARGETS)
    assert value(Objective(class_weights=weights), classes=3) == pytest.approx(float(expected))


def test_balanced_weights_are_scikit_learns() -> None:
    labels = [0] * 6 + [1] * 3 + [2]
    weights = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    expected = value(Objective(class_weights=tuple(weights.tolist())))
    assert value(Objective(balanced=True), classes=3, counts=[6, 3, 1]) == pytest.approx(expected, rel=1e-6)


def test_distillation_asks_the_teacher_about_the_inputs() -> None:
    inputs = torch.randn(3, 2, generator=torch.Generator().manual_seed(1))
    matrix = torch.randn(2, 3, generator=torch.Generator().manual_seed(2))
    criterion = Objective("distillation", temperature=2.0, share=0.7).build(teacher=lambda x: x @ matrix)
    p_f, g = special.softmax((inputs @ matrix).numpy() / 2, axis=1), OUTPUTS.numpy()
    soft = -4 * (p_f * special.log_softmax(g / 2, axis=1)).sum(1).mean()
    hard = -special.log_softmax(g, axis=1)[np.arange(3), TARGETS].mean()
    got = float(criterion.loss(OUTPUTS, TARGETS, inputs))
    assert got == pytest.approx(0.7 * soft + 0.3 * hard, rel=1e-5)


def test_without_its_teacher_a_distillation_is_measured_by_the_labels() -> None:
    objective = Objective("distillation", temperature=3.0, share=0.5, smoothing=0.1)
    assert objective.without_teacher() == Objective(smoothing=0.1)
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
        ({"temperature": 2.0}, r"objective\.temperature: .*only the objective distillation.*cross-entropy"),
        ({"name": "hinge", "share": 0.5}, r"objective\.share: .*with the objective hinge"),
        ({"name": "distillation", "balanced": True}, r"objective\.balanced: .*a share below 1"),
        ({"name": "distillation", "smoothing": 0.1}, r"objective\.smoothing: .*a share below 1"),
        ({"name": "reconstruction", "smoothing": 0.1}, r"objective\.smoothing: .*looks at labels"),
        ({"name": "reconstruction", "class_weights": (1.0, 2.0)}, r"objective\.class_weights: .*looks at labels"),
        ({"name": "own", "balanced": True}, r"objective\.balanced: .*looks at labels.*with the objective own"),
        ({"name": "own", "confusion": CONFUSION}, r"objective\.confusion: .*looks at labels"),
        ({"name": "reconstruction", "temperature": 2.0}, r"objective\.temperature: .*the objective distillation uses"),
        ({"name": "own", "share": 0.5}, r"objective\.share: .*the objective distillation uses"),
    ],
)
def test_refuses(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Objective(**settings)


def test_what_does_not_fit_the_classes() -> None:
    with pytest.raises(ConfigError, match="10 numbers, one a class, got 2"):
        Objective(class_weights=(1.0, 2.0)).build(classes=10)
    with pytest.raises(ConfigError, match="10 rows of 10"):
        Objective(confusion=CONFUSION).build(classes=10)
    with pytest.raises(ConfigError, match="none of class 1"):
        Objective(balanced=True).build(classes=3, counts=[5, 0, 2])
    with pytest.raises(ConfigError, match="number of classes"):
        Objective(smoothing=0.1).build()
    with pytest.raises(ConfigError, match="--source"):
        Objective("distillation").build(classes=3)


def test_reconstruction_looks_at_the_inputs_and_at_no_labels() -> None:
    outputs, inputs = (torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(k)) for k in (0, 1))
    for numbers in (False, True):
        criterion = Objective("reconstruction").build(classes=7, numbers=numbers)
        for targets in (torch.tensor([0, 6, 3]), torch.full((3, 1), torch.nan)):
            squares = ((outputs - inputs).numpy() ** 2).reshape(3, -1).mean(1)
            assert float(criterion.loss(outputs, targets, inputs)) == pytest.approx(squares.mean(), rel=1e-6)
            assert float(criterion.error(outputs, targets, inputs)) == pytest.approx(squares.sum(), rel=1e-6)
    with pytest.raises(ShapeError, match="choose an auto-encoder"):
        criterion.loss(outputs[:, 0], TARGETS, inputs)


def test_own_can_be_built_but_not_descended_on() -> None:
    for numbers in (False, True):
        criterion = Objective("own").build(classes=3, numbers=numbers)
        for refuse in (criterion.loss, criterion.error):
            with pytest.raises(ConfigError, match="as this net has no learning rule of its own, got own"):
                refuse(OUTPUTS, TARGETS, OUTPUTS)


def test_numbers_take_squared_and_absolute_error() -> None:
    targets = torch.tensor([[0.0, 1.0, 2.0], [0.5, 0.5, 0.5], [-1.0, 0.0, 3.0]])
    gap = (OUTPUTS - targets).numpy()
    expected = {"squared-error": (gap**2).sum(1).mean() / 2, "absolute-error": np.abs(gap).sum(1).mean()}
    for name, loss in expected.items():
        criterion = Objective(name).build(3, numbers=True)
        assert float(criterion.loss(OUTPUTS, targets, OUTPUTS)) == pytest.approx(loss, rel=1e-6)
        assert float(criterion.error(OUTPUTS, targets, OUTPUTS)) == pytest.approx((gap**2).mean(1).sum(), rel=1e-6)


@pytest.mark.parametrize("name", [name for name in OF_LABELS if name not in ("squared-error", "absolute-error")])
def test_numbers_take_no_other_loss(name: ObjectiveName) -> None:
    with pytest.raises(ConfigError, match=f"as the targets are numbers, got {name}; --objective.name squared-error"):
        Objective(name).build(3, teacher=lambda inputs: inputs, numbers=True)


@pytest.mark.parametrize(
    "settings", [{"smoothing": 0.1}, {"confusion": CONFUSION}, {"class_weights": (1.0, 2.0, 3.0)}, {"balanced": True}]
)
def test_numbers_have_no_classes(settings: dict[str, Any]) -> None:
    objective = Objective("squared-error", **settings)
    with pytest.raises(ConfigError, match=rf"objective\.{next(iter(settings))}: expected none, as the targets are num"):
        objective.build(3, counts=[1, 2, 3], numbers=True)
