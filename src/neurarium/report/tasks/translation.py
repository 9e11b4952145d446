"""How translation is told: its metrics, and some answers beside what they should be."""

from collections.abc import Sequence

from neurarium.report.format import many
from neurarium.report.metrics import metrics_section
from neurarium.report.render import Section, render
from neurarium.report.tasks.task_report import Figures, ScoresFile, TaskReport
from neurarium.report.tasks.usage import predict


def _sections(scores: ScoresFile, figures: Figures) -> Sequence[Section | None]:
    return [_answers(scores), metrics_section(scores)]


def _answers(scores: ScoresFile) -> Section | None:
    listed = scores["answers"]
    if not listed:
        return None
    rows = [
        (str(n), answer["said"], answer["truth"], "right" if answer["said"] == answer["truth"] else "wrong")
        for n, answer in enumerate(listed)
    ]
    caption = f"The first {many(len(rows), 'answer')} of the {scores['split']} data, decoded greedily, counted from 0"
    columns = ("example", "said", "truth", "")
    body = render("table.html", caption=caption, columns=columns, rows=rows, words=4)
    return Section("answers", "Answers", "Answers", body)


REPORT = TaskReport(
    learned="learned to turn {inputs} into {names}",
    axis="wrong next tokens in %",
    error="Fraction of wrong next tokens, the right ones before given",
    call="run.predict(inputs).labels",
    sections=_sections,
    usage=predict,
)
