"""What happens during learning, as a stream of small values that every consumer reads.

A run yields `Started`, then for each mini-batch `Stepped`, after each epoch `EpochEnded`, and last `Stopped`;
`CheckpointSaved` and `Notice` come in between. All numbers are plain floats: the loop has looked at them anyway, to
stop before an update that is not finite.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Scores: TypeAlias = Mapping[str, float]
StopReason = Literal["finished", "early", "converged", "interrupted"]


@dataclass(frozen=True)
class Started:
    """A run begins, or goes on from `step`."""

    name: str
    epochs: int
    steps_per_epoch: int
    step: int = 0
    parameters: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    task: str = "classification"


@dataclass(frozen=True)
class Stepped:
    """One update is done: `step` counts from 1 over the run, `position` from 1 within `epoch` (also from 1)."""

    step: int
    epoch: int
    position: int
    loss: float
    gradient_norm: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class EpochEnded:
    """One pass over the training data is done.

    `train` holds means over the epoch's own mini-batches (weights moving), `validation` a measurement afterwards;
    both under the names "loss" and "error".
    `gradient_norm` is the mean over the epoch's updates; `seconds` the learning time of the whole run so far.
    """

    epoch: int
    step: int
    train: Scores
    validation: Scores
    gradient_norm: float
    learning_rate: float
    seconds: float
    best: bool


@dataclass(frozen=True)
class CheckpointSaved:
    """A checkpoint is on the disk, complete."""

    step: int
    path: str


@dataclass(frozen=True)
class Notice:
    """Something the user should know that stops nothing."""

    message: str


@dataclass(frozen=True)
class Stopped:
    """The run is over or has paused; converged: the rule has nothing left to learn, whatever epochs were planned."""

    reason: StopReason
    epoch: int
    step: int
    seconds: float
    best_epoch: int | None = None


Event: TypeAlias = Started | Stepped | EpochEnded | CheckpointSaved | Notice | Stopped
