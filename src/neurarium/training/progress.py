"""How far a run has come: all numbers that a resumed run must take up, as plain values."""

import dataclasses
import time
from dataclasses import dataclass, field
from typing import Any

from neurarium.learning.early_stopping import BestSoFar
from neurarium.record.events import Scores, Stepped, Stopped, StopReason
from neurarium.training.rules.rule import Update


@dataclass
class Progress:
    """Position of a run, its running sums over the epoch, and the best epoch so far.

    `step` counts updates done, `epoch` from 1 the one under way, `position` the updates done within it. Sums are Python
    floats: JSON writes them so that they read back exactly.
    """

    step: int = 0
    epoch: int = 1
    position: int = 0
    seconds: float = 0.0
    loss: float = 0.0
    errors: float = 0.0
    gradient_norm: float = 0.0
    units: float = 0.0
    learning_rate: float = 0.0
    best: BestSoFar = field(default_factory=BestSoFar)
    _since: float = field(default_factory=time.perf_counter, repr=False)

    def start_clock(self) -> None:
        """Begin to count seconds from now."""
        self._since = time.perf_counter()

    def count(self, update: Update) -> None:
        """Add one update over the units that it counts."""
        self.step += 1
        self.position += 1
        self.units += update.count
        self.loss += update.loss * update.count
        self.errors += update.errors
        self.gradient_norm += update.gradient_norm
        self.learning_rate = update.learning_rate
        self.count_time()

    def stepped(self, update: Update) -> Stepped:
        """The event of the update that was counted last."""
        told = (update.loss, update.gradient_norm, update.learning_rate)
        return Stepped(self.step, self.epoch, self.position, *told, self.seconds)

    def stopped(self, reason: StopReason) -> Stopped:
        """The event of the run's end."""
        return Stopped(reason, self.epoch, self.step, self.seconds, self.best.epoch)

    def means(self) -> Scores:
        """Mean loss and error rate over the epoch so far."""
        return {"loss": self.loss / self.units, "error": self.errors / self.units}

    def mean_gradient_norm(self) -> float:
        """Mean gradient norm over the epoch so far."""
        return self.gradient_norm / self.position

    def next_epoch(self, best: BestSoFar) -> None:
        """Close the epoch."""
        self.epoch += 1
        self.position = 0
        self.loss = self.errors = self.gradient_norm = self.units = 0.0
        self.best = best
        self.count_time()

    def count_time(self) -> None:
        """Bring `seconds` up to now."""
        now = time.perf_counter()
        self.seconds += now - self._since
        self._since = now

    def to_plain(self) -> dict[str, Any]:
        """Return the values as JSON can hold them."""
        values = dataclasses.asdict(self)
        del values["_since"]
        # JSON has no infinity: no epoch, no score
        values["best"]["score"] = None if self.best.epoch is None else self.best.score
        return values

    @classmethod
    def from_plain(cls, values: dict[str, Any]) -> "Progress":
        """Read what `to_plain` wrote."""
        best = dict(values["best"])
        if best["score"] is None:
            best = {}
        return cls(**(values | {"best": BestSoFar(**best)}))
