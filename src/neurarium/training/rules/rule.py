"""How a net learns from a batch: the protocol every learning rule follows, and the numbers it reports.

Gradient descent on a task's loss is one rule (`gradient`). Perceptrons, Hopfield nets, Boltzmann machines and
adversarial pairs bring their own; loop, records, checkpoints and reports ask for no more than this.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from neurarium.data.batch import Batch
from neurarium.data.examples import Examples
from neurarium.record.schema import Schema
from neurarium.tasks.task import Context, Task
from neurarium.training.device import DeviceConfig
from neurarium.training.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Setup:
    """All that a learning rule is made of.

    Args:
        recipe: resolved: its settings are those that the rule follows.
        total_steps: updates of the whole run, over which schedules are laid.
    """

    recipe: Recipe
    net: nn.Module
    task: Task
    schema: Schema
    device_config: DeviceConfig
    total_steps: int


@dataclass(frozen=True)
class Update:
    """What one update reports.

    Attributes:
        loss: mean over the batch of what the rule makes small, before the update.
        errors: number of units answered wrongly, before the update.
        gradient_norm: Euclidean length of the step's direction before clipping.
        count: units that the errors are counted over: examples, tokens, nodes, atoms.
    """

    loss: float
    errors: float
    gradient_norm: float
    learning_rate: float
    count: float


@dataclass(frozen=True)
class Sums:
    """What a measurement of a batch adds to those of others.

    Attributes:
        terms: mean of each term of the loss over its own units.
        counts: units of each term, and at last of the errors.
    """

    terms: tuple[float, ...]
    errors: float
    counts: tuple[float, ...]

    @classmethod
    def of_examples(cls, loss: float, errors: float, count: int) -> "Sums":
        """One term, whose mean is over the examples, and the sum of the errors."""
        return cls((loss,), errors, (float(count), float(count)))


class LearningRule(ABC):
    """Changes a net from one batch at a time."""

    follows: ClassVar[frozenset[str]]
    """Dotted names of the recipe's leaves that it can follow; any other must have its default. "optimizer.*" is a
    group, "schedule.name=constant|cosine" a leaf that must have one of these values."""

    net: nn.Module
    finished: bool = False
    """Nothing is left to learn, whatever epochs remain; false for rules that cannot know."""
    notices: list[str]
    """What the user should know and does not yet; whoever passes it on empties the list."""

    @abstractmethod
    def step(self, parts: tuple[Batch, ...], context: Context) -> Update:
        """Learn from one batch.

        Args:
            parts: the batch, cut into as many parts as the recipe says: one but for rules that follow "micro_batches".
            context: where in the run; `context.step` counts the updates from 0.
        Raises NonFiniteError: before the update, where a number is infinite or undefined.
        """

    @abstractmethod
    def measure(self, batch: Batch) -> Sums:
        """Measure a batch in evaluation mode, learning nothing."""

    def start(self, examples: Examples) -> None:  # noqa: B027
        """Look at the training examples before the first update, to say beforehand what can be known."""

    def epoch_ended(self, score: float) -> None:  # noqa: B027
        """Take note of the score of the epoch that has ended, lower is better; a rate may fall when it stalls."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that decides further learning beside the net's weights: tensors and plain values, string keys."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027
        """Take up a saved state."""
