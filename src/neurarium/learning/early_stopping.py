"""Early stopping: end a run when the development score has not improved for a while, and go back to the best weights.

Source: L. Prechelt, "Early stopping - but when?", 1998.
"""

import math
from dataclasses import dataclass, replace

from neurarium.checks import ConfigError


@dataclass(frozen=True)
class EarlyStopping:
    """When to stop, and which weights to keep."""

    patience: int | None = None
    """Epochs without improvement before the run stops; none: never."""
    monitor: str = "error"
    """Development score to watch (lower is better): "error" or "objective"."""
    least_gain: float = 0.0
    """Improvement smaller than this does not count."""
    restore_best: bool = True
    """End with the weights of the best epoch instead of the last."""

    def __post_init__(self) -> None:
        """Refuse what no run can mean."""
        if self.patience is not None and self.patience < 1:
            raise ConfigError("early_stopping.patience", expected="a whole number >= 1 or none", got=str(self.patience))
        if not self.least_gain >= 0:
            raise ConfigError("early_stopping.least_gain", expected="a number >= 0", got=str(self.least_gain))


@dataclass(frozen=True)
class BestSoFar:
    """The best epoch of a run so far and how long ago it was.

    Example:
        >>> best = BestSoFar().after(1, 0.5, least_gain=0.0).after(2, 0.6, least_gain=0.0)
        >>> best.epoch, best.waited
        (1, 1)
    """

    score: float = math.inf
    epoch: int | None = None
    waited: int = 0

    def after(self, epoch: int, score: float, least_gain: float) -> "BestSoFar":
        """Return the state after an epoch with this score (lower is better)."""
        if self.epoch is None or score < self.score - least_gain:
            return BestSoFar(score, epoch, 0)
        return replace(self, waited=self.waited + 1)

    def exhausted(self, patience: int | None) -> bool:
        """Say whether patience has run out."""
        return patience is not None and self.waited >= patience
