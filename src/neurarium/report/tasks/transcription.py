"""How transcription is told: its metrics, and some answers beside what was said."""

from collections.abc import Sequence

from neurarium.report.metrics import metrics_section
from neurarium.report.render import Section
from neurarium.report.tasks.answers import answers_section
from neurarium.report.tasks.task_report import Figures, ScoresFile, TaskReport
from neurarium.report.tasks.usage import predict


def _sections(scores: ScoresFile, figures: Figures) -> Sequence[Section | None]:
    return [answers_section(scores, "by the likeliest paths"), metrics_section(scores)]


REPORT = TaskReport(
    learned="learned to write down what is said in {inputs}",
    axis="wrong tokens in % of the right ones",
    error="Tokens to be put in, taken out or exchanged, for each token that is right",
    call="run.predict(inputs).labels",
    sections=_sections,
    usage=predict,
)
