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
        unit: "dB", "nats"; "%" for a fraction, whose value lies between 0 and 1 where things are well.
        baseline: what something simple reaches by the same metric; none where there is nothing to compare with.
        against: what that is, such as "always the mean".
        interval: 95 % confidence, where it is known.
        remedy: what to do, as the end of a sentence; only where the baseline is a guess and the value is no better by
            more than chance explains.
    """

    name: str
    value: float
    meaning: str
    unit: str = ""
    higher_is_better: bool = True
    baseline: float | None = None
    against: str = ""
    interval: tuple[float, float] | None = None
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.written(self.value)}"

    def in_words(self) -> str:
        """The value, its interval, and what something simple reaches."""
        words = self.written(self.value)
        if self.interval is not None:
            words += f" (95 % interval {' to '.join(map(self.written, self.interval))})"
        return words if self.baseline is None else f"{words}; {self.against}: {self.written(self.baseline)}"

    def written(self, value: float) -> str:
        """A value of this metric with its unit."""
        return f"{100 * value:.1f} %" if self.unit == "%" else f"{value:.4g} {self.unit}".strip()


@dataclass(frozen=True, eq=False)
class Scores:
    """How well a net does on a set of examples.

    Attributes:
        loss: mean of the loss; none where the net's rule has none.
        metrics: the most telling one first.
        details: what belongs to the task and `scores.json` holds: a confusion matrix, the worst mistakes.
        arrays: an entry an example, for figures; not written.
        notices: what a user should know of which examples were scored, a sentence each.
        warnings: what should make a reader doubt the net, a sentence each (`training.doubts`).
    """

    task: str
    split: str
    data: str
    examples: int
    loss: float | None
    metrics: tuple[Metric, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        said = f"Scores({self._measured()}: {', '.join(map(str, self.metrics)) or 'not judged'}"
        said = "; note: ".join([said, *self.notices])
        return "; warning: ".join([said, *self.warnings]) + ")"

    def _repr_html_(self) -> str:
        rows = [(metric.name, metric.in_words()) for metric in self.metrics]
        return html_table(self._measured(), [*rows, *(("warning", words) for words in self.warnings)])

    def _measured(self) -> str:
        return f"{self.task} of {self.examples:,} {self.split} examples of {self.data}"

    def value(self, name: str) -> float:
        """The value of a metric; a `KeyError` where there is none of this name."""
        return {metric.name: metric.value for metric in self.metrics}[name]

    @property
    def accuracy(self) -> float:
        """Fraction of right answers, of a net that tells classes apart."""
        return self.value("accuracy")

    def to_plain(self) -> dict[str, Any]:
        """Return the scores as JSON can hold them."""
        plain = {name: getattr(self, name) for name in ("task", "split", "data", "loss", "examples")}
        plain["warnings"] = list(self.warnings)
        return {**plain, "metrics": [dataclasses.asdict(metric) for metric in self.metrics], **self.details}
