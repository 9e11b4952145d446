"""Early stopping: end a run when the validation score has not improved for a while, and go back to the best weights.

Source: L. Prechelt, "Early stopping - but when?", 1998.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from neurarium.checks import ConfigError


@dataclass(frozen=True)
class EarlyStopping:
    """When to stop, and which weights to keep."""

    patience: int | None = None
    """Epochs without improvement before the run stops; none: never."""
    monitor: Literal["error", "loss", "nothing"] = "error"
    """Validation score to watch (lower is better); nothing where none says how good the net is, as with generators."""
    min_delta: float = 0.0
    """Improvement smaller than this does not count."""
    restore_best: bool = True
    """End with the weights of the best epoch instead of the last, where a score is watched."""

    def __post_init__(self) -> None:
        if self.patience is not None and self.patience < 1:
            raise ConfigError("early_stopping.patience", expected="an integer >= 1 or none", got=str(self.patience))
        if self.patience is not None and self.monitor == "nothing":
            raise ConfigError(
                "early_stopping.patience",
                expected="none, as no score is watched",
                got=str(self.patience),
                remedy="--early-stopping.monitor loss",
            )
        if not self.min_delta >= 0:
            raise ConfigError("early_stopping.min_delta", expected="a number >= 0", got=str(self.min_delta))

    def judge(self, best: "BestSoFar", epoch: int, scores: Mapping[str, float]) -> "BestSoFar":
        """Return the best epoch so far, now that one has ended with these scores."""
        if self.monitor == "nothing":
            return best
        return best.after(epoch, self.watched(scores), self.min_delta)

    def watched(self, scores: Mapping[str, float]) -> float:
        """The score that is watched; the loss where none is, for whoever needs a number."""
        return scores["loss" if self.monitor == "nothing" else self.monitor]


@dataclass(frozen=True)
class BestSoFar:
    """The best epoch of a run so far and how long ago it was.

    Example:
        >>> best = BestSoFar().after(1, 0.5, min_delta=0.0).after(2, 0.6, min_delta=0.0)
        >>> best.epoch, best.waited
        (1, 1)
    """

    score: float = math.inf
    epoch: int | None = None
    waited: int = 0

    def after(self, epoch: int, score: float, min_delta: float) -> "BestSoFar":
        """Return the state after an epoch with this score (lower is better)."""
        if self.epoch is None or score < self.score - min_delta:
            return BestSoFar(score, epoch, 0)
        return replace(self, waited=self.waited + 1)

    def exhausted(self, patience: int | None) -> bool:
        """Say whether patience has run out."""
        return patience is not None and self.waited >= patience
