"""A task: how a net is called on a batch, what is made small, what is counted beside it, how it is scored.

A loss may have several terms, each a sum over units of its own (molecules and atoms, masked tokens and sentences):

    loss = sum_k S_k / c_k,    error = E / c_last

`terms` are the S_k / c_k, `counts` the c_k of a batch from the batch alone, its last entry that of the error. A rule
that cuts a batch into parts, or shares it among ranks, adds up the counts of all parts and gives the sum to each: then
the losses and the gradients of the parts add up to those of the whole, however ragged the parts are.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.data.batch import Batch
from neurarium.learning.loss import Loss
from neurarium.nets.evaluating import evaluating as evaluating
from neurarium.nets.penalty import WithPenalty
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Schema
from neurarium.tasks.prediction import Prediction

if TYPE_CHECKING:
    from neurarium.data.dataset import Dataset
    from neurarium.tasks.model import Model
    from neurarium.tasks.scores import Scores

Outputs: TypeAlias = Tensor | tuple[Tensor, ...]
Net: TypeAlias = Callable[..., Any]
Helpers: TypeAlias = Mapping[str, nn.Module]
Device: TypeAlias = torch.device | str


class Context(NamedTuple):
    """Where in a run a batch is seen: what is drawn is drawn from these numbers and the examples' own."""

    seed: int = 0
    epoch: int = 1
    step: int = 0
    training: bool = False


class Task(ABC):
    """What every net is scored by; nets that learn by a gradient are asked a `Trainable` one."""

    name: ClassVar[str]
    """As in `tasks.table.TASKS`."""
    needs: ClassVar[str] = ""
    """The part that another run's net must play: teacher."""
    uses: ClassVar[str] = ""
    """The part that another run's net may play: judge."""
    error_vanishes: ClassVar[bool] = True
    """Whether the error of a perfect net is 0; not where it is that of a discriminator or of single draws."""

    @classmethod
    @abstractmethod
    def build(cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu") -> "Task":
        """Make the task for some data.

        Args:
            helpers: nets of other runs, by the part they play: "teacher", "judge".
            device: where losses are computed.
        Raises ConfigError: a setting that this task cannot follow, or a helper that is missing; DataError: data without
        the targets that it asks for.
        """

    def admits(self, net: nn.Module) -> None:  # noqa: B027
        """Refuse by a ConfigError a net that cannot be asked this; a `Trainable` task is tried on examples instead."""

    @abstractmethod
    def score(self, model: "Model", data: "Dataset", split: str) -> "Scores":
        """Measure a trained net on a split with examples, of data under the constants that the net knows."""

    def predict(self, model: "Model", batch: Batch, **options: Any) -> Prediction:
        """What the net answers to examples without targets; a `ConfigError` where it is for something else."""
        expected, remedy = "a net that predicts classes, numbers or tokens", "call its net: run.net(*batch.inputs)"
        raise ConfigError("prediction", expected=expected, got=f"a net for {self.name}", remedy=remedy)


class Trainable(Task, ABC):
    """A task whose loss has a gradient."""

    @property
    def uses_gradient(self) -> bool:
        """Whether the outputs themselves are a gradient, so that measuring needs autograd too."""
        return False

    def forward(self, net: Net, batch: Batch, context: Context) -> Outputs:
        """Call the net on a batch."""
        return net(*batch.inputs)

    def drawn(self, batch: Batch, context: Context) -> Batch:
        """The batch with what this task draws for it (masks, dropped tokens), from seed, epoch and examples alone."""
        return batch

    @abstractmethod
    def counts(self, batch: Batch) -> Float[Tensor, " terms_and_error"]:
        """What each term of the loss, and at last the error, is a sum over."""

    @abstractmethod
    def terms(self, outputs: Outputs, batch: Batch, counts: Float[Tensor, " terms_and_error"]) -> tuple[Tensor, ...]:
        """Each term's sum over the batch, divided by its entry of `counts`."""

    @abstractmethod
    def errors(self, outputs: Outputs, batch: Batch) -> Float[Tensor, ""]:
        """The sum over the batch of what a reader understands at once, as a rule between 0 and 1 for each unit."""

    def loss(self, outputs: Outputs, batch: Batch, counts: Float[Tensor, " terms_and_error"]) -> Float[Tensor, ""]:
        """What is made small: the sum of the terms."""
        first, *others = self.terms(outputs, batch, counts)
        return sum(others, first)

    def error(self, outputs: Outputs, batch: Batch, counts: Float[Tensor, " terms_and_error"]) -> Float[Tensor, ""]:
        """The errors over their count."""
        return self.errors(outputs, batch) / counts[-1]

    def check(self, outputs: Outputs, batch: Batch) -> None:
        """Refuse by a `ShapeError` outputs that do not fit the targets."""


def tensor_of(outputs: Outputs, whose: str) -> Tensor:
    """The outputs of a net that answers with one tensor; a `ShapeError` where it answers with several."""
    if not isinstance(outputs, Tensor):
        raise ShapeError("outputs of the net", expected=f"one tensor, for {whose}", got=type(outputs).__name__)
    return outputs


def check_shape(outputs: Tensor, expected: tuple[int, ...], meaning: str, remedy: str = "") -> None:
    """Refuse by a `ShapeError` outputs of another shape than `expected`, which stands for `meaning`."""
    if (got := tuple(outputs.shape)) != expected:
        raise ShapeError("outputs of the net", expected=f"{expected}, {meaning}", got=str(got), remedy=remedy)


def refuse_choice(loss: Loss, task: str) -> None:
    """Refuse by a `ConfigError` a loss that a task with its own loss would ignore; a user's function may be."""
    if loss not in (Loss(), Loss("custom")):
        plain = dataclasses.asdict(Loss())
        name, value = next((k, v) for k, v in dataclasses.asdict(loss).items() if v != plain[k])
        expected = f"{plain[name] or 'none'}, its default, as the task {task} has a loss of its own"
        remedy = "leave it out, or give a loss of your own: train(..., loss=callable)"
        raise ConfigError(f"loss.{name}", expected=expected, got=str(value), remedy=remedy)


def count_tensor(like: Tensor, *counts: float) -> Float[Tensor, " counts"]:
    """Counts known beforehand, on a tensor's device."""
    return torch.tensor(counts, device=like.device)


def in_floats(outputs: Outputs) -> Outputs:
    """Outputs of which a loss can be taken: a sum of exponentials has no room in bfloat16's 8 bits."""
    if isinstance(outputs, Tensor):
        return outputs if outputs.dtype == torch.float64 else outputs.float()
    if isinstance(outputs, WithPenalty):
        return WithPenalty(outputs.outputs.float(), outputs.penalty)
    return tuple(o if o.dtype == torch.float64 else o.float() for o in outputs)


def detached(outputs: Outputs) -> Outputs:
    """Outputs without their graph."""
    return outputs.detach() if isinstance(outputs, Tensor) else tuple(o.detach() for o in outputs)
