"""A learning rate that falls when learning stalls: the schedule "plateau".

After each epoch, with its score s (lower is better), the best score b so far and k, the epochs since:

    s < b - threshold:    b <- s, k <- 0
    otherwise:            k <- k + 1;  when k = patience:  factor <- max(gamma factor, min_factor), k <- 0

The score is the one that early stopping watches. A score that is not finite is no improvement.
torch.optim's ReduceLROnPlateau calls one less than ours its patience, and by default compares relative to b.

Source: the practice of A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional
neural networks", 2012, section 5: divide the rate by 10 when the validation error stops improving.
"""

import math
from dataclasses import dataclass, replace

from neurarium.learning.schedules import Schedule


@dataclass(frozen=True)
class Plateau:
    """What the schedule has made of the scores so far.

    Example:
        >>> state, schedule = Plateau(), Schedule("plateau", gamma=0.5, patience=2)
        >>> for score in (0.3, 0.2, 0.2, 0.4):
        ...     state = state.after(score, schedule)
        >>> state
        Plateau(factor=0.5, best=0.2, waited=0)
    """

    factor: float = 1.0
    """On the learning rate of every update of the next epoch."""
    best: float | None = None
    """Lowest score so far; none before the first epoch has ended."""
    waited: int = 0
    """Epochs since the best score or the last drop."""

    def after(self, score: float, schedule: Schedule) -> "Plateau":
        """Return the state after an epoch with this score (lower is better)."""
        if math.isfinite(score) and (self.best is None or score < self.best - schedule.threshold):
            return Plateau(self.factor, score)
        if self.waited + 1 < schedule.patience:
            return replace(self, waited=self.waited + 1)
        # a min_factor above the factor must not raise it
        return replace(self, factor=min(self.factor, max(schedule.gamma * self.factor, schedule.min_factor)), waited=0)
