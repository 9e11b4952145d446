import dataclasses

import pytest

from neurarium.checks import ConfigError, DataError
from neurarium.learning.loss import Loss
from neurarium.nets.catalog import NETS
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.generative.specs import AutoencoderSpec
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema, image_schema
from neurarium.tasks.classification import Classification
from neurarium.tasks.table import TASKS, task_class, task_name
from neurarium.tasks.task import Task, Trainable

from .small import CLASSES, MOLECULES, NUMBERS, PAIRS, WINDOWS

PLAIN = Loss()


def test_every_task_bears_the_name_of_its_line() -> None:
    kinds = {name: task_class(name) for name in TASKS}
    assert all(issubclass(kind, Task) for kind in kinds.values())
    # a distillation is scored, and called in a run's record, as the classification that it is
    others = {name: kind.name for name, kind in kinds.items() if kind.name != name}
    assert others == {"distillation": "classification"}
    assert [name for name, kind in kinds.items() if not issubclass(kind, Trainable)] == [
        "density", "generation", "recall",
    ]  # fmt: skip


def test_the_closest_name_is_offered() -> None:
    with pytest.raises(ConfigError, match=r"task.*did you mean regression"):
        task_class("regresion")


def test_the_task_follows_net_and_targets() -> None:
    spec = MLPSpec()
    assert [task_name("auto", spec, PLAIN, schema) for schema in (CLASSES, NUMBERS)] == ["classification", "regression"]
    assert task_name("auto", spec, Loss("distillation"), CLASSES) == "distillation"
    for schema in (CLASSES, NUMBERS, Schema(CLASSES.inputs)):
        assert task_name("auto", AutoencoderSpec(), PLAIN, schema) == "reconstruction"
        assert task_name("reconstruction", spec, PLAIN, schema) == "reconstruction"
    with pytest.raises(DataError, match="examples with a target"):
        task_name("auto", spec, PLAIN, Schema(CLASSES.inputs))


def test_what_every_net_is_for() -> None:
    tasks = {name: kind.task for name, kind in NETS.items() if kind.task != "supervised"}
    assert set(tasks.values()) <= set(TASKS)
    known = {
        "hopfield": "recall", "rbm": "density", "autoencoder": "reconstruction",
        "convolutional-autoencoder": "reconstruction", "gan": "generation", "dcgan": "generation",
    }  # fmt: skip
    assert tasks.items() >= known.items()


def test_a_teacher_is_asked_whatever_the_task_is_called() -> None:
    taught = Loss("distillation", temperature=2.0)
    for name in ("auto", "supervised", "classification", "distillation"):
        assert task_name(name, MLPSpec(), taught, CLASSES) == "distillation"


@pytest.mark.parametrize(
    "name", ["reconstruction", "language-model", "translation", "transcription", "energy-forces", "density"]
)
def test_a_teacher_that_would_be_ignored_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"expected another than distillation, for the task {name}"):
        task_name(name, MLPSpec(), Loss("distillation"), CLASSES)


def test_a_teacher_of_numbers_is_refused_by_the_loss() -> None:
    name = task_name("auto", MLPSpec(), Loss("distillation"), NUMBERS)
    with pytest.raises(ConfigError, match="as the targets are numbers"):
        task_class(name).build(NetSpec(), Loss("distillation"), NUMBERS, {})


@pytest.mark.parametrize(
    ("name", "schema", "says"),
    [
        ("translation", CLASSES, r"target: expected rows of tokens.*got one of 3 categories"),
        ("translation", WINDOWS, r"in a vocabulary with <start> and <end>, got 6 of 5 categories"),
        (
            "energy-forces",
            CLASSES,
            r"data: expected an input named positions, targets named energy and forces, got x, l",
        ),
        ("regression", MOLECULES, None),
        ("classification", Schema(CLASSES.inputs), "examples with a target"),
        ("regression", Schema(CLASSES.inputs), "examples with a target"),
    ],
)
def test_data_that_a_task_cannot_ask_about(name: str, schema: Schema, says: str | None) -> None:
    build = task_class(name).build
    if says is None:
        assert build(NetSpec(), PLAIN, schema, {})
        return
    with pytest.raises(DataError, match=says):
        build(NetSpec(), PLAIN, schema, {})


def test_forces_of_another_scale_than_the_energies() -> None:
    targets = {**MOLECULES.targets, "forces": dataclasses.replace(MOLECULES.targets["forces"], std=(1.0,) * 3)}
    with pytest.raises(DataError, match=r"forces: expected the energies' scale \(3\.0,\) and no mean"):
        task_class("energy-forces").build(NetSpec(), PLAIN, Schema(MOLECULES.inputs, targets), {})
    shifted = {**MOLECULES.targets, "forces": dataclasses.replace(MOLECULES.targets["forces"], mean=(0.0, 0.1, 0.0))}
    with pytest.raises(DataError, match="no mean, as they are its gradient"):
        task_class("energy-forces").build(NetSpec(), PLAIN, Schema(MOLECULES.inputs, shifted), {})


def test_a_reconstruction_of_tokens_is_refused() -> None:
    from neurarium.checks import ShapeError

    with pytest.raises(ShapeError, match="reconstruction input: expected one tensor of numbers"):
        task_class("reconstruction").build(NetSpec(), PLAIN, PAIRS, {})


def test_a_class_for_each_element_or_one_for_the_example() -> None:
    kind = task_class("classification")
    for schema, per_element in ((image_schema(), False), (WINDOWS, True)):
        task = kind.build(NetSpec(), PLAIN, schema, {})
        assert isinstance(task, Classification)
        assert task.per_element == per_element
    several = Schema(CLASSES.inputs, {"a": Field((), categories=("x", "y")), "b": Field((3,))})
    assert kind.build(NetSpec(), PLAIN, several, {}).classes == ("x", "y")  # type: ignore[attr-defined]
