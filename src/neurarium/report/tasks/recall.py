"""How a memory is told: it is measured on what it stored, whatever the split."""

from neurarium.report.format import many
from neurarium.report.tasks.task_report import ScoresFile, measured_by
from neurarium.report.tasks.usage import SCALED


def _stored(scores: ScoresFile) -> str:
    return f"the {many(scores['examples'], 'stored example')}"


REPORT = measured_by(
    _stored,
    learned="stored {inputs} and recalls them from damaged ones",
    axis="wrong units in %",
    error="Fraction of wrong units",
    call=SCALED,
)
