"""A net that does not fit its data is refused in words before anything is written."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neurarium import api
from neurarium.checks import ConfigError, DataError, ShapeError, UserError
from neurarium.data.dataset import Dataset
from neurarium.data.drawn import drawn
from neurarium.data.plan import plan
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.loss import Loss
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.penalty import WithPenalty
from neurarium.record.events import Stepped
from neurarium.record.schema import Schema, image_schema
from neurarium.tasks.classification import Classification
from neurarium.tasks.energy_forces import EnergyForces
from neurarium.tasks.table import task_of, try_one_batch
from neurarium.training.recipe import OwnNet, Recipe, for_measuring
from neurarium.training.session import build_session, start

from ..conftest import make_molecules, make_pairs, make_series, make_toy, make_windows

CPU = torch.device("cpu")
OWN = Recipe(name="mine", epochs=1, batch_size=20, threads=1)


def tens(net: nn.Module | None = None) -> Dataset:
    """30 examples of 12 numbers in 10 classes."""
    return make_toy((12,), 10, (30, 10, 10))


class Failing(nn.Module):
    """Fails as it is told."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error, self.weight = error, nn.Parameter(torch.zeros(10, 12))

    def forward(self, x: Tensor) -> Tensor:
        raise self.error


class Penalizing(nn.Linear):
    """Answers with a penalty in evaluation mode too."""

    def forward(self, x: Tensor) -> WithPenalty:  # type: ignore[override]
        return WithPenalty(super().forward(x), x.sum(1))


class Twice(nn.Linear):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        return super().forward(x), x


class Said(nn.Module):
    """Answers whatever it is given with one of its parameters."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.answer = nn.Parameter(torch.zeros(shape))

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.answer


def unlabeled() -> Dataset:
    data = tens()
    schema = Schema(data.schema.inputs)
    parts = (replace(part, targets=(), schema=schema) for part in (data.train, data.validation, data.test))  # type: ignore
    return Dataset("bare", *parts, schema)


Case = tuple[Recipe, Callable[[], Dataset], nn.Module | None, type[UserError], str]
CASES: dict[str, Case] = {
    "nine outputs for ten classes": (
        OWN, tens, nn.Linear(12, 9), ShapeError,
        r"outputs of the net: expected \(2, 10\), a logit for each of the 10 classes, got \(2, 9\); give the net's "
        r"last layer as many outputs as there are classes",
    ),
    "another shape": (
        OWN, tens, nn.Linear(5, 10), ShapeError,
        r"net: expected one that takes inputs of shape \(2, 12\) and answers the task classification, got "
        r"RuntimeError: mat1 and mat2 .*; try net\(\*batch\.inputs\) on a batch of your data",
    ),
    "an image where rows come": (OWN, tens, nn.Conv2d(1, 2, 3), ShapeError, "got RuntimeError: Expected 3D"),
    "an index error": (
        OWN, tens, Failing(IndexError("list index out of range")), ShapeError,
        r"net: expected one that takes .*, got IndexError: list index out of range; try net\(",
    ),
    "a key error": (OWN, tens, Failing(KeyError("x")), ShapeError, "got KeyError: 'x'; try net"),
    "an attribute error": (OWN, tens, Failing(AttributeError("no such")), ShapeError, "got AttributeError: no such"),
    "a failing assert, as in attention": (OWN, tens, Failing(AssertionError("4")), ShapeError, "got AssertionError: 4"),
    "an error of many lines": (OWN, tens, Failing(ValueError("one\ntwo")), ShapeError, "got ValueError: one; try"),
    "an error without words": (OWN, tens, Failing(RuntimeError()), ShapeError, "got RuntimeError; try"),
    "more arguments than the net takes": (
        OWN, make_series, nn.Linear(12, 3), ShapeError,
        r"one that takes inputs of shape \(2, \d+, 12\), \(2,\) and answers .*, got TypeError: .*; try net",
    ),
    "a penalty in evaluation mode": (
        OWN, tens, Penalizing(12, 10), ShapeError,
        "outputs of the net: expected outputs alone in evaluation mode, got a penalty too",
    ),
    "two outputs": (
        OWN, tens, Twice(12, 10), ShapeError, "outputs of the net: expected one tensor, for classification, got tuple",
    ),
    "a task that the net cannot answer": (
        replace(OWN, net=MLPSpec((8,)), task="reconstruction"), tens, None, ShapeError,
        r"outputs of the net: expected reconstructions of the inputs \(2, 12\), got \(2, 10\); choose an auto-encoder",
    ),
    "a task that the data cannot ask": (
        replace(OWN, net=MLPSpec((8,)), task="translation"), tens, None, DataError,
        r"target: expected rows of tokens .*, got one of 10 categories; choose a net that is made for such targets",
    ),
    "a task without a loss": (
        replace(OWN, net=MLPSpec((8,)), task="recall"), tens, None, ConfigError,
        r"net: expected a net of the kind Memory for the task recall, got MLP; leave it to the net: --task auto",
    ),
    "no such task": (
        replace(OWN, net=MLPSpec((8,)), task="clasification"), tens, None, ConfigError,
        r"task: expected .*, got 'clasification'; did you mean classification",
    ),
    "no targets": (
        replace(OWN, net=MLPSpec((8,))), unlabeled, None, DataError,
        r"data: expected examples with a target: a class or numbers to learn, got a schema without targets; give",
    ),
    "no targets for a module": (OWN, unlabeled, nn.Linear(12, 10), DataError, "examples with a target"),
    "a net of the library on series": (
        replace(OWN, net=MLPSpec((8,))), make_series, None, ShapeError,
        r"mlp input: expected one tensor of numbers, .*, got series \(time x 12\); choose a net that is made for such",
    ),
    "a class an example where each token has one": (
        replace(OWN, task="language-model"), make_windows, Said(2, 5), ShapeError,
        r"outputs of the net: expected \(2, 8, 5\), a logit .* got \(2, 5\); give the net's last layer as many outputs",
    ),
    "a token too many": (
        replace(OWN, task="translation"), make_pairs, Said(2, 9, 7), ShapeError,
        r"outputs of the net: expected \(2, \d, 7\), logits of each next token, got \(2, 9, 7\); answer with \(batch",
    ),
    "an energy that hangs on nothing": (
        replace(OWN, task="energy-forces"), make_molecules, Said(2), ShapeError,
        r"answers the task energy-forces, got RuntimeError: .* differentiated Tensor.* not have been used",
    ),
    "no parameter": (OWN, tens, nn.Dropout(0.1), ConfigError, "net: expected at least one trainable parameter"),
    "an augmentation of images": (
        replace(OWN, augmentation=Augmentation(shift=1)), make_series, Said(2, 3), ConfigError, r"augmentation\.shift",
    ),
    "a loss of its own that is ignored": (
        replace(OWN, task="reconstruction", loss=Loss("hinge")), tens, nn.Linear(12, 12), ConfigError,
        r"loss\.name: expected auto, its default, as the task reconstruction has a loss of its own, got",
    ),
}  # fmt: skip
every = pytest.mark.parametrize("name", CASES)


@every
def test_what_does_not_fit_is_said_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    recipe, make, net, kind, says = CASES[name]
    with pytest.raises(kind, match=says) as caught:
        start(recipe, tmp_path / "run", make(), net)
    assert caught.value.expected
    assert caught.value.got
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "nine outputs for ten classes",
        "another shape",
        "an index error",
        "a task that the net cannot answer",
        "no targets",
    ],
)
def test_through_the_front_door_there_is_no_run_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe, make, net, kind, says = CASES[name]
    with pytest.raises(kind, match=says) as caught:
        api.train(recipe, data=make(), net=net, progress=False)
    assert caught.value.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        (
            nn.functional.mse_loss,
            r"loss: expected one of outputs \(2, 10\) and targets \(2,\), got RuntimeError: The size",
        ),
        (lambda a, t: a.sum(1), r"loss: expected a scalar tensor, the mean over the examples, got shape \(2,\); let"),
        (
            lambda a: a.mean(),
            r"loss: expected one of outputs \(2, 10\) and targets \(2,\), got TypeError: .*positional",
        ),
    ],
)
def test_a_loss_of_ones_own_is_tried_too(loss: Any, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warnings.warn", lambda *_, **__: None)  # torch warns of sizes before it fails
    with pytest.raises(ShapeError, match=says):
        start(replace(OWN, loss=Loss("custom")), tmp_path / "run", tens(), nn.Linear(12, 10), loss)
    assert list(tmp_path.iterdir()) == []


def test_what_fits_leaves_no_trace() -> None:
    """Modes of all parts, gradients and running statistics stay as they were."""
    net = nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 10))
    net[1].eval()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    data = tens()
    try_one_batch(net, task_of(OWN, data.schema), data.train, CPU)
    assert [module.training for module in net] == [True, False, True, True]
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_what_is_drawn_in_trying_changes_no_run() -> None:
    """A net that draws in evaluation mode too: its first update is that of the generators as they were seeded."""

    class Noisy(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x + torch.randn(x.shape))

    torch.manual_seed(0)
    session = build_session(OWN, tens(), Noisy(12, 10))
    first = next(event for event in session.events() if isinstance(event, Stepped))
    torch.manual_seed(0)
    net = Noisy(12, 10)
    torch.manual_seed(0)  # as the recipe has it
    batch = tens().train.gather(plan(30, 20, seed=0, epoch=1)[0])
    assert first.loss == pytest.approx(nn.functional.cross_entropy(net(batch.x), batch.labels).item(), rel=1e-5)


def test_a_single_example_will_do() -> None:
    data = tens()
    try_one_batch(nn.Linear(12, 10), task_of(OWN, data.schema), data.train.select(torch.tensor([3])), CPU)


def test_a_net_with_a_rule_of_its_own_is_asked_for_what_it_can_do_alone() -> None:
    schema = image_schema()
    asked = task_of(replace(OWN, task="recall"), schema)
    try_one_batch(HopfieldSpec().build(schema), asked, drawn(schema, 3), CPU)
    with pytest.raises(ConfigError, match=r"net: expected a net of the kind Memory .* --task auto"):
        try_one_batch(nn.Linear(1, 1), asked, drawn(schema, 3), CPU)


def test_forces_are_tried_with_their_gradient() -> None:
    data = make_molecules((6, 2, 2))

    class Sum(nn.Module):
        def forward(self, species: Tensor, positions: Tensor, pairs: Tensor, atoms: Tensor) -> Tensor:
            owner = torch.arange(len(atoms)).repeat_interleave(atoms)
            return torch.zeros(len(atoms)).index_add(0, owner, positions.square().sum(1))

    task = task_of(replace(OWN, task="energy-forces"), data.schema)
    assert isinstance(task, EnergyForces)
    try_one_batch(Sum(), task, data.train, CPU)
    own = replace(OWN, task="energy-forces", loss=Loss("custom"))
    of_energies = task_of(own, data.schema, own_loss=lambda e, f, true, _: (e - true).square().mean())
    try_one_batch(Sum(), of_energies, data.train, CPU)


def test_measured_without_a_teacher() -> None:
    taught = Recipe(loss=Loss("distillation", temperature=4.0, alpha=0.5, smoothing=0.1))
    found = for_measuring(taught)
    assert found.loss == Loss("cross-entropy", smoothing=0.1)
    assert (found.task, for_measuring(OWN)) == ("auto", OWN)
    named = for_measuring(replace(taught, task="distillation"))
    assert type(task_of(named, image_schema())) is Classification
    with pytest.raises(ConfigError, match="pretrained: expected a run whose net is the teacher"):
        task_of(taught, image_schema())


def test_a_module_is_asked_what_the_data_are() -> None:
    assert isinstance(OWN.net, OwnNet)
    names = [task_of(OWN, data.schema).name for data in (tens(), make_series(), make_windows())]
    assert names == ["classification"] * 3
