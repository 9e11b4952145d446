"""What a net is for, in words, and its scores, where these are other than a classifier's."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from neurarium.report import markup
from neurarium.report.markup import text
from neurarium.report.numbers import number, percent


class Words(NamedTuple):
    """How a report speaks of a task.

    Attributes:
        learnt: what the net learnt, with {classes}, {kind} and {names} to be filled in.
        axis: what the curve of the error shows.
        error: what a training error is, a sentence without its end.
    """

    learnt: str
    axis: str
    error: str


_UNEXPLAINED = "Mean squared error as a share of the variance: 100 % is what always answering the mean would give"
WORDS: Mapping[str, Words] = {
    "classification": Words(
        "learnt to tell {classes} classes of {kind} apart", "wrong answers in %", "Share of wrong answers"
    ),
    "regression": Words("learnt to predict {names} from {kind}", "variance not explained in %", _UNEXPLAINED),
    "reconstruction": Words(
        "learnt to give {kind} back from a code of fewer numbers", "variance not explained in %", _UNEXPLAINED
    ),
    "density": Words(
        "learnt how likely {kind} are",
        "squared error of a unit in %",
        "Mean squared difference of a unit to its reconstruction, which is not what the net makes small",
    ),
    "generation": Words(
        "learnt to make {kind} like the given ones",
        "misjudged examples in %",
        "Share of examples, real and generated, that the discriminator takes for the other kind: 50 % where it can "
        "tell nothing",
    ),
    "recall": Words("stored {kind} and recalls them from damaged ones", "wrong units in %", "Share of wrong units"),
}


def task_of_scores(scores: Mapping[str, Any]) -> str:
    """The task of `scores.json`; older ones are of classifiers."""
    return str(scores.get("task", "classification"))


def value_text(measure: Mapping[str, Any], value: float | None = None) -> str:
    """Write the value of a measure, or another one by the same measure, with its unit.

    Example:
        >>> value_text({"value": 0.25, "unit": "%"}), value_text({"value": 18.2, "unit": "dB"}, 7.0)
        ('25.0 %', '7.000 dB')
    """
    value = measure["value"] if value is None else value
    if measure["unit"] == "%":
        return percent(value, 1)
    return f"{number(value)} {measure['unit']}".strip()


def tell_measures(scores: Mapping[str, Any]) -> str:
    """Say in a few sentences how well the net does."""
    if not scores["measures"]:
        return "Nobody has judged what it makes: name a classifier of such examples (--source) to have it scored."
    first = scores["measures"][0]
    told = f"Measured on {_measured_on(scores)}: {first['name']} {value_text(first)}, {first['meaning']}."
    if first["baseline"] is None:
        return told
    against = first["against"][:1].upper() + first["against"][1:]
    return f"{told} {against}: {value_text(first, first['baseline'])}."


def measures_headline(scores: Mapping[str, Any]) -> str:
    """The most telling measure, large, with what it means and what to compare it with."""
    if not scores["measures"]:
        return ""
    first = scores["measures"][0]
    beside = ""
    if first["baseline"] is not None:
        beside = (
            f'<br><span class="faint">{text(first["against"])}: {text(value_text(first, first["baseline"]))}</span>'
        )
    return (
        f'<div class="result"><span class="big">{text(value_text(first))}</span>'
        f'<p class="about">{text(_split(scores) + first["name"])}: {text(first["meaning"])}{beside}</p></div>'
    )


def measures_section(scores: Mapping[str, Any] | None) -> str:
    """All measures as a table; nothing for a classifier, which has more to show."""
    if scores is None or task_of_scores(scores) == "classification" or not scores["measures"]:
        return ""
    rows = [
        (
            measure["name"],
            value_text(measure),
            "" if measure["baseline"] is None else f"{value_text(measure, measure['baseline'])}: {measure['against']}",
            measure["meaning"] + ("" if measure["higher_is_better"] else "; lower is better"),
        )
        for measure in scores["measures"]
    ]
    columns = ("measure", "value", "to compare with", "what it is")
    caption = f"Measured on {_measured_on(scores)} of {scores['data']}."
    return markup.section("scores", "Scores", [markup.table(caption, columns, rows, words=4)])


def _split(scores: Mapping[str, Any]) -> str:
    """The split that was measured, with a space behind; a memory is measured on what it stored, whatever the split."""
    return "" if task_of_scores(scores) == "recall" else f"{scores['split']} "


def _measured_on(scores: Mapping[str, Any]) -> str:
    count, noun = scores["examples"], "example" if scores["examples"] == 1 else "examples"
    return f"the {count:,} stored {noun}" if not _split(scores) else f"{count:,} {_split(scores)}{noun}"
