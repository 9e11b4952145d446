"""A score with all that a reader needs to judge it."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from neurarium.nets.spec import Purpose

Task = Literal["classification", "regression", "reconstruction", "density", "generation", "recall"]


def task_of(purpose: Purpose, targets: Literal["classes", "numbers"]) -> Task:
    """What a run is about: its net's purpose, and for nets that predict the kind of their targets.

    Example:
        >>> task_of("prediction", "numbers"), task_of("generation", "classes")
        ('regression', 'generation')
    """
    if purpose == "prediction":
        return "classification" if targets == "classes" else "regression"
    return purpose


@dataclass(frozen=True)
class Measure:
    """One number of how well a net does.

    Attributes:
        name: what it is called, such as "PSNR".
        value: the number.
        meaning: what it says, a line.
        unit: "dB", "nats"; "%" for a share, whose value lies between 0 and 1 where things are well.
        higher_is_better: which way.
        baseline: what something simple reaches by the same measure; none where there is nothing to compare with.
        against: what that is, such as "always the mean".
    """

    name: str
    value: float
    meaning: str
    unit: str = ""
    higher_is_better: bool = True
    baseline: float | None = None
    against: str = ""


@dataclass(frozen=True)
class Measured:
    """How well a net does on a set of examples.

    Attributes:
        task: what the net is for.
        objective: mean of the objective; none where the net's rule has none.
        examples: how many were measured.
        measures: the most telling one first.
    """

    task: Task
    objective: float | None
    examples: int
    measures: tuple[Measure, ...]

    def value(self, name: str) -> float:
        """The value of a measure.

        Args:
            name: as in `Measure.name`.
        """
        return next(measure.value for measure in self.measures if measure.name == name)

    def to_plain(self) -> dict[str, Any]:
        """Return the scores as JSON can hold them."""
        return {
            "task": self.task,
            "objective": self.objective,
            "examples": self.examples,
            "measures": [dataclasses.asdict(measure) for measure in self.measures],
        }
