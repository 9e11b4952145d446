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
        unit: "dB", "nats"; "%" for a share, whose value lies between 0 and 1 where things are well.
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
        """The value of a metric; a `KeyError` where there is none of this name."""
        return {metric.name: metric.value for metric in self.metrics}[name]

    @property
    def accuracy(self) -> float:
        """Share of right answers, of a net that tells classes apart."""
        return self.value("accuracy")

    def to_plain(self) -> dict[str, Any]:
        """Return the scores as JSON can hold them."""
        plain = {name: getattr(self, name) for name in ("task", "split", "data", "loss", "examples")}
        return {**plain, "metrics": [dataclasses.asdict(metric) for metric in self.metrics], **self.details}
