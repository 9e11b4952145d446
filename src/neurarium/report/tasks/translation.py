"""How translation is told: its metrics, and some answers beside what they should be."""

from collections.abc import Sequence

from neurarium.report.metrics import metrics_section
from neurarium.report.render import Section
from neurarium.report.tasks.answers import answers_section
from neurarium.report.tasks.task_report import Figures, ScoresFile, TaskReport
from neurarium.report.tasks.usage import predict


def _sections(scores: ScoresFile, figures: Figures) -> Sequence[Section | None]:
    return [answers_section(scores, "decoded greedily"), metrics_section(scores)]


REPORT = TaskReport(
    learned="learned to turn {inputs} into {names}",
    axis="wrong next tokens in %",
    error="Fraction of wrong next tokens, the right ones before given",
    call="run.predict(inputs).labels",
    sections=_sections,
    usage=predict,
)
