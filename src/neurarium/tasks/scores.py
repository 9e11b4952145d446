"""How well a net does: numbers, each with all that a reader needs to judge it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurarium.record.notebook import html_table


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

    def __str__(self) -> str:
        return f"{self.name} {self._written(self.value)}"

    def in_words(self) -> str:
        """The value, its interval, and what something simple reaches."""
        words = self._written(self.value)
        if self.interval is not None:
            words += f" (95 % interval {' to '.join(map(self._written, self.interval))})"
        return words if self.baseline is None else f"{words}; {self.against}: {self._written(self.baseline)}"

    def _written(self, value: float) -> str:
        return f"{100 * value:.1f} %" if self.unit == "%" else f"{value:.4g} {self.unit}".strip()


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

    def __repr__(self) -> str:
        return f"Scores({self._measured()}: {', '.join(map(str, self.metrics)) or 'not judged'})"

    def _repr_html_(self) -> str:
        return html_table(self._measured(), [(metric.name, metric.in_words()) for metric in self.metrics])

    def _measured(self) -> str:
        return f"{self.task} of {self.examples:,} {self.split} examples of {self.data}"

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
