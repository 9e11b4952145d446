"""Learning-rate schedules: a factor on the base rate, a pure function of the step.

Letters: t is the update counted from 0, T the number of updates of the run, w the warm-up's length in updates.

    constant      1
    step          gamma^floor(t / every)
    exponential   min_factor^(t / T)
    cosine        min_factor + (1 - min_factor) (1 + cos(pi t / T)) / 2
    linear        1 - (1 - min_factor) t / T
    inverse-sqrt  sqrt(w / (t + 1))
    plateau       1, times what `learning.plateau` makes of the scores

With a warm-up the factor of the first w updates is (t + 1) / w and the rest of the schedule is laid over the T - w
that remain; inverse-sqrt alone does not ask how long the run is. With its warm-up it is the schedule of the
Transformer, min(s^(-1/2), s w^(-3/2)) for s = t + 1, times sqrt(w): 1 at its peak, so that the learning rate of the
recipe is the largest one. Without a warm-up w is 1. Being a function of the step alone, a schedule has no state to
save; the part of plateau that follows the scores has, and the learning rule keeps it.

Source: inverse-sqrt: A. Vaswani et al., "Attention is all you need", 2017, section 5.3; cosine: I. Loshchilov,
F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", 2017; warm-up: P. Goyal et al., "Accurate, large
minibatch SGD: training ImageNet in 1 hour", 2017.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from neurarium.checks import ConfigError

ScheduleName = Literal["constant", "step", "exponential", "cosine", "linear", "inverse-sqrt", "plateau"]


@dataclass(frozen=True)
class Schedule:
    """How the learning rate changes over a run.

    Example:
        >>> factor = Schedule("cosine").factor(total=10)
        >>> [round(factor(t), 3) for t in (0, 5, 10)]
        [1.0, 0.5, 0.0]
    """

    name: ScheduleName = "constant"
    """Course of the factor on the learning rate."""
    warmup: float = 0.0
    """Fraction of the run over which the rate rises linearly from zero, in [0, 1)."""
    min_factor: float = 0.0
    """Factor at the end (cosine, linear, exponential) or lowest factor (plateau), in [0, 1]; exponential needs > 0."""
    gamma: float = 0.1
    """Factor of each drop (step, plateau); below 1 for plateau."""
    drops: int = 2
    """Number of drops, evenly spaced (step)."""
    patience: int = 5
    """Epochs without improvement of the watched score before the rate drops (plateau)."""
    threshold: float = 0.0
    """Improvement of the score smaller than this does not count (plateau)."""

    def __post_init__(self) -> None:
        if not 0 <= self.warmup < 1:
            raise ConfigError("schedule.warmup", expected="a fraction in [0, 1)", got=str(self.warmup))
        least = "more than 0 and at most 1" if self.name == "exponential" else "a factor in [0, 1]"
        if not (0 <= self.min_factor <= 1) or (self.name == "exponential" and self.min_factor == 0):
            raise ConfigError("schedule.min_factor", expected=least, got=str(self.min_factor))
        if not 0 < self.gamma < math.inf or self.drops < 0:
            raise ConfigError(
                "schedule", expected="gamma > 0 and drops >= 0", got=f"gamma {self.gamma}, drops {self.drops}"
            )
        if self.name == "plateau" and not self.gamma < 1:
            raise ConfigError("schedule.gamma", expected="a factor in (0, 1) for plateau", got=str(self.gamma))
        if self.patience < 1:
            raise ConfigError("schedule.patience", expected="an integer >= 1", got=str(self.patience))
        if not self.threshold >= 0:
            raise ConfigError("schedule.threshold", expected="a number >= 0", got=str(self.threshold))

    def factor(self, total: int) -> Callable[[int], float]:
        """Return the factor as a function of the update's number, for a run of `total` updates.

        That of plateau is the warm-up alone; `learning.plateau.Plateau` holds the rest.
        """
        warm = round(self.warmup * total)
        course = max(1, total - warm)

        def at(step: int) -> float:
            if step < warm:
                return (step + 1) / warm
            if self.name == "inverse-sqrt":
                return math.sqrt(max(1, warm) / (step + 1))
            return self._course((step - warm) / course)

        return at

    def _course(self, x: float) -> float:
        """Factor at the fraction x of the way after the warm-up."""
        match self.name:
            case "step":
                return self.gamma ** min(self.drops, math.floor(x * (self.drops + 1)))
            case "exponential":
                return self.min_factor**x
            case "cosine":
                return self.min_factor + (1 - self.min_factor) * (1 + math.cos(math.pi * min(1.0, x))) / 2
            case "linear":
                return 1 - (1 - self.min_factor) * min(1.0, x)
            case _:
                return 1.0
