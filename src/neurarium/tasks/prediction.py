"""What a net answers to examples: one type for the screen, for files and for code."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from neurarium.record.notebook import html_table

_SHOWN = 5
_COLUMNS = 10


@dataclass(frozen=True, eq=False)
class Prediction:
    """Answers, a row each: to an example, or to each node, point or step of one.

    Attributes:
        values: probabilities of the classes, or numbers in the units of the targets; no columns where it is text.
        labels: the answer in a word or a text; empty where it is numbers.
        counts: how many rows each example has; empty where it has one.
        others: further numbers of another shape, such as a force for each atom, by name.
        notices: what a user should know of how the inputs were taken, a sentence each.
    """

    columns: tuple[str, ...]
    values: Float[np.ndarray, "rows columns"]
    labels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    others: dict[str, np.ndarray] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels) or len(self.values)

    def __repr__(self) -> str:
        answers = self.labels or [", ".join(f"{value:.4g}" for value in row[:_COLUMNS]) for row in self.values[:_SHOWN]]
        first = "; ".join(answers[:_SHOWN]) + ("; …" if len(self) > _SHOWN else "")
        return "; note: ".join([f"Prediction({len(self):,} answers: {first}", *self.notices]) + ")"

    def _repr_html_(self) -> str:
        columns = {"answer": self.labels[:_SHOWN]} if self.labels else {}
        for name, values in list(zip(self.columns, self.values[:_SHOWN].T, strict=False))[:_COLUMNS]:
            columns[name] = tuple(f"{value:.4g}" for value in values)
        more = f", the first {_SHOWN}" if len(self) > _SHOWN else ""
        rows = [(number, *row) for number, row in enumerate(zip(*columns.values(), strict=True))]
        return html_table(f"{len(self):,} answers{more}", rows, ("", *columns))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the columns."""
        return self.columns

    @property
    def probabilities(self) -> Float[np.ndarray, "rows classes"]:
        """Softmax of the outputs; rows sum to 1."""
        return self.values

    @property
    def indices(self) -> Int[np.ndarray, " rows"]:
        """Index of the most probable class of each row."""
        return self.values.argmax(1)


def joined(parts: Sequence[Prediction]) -> Prediction:
    """The answers of several batches, one after the other."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return Prediction(
        first.columns,
        np.concatenate([part.values for part in parts]),
        tuple(label for part in parts for label in part.labels),
        tuple(count for part in parts for count in part.counts),
        {name: np.concatenate([part.others[name] for part in parts]) for name in first.others},
    )
