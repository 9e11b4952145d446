"""Learning-rate schedules: a factor on the base rate, a pure function of the step.

Letters: t is the update counted from 0, T the number of updates of the run, w the warm-up's length in updates.

    constant      1
    step          gamma^floor(t / every)
    exponential   floor^(t / T)
    cosine        floor + (1 - floor) (1 + cos(pi t / T)) / 2
    linear        1 - (1 - floor) t / T

With a warm-up the factor of the first w updates is (t + 1) / w and the rest of the schedule is laid over the T - w
that remain. Being a function of the step alone, a schedule has no state to save.

Source: cosine: I. Loshchilov, F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", 2017; warm-up:
P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from neurarium.checks import ConfigError

ScheduleName = Literal["constant", "step", "exponential", "cosine", "linear"]


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
    """Share of the run over which the rate rises linearly from zero, in [0, 1)."""
    floor: float = 0.0
    """Factor at the end (cosine, linear, exponential), in [0, 1]; exponential needs more than 0."""
    gamma: float = 0.1
    """Factor of each drop (step)."""
    drops: int = 2
    """Number of drops, evenly spaced (step)."""

    def __post_init__(self) -> None:
        """Refuse what no schedule can mean."""
        if not 0 <= self.warmup < 1:
            raise ConfigError("schedule.warmup", expected="a share in [0, 1)", got=str(self.warmup))
        least = "more than 0 and at most 1" if self.name == "exponential" else "a factor in [0, 1]"
        if not (0 <= self.floor <= 1) or (self.name == "exponential" and self.floor == 0):
            raise ConfigError("schedule.floor", expected=least, got=str(self.floor))
        if self.gamma <= 0 or self.drops < 0:
            raise ConfigError(
                "schedule", expected="gamma > 0 and drops >= 0", got=f"gamma {self.gamma}, drops {self.drops}"
            )

    def factor(self, total: int) -> Callable[[int], float]:
        """Return the factor as a function of the update's number, for a run of `total` updates."""
        warm = round(self.warmup * total)
        course = max(1, total - warm)

        def at(step: int) -> float:
            if step < warm:
                return (step + 1) / warm
            return self._course((step - warm) / course)

        return at

    def _course(self, x: float) -> float:
        """Factor at the share x of the way after the warm-up."""
        match self.name:
            case "step":
                return self.gamma ** min(self.drops, math.floor(x * (self.drops + 1)))
            case "exponential":
                return self.floor**x
            case "cosine":
                return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * min(1.0, x))) / 2
            case "linear":
                return 1 - (1 - self.floor) * min(1.0, x)
            case _:
                return 1.0
