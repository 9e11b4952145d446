"""Some answers of a net that writes tokens, beside what they should be."""

from neurarium.report.format import many
from neurarium.report.render import Section, render
from neurarium.report.tasks.task_report import ScoresFile


def answers_section(scores: ScoresFile, how: str) -> Section | None:
    """A table of the answers that scores hold; none where they hold none. `how` says how they were found."""
    listed = scores["answers"]
    if not listed:
        return None
    rows = [
        (str(n), answer["said"], answer["truth"], "right" if answer["said"] == answer["truth"] else "wrong")
        for n, answer in enumerate(listed)
    ]
    caption = f"The first {many(len(rows), 'answer')} of the {scores['split']} data, {how}, counted from 0"
    columns = ("example", "said", "truth", "")
    body = render("table.html", caption=caption, columns=columns, rows=rows, words=4)
    return Section("answers", "Answers", "Answers", body)
