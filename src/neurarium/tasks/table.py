"""All tasks by name, which one a recipe means, and whether a net can answer it."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, DataError, ShapeError, UserError, choose
from neurarium.data.batch import Batch
from neurarium.data.examples import Examples
from neurarium.learning.loss import Loss
from neurarium.nets.penalty import WithPenalty
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Schema
from neurarium.tasks.classification import Classification
from neurarium.tasks.custom import CustomLoss
from neurarium.tasks.density import DensityTask
from neurarium.tasks.distillation import Distillation
from neurarium.tasks.energy_forces import EnergyForces
from neurarium.tasks.forecast import Forecast
from neurarium.tasks.generation import Generation
from neurarium.tasks.language_model import LanguageModel
from neurarium.tasks.recall import Recall
from neurarium.tasks.reconstruction import Reconstruction
from neurarium.tasks.regression import Regression
from neurarium.tasks.task import Context, Device, Helpers, Task, Trainable, evaluating, in_floats
from neurarium.tasks.transcription import Transcription
from neurarium.tasks.translation import Translation

OwnLoss: TypeAlias = Callable[..., Tensor]
Computing: TypeAlias = AbstractContextManager[object]


@runtime_checkable
class Asking(Protocol):
    """What a recipe says of its task."""

    @property
    def task(self) -> str:
        """A name in `TASKS`, or "auto"."""

    @property
    def net(self) -> NetSpec:
        """The net, which is made for a task."""

    @property
    def loss(self) -> Loss:
        """The loss and its constants."""


TASKS: dict[str, Callable[[], type[Task]]] = {
    "classification": lambda: Classification,
    "regression": lambda: Regression,
    "forecast": lambda: Forecast,
    "distillation": lambda: Distillation,
    "reconstruction": lambda: Reconstruction,
    "density": lambda: DensityTask,
    "generation": lambda: Generation,
    "recall": lambda: Recall,
    "language-model": lambda: LanguageModel,
    "translation": lambda: Translation,
    "transcription": lambda: Transcription,
    "energy-forces": lambda: EnergyForces,
}
"""Each as a function that gives its class: one's own may be imported only when it is asked for."""


def task_name(asked: str, spec: NetSpec, loss: Loss, schema: Schema) -> str:
    """The name of the task that is meant: `asked` by the recipe, or for "auto" what the net is made for.

    A supervised net predicts classes, numbers or what is said, as the schema's target is; distillation is a task of its
    own.
    Raises ConfigError: the loss distillation, for a task that no teacher can help with; DataError: a supervised task on
    data without targets.
    """
    name = spec.task if asked == "auto" else asked
    if name == "supervised" and schema.target.is_transcript:
        name = "transcription"
    if name == "supervised":
        name = "classification" if schema.target.categories else "regression"
    if loss.name != "distillation" or name in ("distillation", "regression"):  # numbers are refused with the loss
        return name
    if name != "classification":
        expected = f"another than distillation, for the task {name}"
        raise ConfigError("loss.name", expected=expected, got="distillation")
    return "distillation"


def task_class(name: str) -> type[Task]:
    """The class of a task; a `ConfigError` names the closest where there is none."""
    return choose(name, TASKS, subject="task")()


def task_of(
    recipe: Asking,
    schema: Schema,
    *,
    train: Examples | None = None,
    helpers: Helpers | None = None,
    own_loss: OwnLoss | None = None,
    device: Device = "cpu",
) -> Task:
    """Make the task of a recipe.

    Args:
        train: training examples, by which classes are balanced.
        helpers: nets of other runs, by the part they play.
        own_loss: the user's own, where the recipe says that there is one.
    Raises ConfigError: a task that is not there, settings that it cannot follow, or an own loss that is missing;
    DataError: data without the targets that it asks for.
    """
    loss = recipe.loss
    if loss.balanced and train is not None and schema.target.categories:
        labels = train.target(next(iter(schema.targets))).cpu()
        counts = torch.bincount(labels[labels >= 0].flatten(), minlength=len(schema.target.categories))
        loss = loss.with_counts(counts.tolist())
    name = task_name(recipe.task, recipe.net, loss, schema)
    task = task_class(name).build(recipe.net, loss, schema, helpers or {}, device)
    if loss.name == "custom" and own_loss is not None:
        if not isinstance(task, Trainable):
            raise ConfigError("loss", expected=f"none, as {name} has no loss of outputs and targets", got="a function")
        return CustomLoss(own_loss, task)
    return task


def try_one_batch(
    net: nn.Module,
    task: Task,
    examples: Examples,
    device: torch.device,
    autocast: Callable[[], Computing] = nullcontext,
) -> None:
    """Let the net answer two examples, and refuse by a `UserError` what does not fit before anything is written.

    The net is left as it is; what it draws is drawn from torch's generators. `autocast` is the context of its number
    format.
    """
    task.admits(net)
    if not isinstance(task, Trainable):
        return
    with evaluating(net):
        two = torch.arange(min(2, len(examples)), device=examples.device)
        with contextlib.closing(examples.stream([two])) as batches:
            batch = next(batches).to(device)
        _check_rows(batch, examples.schema)
        expected = f"one that takes inputs of shape {_shapes(batch.inputs)} and answers the task {task.name}"
        with _explained("net", expected, "try net(*batch.inputs) on a batch of your data"):
            with torch.enable_grad(), autocast():
                outputs = in_floats(task.forward(net, batch, Context()))
            if isinstance(outputs, WithPenalty):
                raise ShapeError("outputs of the net", expected="outputs alone in evaluation mode", got="a penalty too")
            task.check(outputs, batch)
        said = outputs if isinstance(outputs, tuple) else (outputs,)
        with _explained("loss", f"one of outputs {_shapes(said)} and targets {_shapes(batch.targets)}"):
            loss = task.loss(outputs, batch, task.counts(batch))
        assert loss.ndim == 0
        if isinstance(task, CustomLoss) and not loss.requires_grad:
            expected = "a tensor that depends on the net's parameters by operations that can be differentiated"
            raise ShapeError(
                "loss", expected=expected, got="one without a gradient", remedy="leave out detach(), item()"
            )


def _check_rows(batch: Batch, schema: Schema) -> None:
    """Refuse tensors of one shape an example that are not as many as the examples are."""
    for name, tensor in zip(batch.names, (*batch.inputs, *batch.targets), strict=False):
        field = schema.fields.get(name)
        if field is not None and not field.is_ragged and len(tensor) != batch.size:
            expected, got = f"{batch.size} rows, one an example of the batch", str(len(tensor))
            raise DataError(f"field {name}", expected=expected, got=got, remedy="let gather return a row an example")


@contextlib.contextmanager
def _explained(subject: str, expected: str, remedy: str = "") -> Iterator[None]:
    """Say what was asked for where code that may be the user's fails."""
    try:
        yield
    except UserError:
        raise
    except (RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError) as error:
        got = ": ".join([type(error).__name__, *str(error).splitlines()[:1]])
        raise ShapeError(subject, expected=expected, got=got, remedy=remedy) from error


def _shapes(tensors: tuple[Tensor, ...]) -> str:
    return ", ".join(str(tuple(tensor.shape)) for tensor in tensors) or "none"
