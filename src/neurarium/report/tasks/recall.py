"""How a memory is told: it is measured on what it stored, whatever the split."""

from collections.abc import Sequence

from neurarium.report.format import many
from neurarium.report.metrics import metrics_headline, metrics_section, tell_metrics
from neurarium.report.render import Section
from neurarium.report.tasks.task_report import Pictures, ScoresFile, TaskReport
from neurarium.report.tasks.usage import SCALED


def _stored(scores: ScoresFile) -> str:
    return f"the {many(scores['examples'], 'stored example')}"


def _sections(scores: ScoresFile, pictures: Pictures) -> Sequence[Section | None]:
    return [metrics_section(scores, _stored(scores))]


def _outcome(scores: ScoresFile) -> str:
    return tell_metrics(scores, _stored(scores))


REPORT = TaskReport(
    learned="stored {inputs} and recalls them from damaged ones",
    axis="wrong units in %",
    error="Share of wrong units",
    call=SCALED,
    headline=lambda scores: metrics_headline(scores, _stored(scores)),
    sections=_sections,
    sentences=lambda scores: [_outcome(scores)],
    outcome=_outcome,
    measured_on=_stored,
)
