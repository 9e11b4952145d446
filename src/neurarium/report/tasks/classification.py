"""How telling classes apart is told: accuracy with its interval, answers class by class, the worst mistakes."""

from collections.abc import Sequence

import numpy as np

from neurarium.report.confusion import most_confused, row_fractions, strengths
from neurarium.report.format import many, percent, percent_digits
from neurarium.report.metrics import metrics_section, value_text
from neurarium.report.render import Section, render
from neurarium.report.tasks.task_report import Figures, Hint, ScoresFile, TaskReport
from neurarium.report.tasks.usage import predict
from neurarium.tasks.interval import wilson_interval

_WRITTEN_UP_TO = 15  # classes for which the confusion matrix is a table
_OPEN_UP_TO = 20  # rows that a table shows without being asked


def headline(scores: ScoresFile) -> str:
    """The accuracy, large, with its 95 % interval in words and on a scale."""
    total, right = scores["examples"], hits(scores)
    digits = percent_digits(total)
    low, high = wilson_interval(right, total)
    return render(
        "headline.html",
        value=percent(right / total, digits),
        about=f"{scores['split']} accuracy: {right:,} of {total:,} right",
        faint=[f"95 % interval {percent(low, digits)} to {percent(high, digits)}", *beside(scores)],
        scale=(low, right / total, high),
    )


def beside(scores: ScoresFile) -> list[str]:
    """What the accuracy is to be held beside: that of a guess, and the metrics that follow it."""
    first, *others = scores["metrics"]
    told = [] if first["baseline"] is None else [f"{first['against']}: {value_text(first, first['baseline'])}"]
    return told + [f"{metric['name']} {value_text(metric)}" for metric in others]


def sections(scores: ScoresFile, figures: Figures) -> Sequence[Section | None]:
    """Scores beside those of guessing, answers class by class, and mistakes."""
    return [metrics_section(scores), answers(scores, figures("confusion")), mistakes(scores, figures("mistakes"))]


def answers(scores: ScoresFile, confusion_png: bytes | None) -> Section:
    """Confusion matrix and scores of each class."""
    classes, confusion = scores["classes"], np.array(scores["confusion"], dtype=np.int64)
    body = render(
        "answers.html",
        rows=scores["per_class"],
        confusion=confusion.tolist(),
        strength=strengths(row_fractions(confusion)).tolist(),
        turned=max(map(len, classes)) > 3,
        beside=len(classes) <= _WRITTEN_UP_TO,
        figure=confusion_png,
        open_up_to=_OPEN_UP_TO,
    )
    return Section("answers", "Answers", "Answers by class", body)


def mistakes(scores: ScoresFile, png: bytes | None) -> Section | None:
    """The most confident mistakes, as figures where there are any and as a table."""
    listed = scores["mistakes"]
    if not listed:
        return None
    said = "; ".join(f"said {m['predicted']}, is {m['truth']}" for m in listed[:5])
    body = render(
        "mistakes.html",
        caption=f"Number of the example in the {scores['split']} data, counted from 0",
        rows=[(m["index"], m["predicted"], m["truth"], percent(m["confidence"], 1)) for m in listed],
        figure=png,
        words=f"The {len(listed)} most confident mistakes: {said}" + (" …" if listed[5:] else ""),
    )
    return Section("mistakes", "Mistakes", "Most confident mistakes", body)


def sentences(scores: ScoresFile) -> list[str]:
    """How well it did and how sure that is, the most confused pair, the hardest class."""
    return [tell_accuracy(scores), *tell_mistakes(scores)]


def tell_accuracy(scores: ScoresFile) -> str:
    """Say how well it did, and how sure that is."""
    total, split = scores["examples"], scores["split"]
    right = hits(scores)
    low, high = wilson_interval(right, total)
    digits = percent_digits(total)
    return (
        f"Of the {total:,} {split} examples it answered {right:,} right, {percent(right / total, digits)}; on the "
        f"evidence of so many examples its true accuracy lies between {percent(low, digits)} and "
        f"{percent(high, digits)} (95 % confidence). Beside it: {'; '.join(beside(scores))}."
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
        f"({total - hits(scores)} of {total:,} wrong; {'; '.join(beside(scores))})"
    )


def hits(scores: ScoresFile) -> int:
    """Number of right answers."""
    return round(scores["accuracy"] * scores["examples"])


_READING: Sequence[Hint] = (
    (
        "blue",
        "Loss",
        "What learning makes small. Where it falls, learning works; where it jumps or rises, the learning rate is too "
        "high; where it stays flat from the start, too low. The pale line shows single updates, the strong ones whole "
        "epochs.",
    ),
    (
        "blue",
        "Training error",
        "Fraction of wrong answers on the examples that the net learns from, averaged over each epoch while the "
        "weights move. Where it stays high, the net is too small or has not learned long enough.",
    ),
    (
        "vermilion",
        "Validation error",
        "Fraction of wrong answers on examples that it does not learn from, measured after each epoch. It tells what "
        "the net has understood; the epoch where it is lowest is the one to keep.",
    ),
    (
        "",
        "The gap",
        "Where training error falls on while validation error stops or rises, the net learns its examples by heart: "
        "it overfits.",
    ),
)

REPORT = TaskReport(
    learned="learned to tell {classes} classes of {inputs} apart",
    axis="wrong answers in %",
    error="Fraction of wrong answers",
    call="run.predict(inputs).labels",
    headline=headline,
    sections=sections,
    sentences=sentences,
    outcome=outcome,
    usage=predict,
    reading=_READING,
    fractions=True,
)
