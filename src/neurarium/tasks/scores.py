"""How well a net does: numbers, each with all that a reader needs to judge it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Metric:
    """One number of how well a net does.

    Attributes:
        name: what it is called, such as "PSNR".
        value: the number.
        meaning: what it says, a line.
        unit: "dB", "nats"; "%" for a share, whose value lies between 0 and 1 where things are well.
        higher_is_better: which way.
        baseline: what something simple reaches by the same metric; none where there is nothing to compare with.
        against: what that is, such as "always the mean".
        interval: 95 % confidence, where it is known.
    """

    name: str
    value: float
    meaning: str
    unit: str = ""
    higher_is_better: bool = True
    baseline: float | None = None
    against: str = ""
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Scores:
    """How well a net does on a set of examples.

    Attributes:
        task: what is asked of the net.
        split: which part of the data.
        data: name of the data.
        examples: how many were measured.
        loss: mean of the loss; none where the net's rule has none.
        metrics: the most telling one first.
        details: what belongs to the task and `scores.json` holds: a confusion matrix, the worst mistakes.
        arrays: an entry an example, for pictures; not written.
    """

    task: str
    split: str
    data: str
    examples: int
    loss: float | None
    metrics: tuple[Metric, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def value(self, name: str) -> float:
        """The value of a metric.

        Raises:
            KeyError: there is none of this name.
        """
        found = {metric.name: metric.value for metric in self.metrics}
        return found[name]

    @property
    def accuracy(self) -> float:
        """Share of right answers, of a net that tells classes apart."""
        return self.value("accuracy")

    def to_plain(self) -> dict[str, Any]:
        """Return the scores as JSON can hold them."""
        return {
            "task": self.task,
            "split": self.split,
            "data": self.data,
            "loss": self.loss,
            "examples": self.examples,
            "metrics": [dataclasses.asdict(metric) for metric in self.metrics],
            **self.details,
        }
