"""How a language model is told: it is measured on tokens."""

from neurarium.report.format import many
from neurarium.report.tasks.task_report import ScoresFile, measured_by
from neurarium.report.tasks.usage import predict


def _tokens(scores: ScoresFile) -> str:
    return many(scores["tokens"], f"{scores['split']} token")


REPORT = measured_by(
    _tokens,
    learned="learned to predict what comes next in {inputs}",
    axis="wrong next tokens in %",
    error="Fraction of tokens that are not the ones it holds for the likeliest",
    call="run.predict(inputs).labels",
    usage=predict,
)
