"""How telling classes apart is told: accuracy with its interval, answers class by class, the worst mistakes."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Integer

from neurarium.report import markup
from neurarium.report.confusion import most_confused, row_shares, strengths
from neurarium.report.format import many, percent, share_digits
from neurarium.report.markup import Bar, text
from neurarium.report.tasks.task_report import Pictures, ScoresFile, TaskReport
from neurarium.report.tasks.usage import predict
from neurarium.tasks.interval import wilson_interval

_WRITTEN_UP_TO = 15  # classes for which the confusion matrix is a table
_OPEN_UP_TO = 20  # rows that a table shows without being asked


def headline(scores: ScoresFile) -> str:
    """The accuracy, large, with its 95 % interval in words and on a scale."""
    total, right = scores["examples"], hits(scores)
    digits = share_digits(total)
    low, high = wilson_interval(right, total)
    marks = f'<i style="left:{100 * low:.2f}%;width:{100 * (high - low):.2f}%"></i>'
    interval = f"95 % interval {percent(low, digits)} to {percent(high, digits)}"
    return (
        f'<div class="result"><span class="big">{percent(right / total, digits)}</span>'
        f'<p class="about">{text(scores["split"])} accuracy: {right:,} of {total:,} right<br>'
        f'<span class="faint">{interval}</span></p></div>'
        f'<div class="scale" role="img" aria-label="{interval}">'
        f'{marks}<b style="left:{100 * right / total:.2f}%"></b></div>'
        '<div class="ends" aria-hidden="true"><span>0 %</span><span>100 %</span></div>'
    )


def sections(scores: ScoresFile, pictures: Pictures) -> dict[str, str]:
    """Answers class by class, and mistakes."""
    return {"Answers": answers(scores, pictures("confusion")), "Mistakes": mistakes(scores, pictures("mistakes"))}


def answers(scores: ScoresFile, confusion_png: bytes | None) -> str:
    """Confusion matrix and scores of each class."""
    classes, confusion = scores["classes"], np.array(scores["confusion"], dtype=np.int64)
    parts, beside = [], len(classes) <= _WRITTEN_UP_TO
    if beside:
        parts.append(_matrix(classes, confusion))
    elif confusion_png is not None:
        parts.append(markup.photograph(confusion_png, f"Confusion matrix of {len(classes)} classes; see the table"))
    rows = [
        (
            row["class"], f"{row['examples']:,}", f"{row['precision']:.3f}", Bar(f"{row['recall']:.3f}", row["recall"]),
            f"{row['f1']:.3f}",
        )
        for row in scores["per_class"]
    ]  # fmt: skip
    each = markup.table(
        "Precision: share of right ones among its answers of this class. Recall: share of the class that it found. "
        "F1: harmonic mean of both.",
        ("class", "examples", "precision", "recall", "F1"), rows,
    )  # fmt: skip
    parts.append(each if len(rows) <= _OPEN_UP_TO else markup.folded(f"All {len(rows)} classes", [each]))
    if beside:
        parts = [f'<div class="beside">{"".join(parts)}</div>']
    return markup.section("answers", "Answers by class", parts)


def _matrix(classes: Sequence[str], confusion: Integer[np.ndarray, "classes classes"]) -> str:
    strength = strengths(row_shares(confusion))
    turned = ' class="turned"' if max(map(len, classes)) > 3 else ""
    head = "".join(f'<th scope="col"{turned}><span>{text(name)}</span></th>' for name in classes)
    rows = []
    for i, name in enumerate(classes):
        cells = []
        for j, count in enumerate(confusion[i]):
            kind = ("right" if i == j else "wrong") + (" strong" if strength[i, j] > 0.55 else "")
            cells.append(
                f'<td class="{kind}" style="--share:{strength[i, j]:.3f}">{count:,}</td>' if count else "<td></td>"
            )
        rows.append(f'<tr><th scope="row">{text(name)}</th>{"".join(cells)}</tr>')
    return (
        '<div class="wide"><table class="matrix"><caption><span>Confusion matrix: a row for each true class, a column '
        "for each answer. Blue: right; orange: wrong; the darker, the larger the share of the row.</span></caption>"
        f'<thead><tr><td class="corner"></td>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def mistakes(scores: ScoresFile, png: bytes | None) -> str:
    """The most confident mistakes, as pictures where there are any and as a table."""
    listed = scores["mistakes"]
    if not listed:
        return ""
    rows = [(str(m["index"]), m["predicted"], m["truth"], percent(m["confidence"], 1)) for m in listed]
    each = markup.table(
        f"Number of the example in the {scores['split']} data, counted from 0", ("example", "said", "is", "sure by"),
        rows, words=3,
    )  # fmt: skip
    intro = (
        "Where it was most sure and yet wrong: often these examples are unclear, badly labeled, or unlike the others."
    )
    parts = [markup.paragraph(intro)]
    if png is None:
        return markup.section("mistakes", "Most confident mistakes", [*parts, each])
    said = "; ".join(f"said {m['predicted']}, is {m['truth']}" for m in listed[:5])
    image = markup.photograph(png, f"The {len(listed)} most confident mistakes: {said}" + (" …" if listed[5:] else ""))
    return markup.section(
        "mistakes", "Most confident mistakes", [*parts, image, markup.folded("The same as a table", [each])]
    )


def sentences(scores: ScoresFile) -> list[str]:
    """How well it did and how sure that is, the most confused pair, the hardest class."""
    return [tell_accuracy(scores), *tell_mistakes(scores)]


def tell_accuracy(scores: ScoresFile) -> str:
    """Say how well it did, and how sure that is."""
    total, split = scores["examples"], scores["split"]
    right = hits(scores)
    low, high = wilson_interval(right, total)
    digits = share_digits(total)
    return (
        f"Of the {total:,} {split} examples it answered {right:,} right, {percent(right / total, digits)}; on the "
        f"evidence of so many examples its true accuracy lies between {percent(low, digits)} and "
        f"{percent(high, digits)} (95 % confidence)."
    )


def tell_mistakes(scores: ScoresFile) -> list[str]:
    """Name the most confused pair and the hardest class."""
    confusion = np.array(scores["confusion"], dtype=np.int64)
    pair = most_confused(confusion)
    if pair is None:
        return ["It made no mistake."]
    truth, answer = pair
    classes = scores["classes"]
    count = int(confusion[truth, answer])
    wrong = confusion[~np.eye(len(classes), dtype=bool)]
    others = int((wrong == count).sum()) - 1
    told = [
        f"Most often “{classes[truth]}” was taken for “{classes[answer]}”: "
        f"{count:,} of {confusion[truth].sum():,} times"
        + (f", as often as {many(others, 'other pair')} of classes." if others else ".")
    ]
    present = [row for row in scores["per_class"] if row["examples"]]
    if len(present) > 2:
        hardest = min(present, key=lambda row: row["recall"])
        told.append(f"The hardest class was “{hardest['class']}”, of which it knew {percent(hardest['recall'], 0)}.")
    return told


def outcome(scores: ScoresFile) -> str:
    """The accuracy on a line."""
    total = scores["examples"]
    split = str(scores["split"])
    return (
        f"{split.capitalize()} accuracy {scores['accuracy']:.4f} on {scores['data']} "
        f"({total - hits(scores)} of {total:,} wrong)"
    )


def hits(scores: ScoresFile) -> int:
    """Number of right answers."""
    return round(scores["accuracy"] * scores["examples"])


_READING = """<li><span class="key" style="color:var(--blue)"></span><b>Loss.</b> What learning makes small. Where
it falls, learning works; where it jumps or rises, the learning rate is too high; where it stays flat from the start,
too low. The pale line shows single updates, the strong ones whole epochs.</li>
<li><span class="key" style="color:var(--blue)"></span><b>Training error.</b> Share of wrong answers on the examples
that the net learns from, averaged over each epoch while the weights move. Where it stays high, the net is too small or
has not learned long enough.</li>
<li><span class="key" style="color:var(--vermilion)"></span><b>Validation error.</b> Share of wrong answers on examples
that it does not learn from, measured after each epoch. It tells what the net has understood; the epoch where it is
lowest is the one to keep.</li>
<li><b>The gap.</b> Where training error falls on while validation error stops or rises, the net learns its examples
by heart: it overfits.</li>"""

REPORT = TaskReport(
    learned="learned to tell {classes} classes of {inputs} apart",
    axis="wrong answers in %",
    error="Share of wrong answers",
    call="run.predict(inputs).labels",
    headline=headline,
    sections=sections,
    sentences=sentences,
    outcome=outcome,
    usage=predict,
    reading=_READING,
    shares=True,
)
