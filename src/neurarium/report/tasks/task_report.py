"""What a report, the command line and the curves say of a run, by what was asked of its net."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from neurarium.record.schema import Schema
from neurarium.report.metrics import measured_on, metrics_headline, metrics_section, tell_metrics
from neurarium.report.render import Section

ScoresFile: TypeAlias = Mapping[str, Any]
"""Content of `scores.json`."""
Figures: TypeAlias = Callable[[str], bytes | None]
"""The PNG of a figure by its name, where the run has it."""
Commands: TypeAlias = Sequence[tuple[str, str]]
"""Lines to type, each with what it does before it."""
Hint: TypeAlias = tuple[str, str, str]
"""How to read something: color of its curve in the style sheet, or empty; name; explanation."""


def _metrics(scores: ScoresFile, figures: Figures) -> Sequence[Section | None]:
    return [metrics_section(scores)]


def _told(scores: ScoresFile) -> list[str]:
    return [tell_metrics(scores)]


def _nothing(folder: Path, schema: Schema) -> Commands:
    return []


@dataclass(frozen=True)
class TaskReport:
    """How results of a task are told; a task with nothing of its own shows its metrics.

    Attributes:
        learned: what the net learned, with {classes}, {inputs} and {names} to be filled in.
        axis: what the curve of the error shows.
        error: what an error is, a sentence without its end.
        call: how a run is used in Python, where `run` is the run.
        headline: the result, large: HTML as `render` makes it; plain text is escaped.
        sections: what belongs to the task alone; none where there is nothing to show.
        sentences: the result in words.
        outcome: what the command line says when a run is over.
        measured_on: how many of what were measured.
        usage: what to type to use a run, given its folder and its schema.
        reading: how to read the curves; empty: the error is explained.
        fractions: whether an error is a fraction of examples, so that its standard error is known.
    """

    learned: str
    axis: str
    error: str
    call: str
    headline: Callable[[ScoresFile], str] = metrics_headline
    sections: Callable[[ScoresFile, Figures], Sequence[Section | None]] = _metrics
    sentences: Callable[[ScoresFile], list[str]] = _told
    outcome: Callable[[ScoresFile], str] = tell_metrics
    measured_on: Callable[[ScoresFile], str] = measured_on
    usage: Callable[[Path, Schema], Commands] = _nothing
    reading: Sequence[Hint] = ()
    fractions: bool = False


def measured_by(counted: Callable[[ScoresFile], str], **words: Any) -> TaskReport:
    """The report of a task that is measured on something else than the examples of a split, which `counted` says."""
    return TaskReport(
        headline=lambda scores: metrics_headline(scores, counted(scores)),
        sections=lambda scores, figures: [metrics_section(scores, counted(scores))],
        sentences=lambda scores: [tell_metrics(scores, counted(scores))],
        outcome=lambda scores: tell_metrics(scores, counted(scores)),
        measured_on=counted,
        **words,
    )
