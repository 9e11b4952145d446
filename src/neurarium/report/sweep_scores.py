"""What a sweep has shown: mean and standard deviation over the seeds of each cell, and the best cell.

mean = 1/n sum_i x_i,    sd = sqrt(1/(n-1) sum_i (x_i - mean)^2),    n runs of one cell
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from neurarium.report.history import Entry, History

MEASURES = ("error", "loss")


class Spread(NamedTuple):
    """Mean and standard deviation; not a number where there are too few values."""

    mean: float
    sd: float
    runs: int


@dataclass(frozen=True)
class SweptCell:
    """One cell of a sweep and the runs that reached their end.

    Attributes:
        name: what tells it from the others.
        settings: dotted field to value.
        histories: of the runs that finished, in the order of their seeds.
        diverged: runs that met a number that is not finite.
        missing: runs that are not over.
    """

    name: str
    settings: dict[str, Any]
    histories: Sequence[History]
    diverged: int = 0
    missing: int = 0

    def at_best(self, measure: str) -> Spread:
        """Validation score in each run's best epoch."""
        return spread([_validation(_best(history), measure) for history in self.histories])

    def at_end(self, measure: str) -> Spread:
        """Validation score after each run's last epoch."""
        return spread([_validation(history.epochs[-1], measure) for history in self.histories])

    def seconds(self) -> Spread:
        """Learning time of a run."""
        return spread([history.seconds for history in self.histories])

    def course(self, part: str, measure: str) -> tuple[list[int], list[Spread]]:
        """One score over the epochs, as far as all runs went: further on the mean would be over other runs.

        Args:
            part: "train" or "validation".
            measure: "error" or "loss".
        """
        columns = [history.scores(part, measure) for history in self.histories]
        common = min((len(column) for column in columns), default=0)
        epochs = [int(entry["epoch"]) for entry in self.histories[0].epochs[:common]] if common else []
        return epochs, [spread([column[k] for column in columns]) for k in range(common)]

    def to_plain(self) -> dict[str, Any]:
        """Return the numbers as JSON can hold them."""
        scores = {
            f"validation {measure} {where}": _jsonable(value)
            for measure in MEASURES
            for where, value in (("at best", self.at_best(measure)), ("at end", self.at_end(measure)))
        }
        counts = {"finished": len(self.histories), "diverged": self.diverged, "missing": self.missing}
        return {"name": self.name, "settings": self.settings, **counts, **scores, "seconds": _jsonable(self.seconds())}


def spread(values: Sequence[float]) -> Spread:
    """Return mean and standard deviation (n - 1 in the denominator) of some values.

    Example:
        >>> spread([1.0, 3.0])
        Spread(mean=2.0, sd=1.4142135623730951, runs=2)
    """
    mean = statistics.fmean(values) if values else math.nan
    sd = statistics.stdev(values) if len(values) > 1 else math.nan
    return Spread(mean, sd, len(values))


def best_cell(cells: Sequence[SweptCell]) -> SweptCell | None:
    """The cell with the lowest mean validation error in the best epochs.

    A cell of which a run diverged stands behind all that lost none: the mean of its survivors flatters it.
    """
    candidates = [cell for cell in cells if cell.histories]
    return min(candidates, key=lambda cell: (cell.diverged, cell.at_best("error").mean), default=None)


def tell_best(cells: Sequence[SweptCell]) -> str:
    """Name the best cell, and say whether it stands out from the next.

    Two cells count as told apart where their means differ by more than 2 standard errors,
    sqrt(sd_1^2 / n_1 + sd_2^2 / n_2).
    """
    best = best_cell(cells)
    if best is None:
        return "No run has come to its end."
    reached = best.at_best("error")
    line = f"Best cell: {best.name}, validation error {shown(reached, 2, unit=100.0)} %."
    rest = [cell for cell in cells if cell is not best]
    second = best_cell(rest)
    if second is None:
        return line
    other = second.at_best("error")
    points = f"{100 * (other.mean - reached.mean):.2f} percentage points"
    if second.diverged > best.diverged:
        return f"{line} Every other cell lost runs to divergence."
    if reached.runs < 2 or other.runs < 2:
        return f"{line} The next, {second.name}, is {points} behind; with one seed nobody can say whether by chance."
    noise = 2 * math.sqrt(reached.sd**2 / reached.runs + other.sd**2 / other.runs)
    verdict = "more than two standard errors" if other.mean - reached.mean > noise else "which may be chance"
    return f"{line} The next, {second.name}, is {points} behind: {verdict}."


def shown(value: Spread, digits: int, unit: float = 1.0) -> str:
    """Write mean and deviation with so many decimals, both times `unit`.

    Example:
        >>> shown(Spread(0.0312, 0.004, 5), 2, unit=100.0), shown(Spread(0.5, math.nan, 1), 1)
        ('3.12 ± 0.40', '0.5')
    """
    if math.isnan(value.mean):
        return "-"
    deviation = "" if math.isnan(value.sd) else f" ± {unit * value.sd:.{digits}f}"
    return f"{unit * value.mean:.{digits}f}{deviation}"


def _best(history: History) -> Entry:
    return history.best or history.epochs[-1]


def _validation(entry: Entry, measure: str) -> float:
    return float(entry["validation"].get(measure, math.nan))


def _jsonable(value: Spread) -> dict[str, float | int | None]:
    """JSON has no "not a number"."""
    return {name: None if x != x else x for name, x in value._asdict().items()}
