"""How a language model is told: it is measured on tokens."""

from collections.abc import Sequence

from neurarium.report.format import many
from neurarium.report.metrics import metrics_headline, metrics_section, tell_metrics
from neurarium.report.render import Section
from neurarium.report.tasks.task_report import Pictures, ScoresFile, TaskReport
from neurarium.report.tasks.usage import predict


def _tokens(scores: ScoresFile) -> str:
    return many(scores["tokens"], f"{scores['split']} token")


def _sections(scores: ScoresFile, pictures: Pictures) -> Sequence[Section | None]:
    return [metrics_section(scores, _tokens(scores))]


def _outcome(scores: ScoresFile) -> str:
    return tell_metrics(scores, _tokens(scores))


REPORT = TaskReport(
    learned="learned to predict what comes next in {inputs}",
    axis="wrong next tokens in %",
    error="Share of tokens that are not the ones it holds for the likeliest",
    call="run.predict(inputs).labels",
    headline=lambda scores: metrics_headline(scores, _tokens(scores)),
    sections=_sections,
    sentences=lambda scores: [_outcome(scores)],
    outcome=_outcome,
    measured_on=_tokens,
    usage=predict,
)
