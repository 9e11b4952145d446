"""How translation is told: its metrics, and some answers beside what they should be."""

from neurarium.report import markup
from neurarium.report.format import many
from neurarium.report.metrics import metrics_section
from neurarium.report.tasks.task_report import Pictures, ScoresFile, TaskReport
from neurarium.report.tasks.usage import predict


def _sections(scores: ScoresFile, pictures: Pictures) -> dict[str, str]:
    return {"Answers": _answers(scores), "Scores": metrics_section(scores)}


def _answers(scores: ScoresFile) -> str:
    listed = scores["answers"]
    if not listed:
        return ""
    rows = [
        (str(n), answer["said"], answer["truth"], "right" if answer["said"] == answer["truth"] else "wrong")
        for n, answer in enumerate(listed)
    ]
    caption = f"The first {many(len(rows), 'answer')} of the {scores['split']} data, decoded greedily, counted from 0"
    columns = ("example", "said", "truth", "")
    return markup.section("answers", "Answers", [markup.table(caption, columns, rows, words=4)])


REPORT = TaskReport(
    learned="learned to turn {inputs} into {names}",
    axis="wrong next tokens in %",
    error="Share of wrong next tokens, the right ones before given",
    call="run.predict(inputs).labels",
    sections=_sections,
    usage=predict,
)
