"""How a net learns from a batch: the protocol every learning rule follows, and the sums it reports.

Gradient descent on an objective is one rule (`gradient_rule`). Perceptrons, Hopfield nets, Boltzmann machines and
adversarial pairs bring their own; loop, records, checkpoints and reports ask for no more than this.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import nn

from neurarium.data.batch import Batch
from neurarium.data.examples import Examples


@dataclass(frozen=True)
class Update:
    """What one update reports.

    Attributes:
        objective: mean over the batch of what the rule makes small, before the update.
        errors: number of examples answered wrongly, before the update.
        gradient_norm: Euclidean length of the step's direction before clipping.
        learning_rate: rate of this update.
    """

    objective: float
    errors: float
    gradient_norm: float
    learning_rate: float


@runtime_checkable
class LearningRule(Protocol):
    """Changes a net from one batch at a time."""

    net: nn.Module
    finished: bool
    """Nothing is left to learn, whatever epochs remain; false for rules that cannot know."""
    notices: list[str]
    """What the user should know and does not yet; whoever passes it on empties the list."""

    def look_at(self, examples: Examples) -> None:
        """Look at the training examples before the first update, to say beforehand what can be known."""

    def step(self, batch: Batch, step: int) -> Update:
        """Learn from one batch; `step` counts the run's updates from 0.

        Raises:
            NonFiniteError: before the update, where a number is infinite or undefined.
        """

    def measure(self, batch: Batch) -> tuple[float, float]:
        """Return the sums over the batch of objective and errors, learning nothing."""

    def epoch_ended(self, score: float) -> None:
        """Take note of the score of the epoch that has ended, lower is better; a rate may fall when it stalls."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that decides further learning beside the net's weights: tensors and plain values, string keys."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
