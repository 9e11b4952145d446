"""The course of a run, digested from its record: what figures, tables and words are made of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neurarium.checks import RunError

Entry = dict[str, Any]


@dataclass(frozen=True)
class History:
    """A run as its record tells it.

    Attributes:
        reason: why the run stopped; none while it is under way, or where it was killed.
        sessions: how often it was started or resumed.
        notices: what the user was told on the way.
    """

    name: str
    parameters: int
    planned_epochs: int
    steps_per_epoch: int
    environment: Mapping[str, str]
    epochs: Sequence[Entry]
    steps: Sequence[Entry]
    reason: str | None
    step: int
    seconds: float
    sessions: int
    notices: Sequence[str]
    task: str = "classification"

    @property
    def best(self) -> Entry | None:
        """The entry of the best epoch; none before the first."""
        return next((entry for entry in reversed(self.epochs) if entry["best"]), None)

    def scores(self, part: str, name: str) -> list[float]:
        """One score of every epoch; not a number where it was not measured.

        `part`: "train" or "validation".
        """
        return [entry[part].get(name, math.nan) for entry in self.epochs]

    def column(self, name: str) -> list[float]:
        """One value of every epoch: "epoch", "gradient_norm", "learning_rate", "seconds"."""
        return [float(entry[name]) for entry in self.epochs]


def digest(entries: Sequence[Entry]) -> History:
    """Digest the entries of a record. Raises RunError: the record does not say that the run was started."""
    starts = [index for index, entry in enumerate(entries) if entry["event"] == "started"]
    if not starts:
        raise RunError(
            "record",
            expected="a run that was started",
            got=f"{len(entries)} lines without a start",
            remedy="train first",
        )
    first = entries[starts[-1]]
    stops = [entry for entry in entries[starts[-1] :] if entry["event"] == "stopped"]
    return History(
        name=first["name"],
        parameters=first["parameters"],
        planned_epochs=first["epochs"],
        steps_per_epoch=first["steps_per_epoch"],
        environment=first["environment"],
        epochs=[entry for entry in entries if entry["event"] == "epoch"],
        steps=[entry for entry in entries if entry["event"] == "step"],
        reason=stops[-1]["reason"] if stops else None,
        step=max(entry.get("step", 0) for entry in entries),
        seconds=max(entry.get("seconds", 0.0) for entry in entries),
        sessions=len(starts),
        notices=[entry["message"] for entry in entries if entry["event"] == "notice"],
        task=first.get("task", "classification"),
    )
