"""How making examples is told."""

from neurarium.report.metrics import tell_metrics
from neurarium.report.tasks.task_report import ScoresFile, TaskReport
from neurarium.report.tasks.usage import sample

_UNJUDGED = "Nobody has judged what it makes: name a classifier of such examples (--pretrained) to have it scored."


def _outcome(scores: ScoresFile) -> str:
    return tell_metrics(scores) or _UNJUDGED


REPORT = TaskReport(
    learned="learned to make {inputs} like the given ones",
    axis="misjudged examples in %",
    error="Fraction of examples, real and generated, that the discriminator takes for the other kind: 50 % where it "
    "can tell nothing",
    call="run.sample(100)",
    sentences=lambda scores: [_outcome(scores)],
    outcome=_outcome,
    usage=sample,
)
