"""The metrics of `scores.json` as words, as the headline of a report and as a table in it."""

from collections.abc import Mapping
from typing import Any

from neurarium.report.format import many, number, percent, percent_digits
from neurarium.report.render import Section, render


def value_text(metric: Mapping[str, Any], value: float | None = None, digits: int = 1) -> str:
    """Write the value of a metric, or another one by the same metric, with its unit.

    Example:
        >>> value_text({"value": 0.25, "unit": "%"}), value_text({"value": 18.2, "unit": "dB"}, 7.0)
        ('25.0 %', '7.000 dB')
    """
    value = metric["value"] if value is None else value
    if metric["unit"] == "%":
        return percent(value, digits)
    return f"{number(value)} {metric['unit']}".strip()


def digits_of(metric: Mapping[str, Any], scores: Mapping[str, Any]) -> int:
    """Decimals of a percentage: as many as the examples can bear, where it is a fraction of them."""
    return 1 if metric.get("interval") is None else percent_digits(scores["examples"])


def interval_text(metric: Mapping[str, Any], scores: Mapping[str, Any]) -> str:
    """The 95 % confidence interval of a metric, from end to end; empty where it is not known."""
    if metric.get("interval") is None:
        return ""
    return " to ".join(value_text(metric, end, digits_of(metric, scores)) for end in metric["interval"])


def measured_on(scores: Mapping[str, Any]) -> str:
    """How many examples were measured, of which part.

    Example:
        >>> measured_on({"examples": 1500, "split": "test"}), measured_on({"examples": 1, "split": "train"})
        ('1,500 test examples', '1 train example')
    """
    return many(scores["examples"], f"{scores['split']} example")


def tell_metrics(scores: Mapping[str, Any], on: str = "") -> str:
    """Say in a few sentences how well the net does; nothing where it was not judged.

    `on`: what was measured; empty: the examples of the split.
    """
    if not scores["metrics"]:
        return ""
    first = scores["metrics"][0]
    interval = interval_text(first, scores)
    told = (
        f"Measured on {on or measured_on(scores)}: {first['name']} {value_text(first, None, digits_of(first, scores))}"
    )
    told += f" (95 % interval {interval}), {first['meaning']}." if interval else f", {first['meaning']}."
    if first["baseline"] is None:
        return told
    against = first["against"][:1].upper() + first["against"][1:]
    return f"{told} {against}: {value_text(first, first['baseline'])}."


def metrics_headline(scores: Mapping[str, Any], on: str = "") -> str:
    """The most telling metric, large, with what it means and what to compare it with.

    Arguments are those of `tell_metrics`.
    """
    if not scores["metrics"]:
        return ""
    first = scores["metrics"][0]
    interval, faint = interval_text(first, scores), list[str]()
    if interval:
        faint.append(f"95 % interval {interval}")
    if first["baseline"] is not None:
        faint.append(f"{first['against']}: {value_text(first, first['baseline'])}")
    about = f"{first['name']} on {on or measured_on(scores)}: {first['meaning']}"
    value = value_text(first, None, digits_of(first, scores))
    return render("headline.html", value=value, about=about, faint=faint, scale=())


def metrics_section(scores: Mapping[str, Any], on: str = "") -> Section | None:
    """All metrics as a table; nothing where there are none.

    Arguments are those of `tell_metrics`.
    """
    if not scores["metrics"]:
        return None
    rows = []
    for metric in scores["metrics"]:
        simple = "" if metric["baseline"] is None else f"{value_text(metric, metric['baseline'])}: {metric['against']}"
        interval = interval_text(metric, scores)
        meaning = metric["meaning"] + (f"; 95 % interval {interval}" if interval else "")
        meaning += "" if metric["higher_is_better"] else "; lower is better"
        rows.append((metric["name"], meaning, value_text(metric, None, digits_of(metric, scores)), simple))
    body = render("scores.html", on=on or measured_on(scores), data=scores["data"], rows=rows)
    return Section("scores", "Scores", "Scores", body)
