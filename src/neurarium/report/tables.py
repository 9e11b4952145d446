"""Tables for the screen: the layers of a net, the scores of an evaluation, several runs side by side."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from rich.table import Table
from rich.text import Text

from neurarium.nets.summary import Summary
from neurarium.record.config import flat
from neurarium.report.ending import Ending
from neurarium.report.format import duration, number, percent, percent_digits, shape
from neurarium.report.history import Entry, History, digest
from neurarium.report.layers import UNKNOWN
from neurarium.report.metrics import digits_of, interval_text, value_text
from neurarium.report.tasks.classification import beside
from neurarium.report.tasks.table import report_of
from neurarium.tasks.scores import Scores

Compared = tuple[str, Mapping[str, Any], Sequence[Entry], Mapping[str, Any] | None]


def layers_table(summary: Summary) -> Table:
    """Show a net layer by layer, each indented under the modules that it is part of."""
    table = _table(("layer", "kind", "output"), ("parameters", "multiply-adds"), show_footer=True)
    table.pad_edge = False
    for column in table.columns[2:]:
        column.no_wrap = True
    above: list[str] = []
    for row in summary.rows:
        *modules, layer = row.name.split(".")
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(above, modules, strict=False)))
        for depth, module in enumerate(modules[shared:], shared):
            table.add_row(Ending(" " * depth + module))
        above = [*modules, layer]
        name = " " * len(modules) + (layer or "(net)")
        table.add_row(
            Ending(name), Ending(row.kind), shape(row.output), f"{row.parameters:,}", _count(row.multiply_adds)
        )
    table.columns[0].footer = "total"
    table.columns[3].footer = f"{summary.parameters:,}"
    table.columns[4].footer = _count(summary.multiply_adds)
    frozen = summary.parameters - summary.trainable
    if frozen:
        table.caption = f"{frozen:,} parameters are fixed"
    return table


def scores_table(scores: Scores) -> Table:
    """Show precision, recall and F1 of each class, and accuracy with its 95 % interval, or another task's metrics."""
    plain = scores.to_plain()
    return _classes_table(plain) if "per_class" in plain else _metrics_table(plain)


def _classes_table(scores: Mapping[str, Any]) -> Table:
    accuracy, total = scores["metrics"][0], sum(row["examples"] for row in scores["per_class"])
    right, digits = sum(row[k] for k, row in enumerate(scores["confusion"])), percent_digits(total)
    table = _table(("class",), ("examples", "precision", "recall", "F1"))
    for row in scores["per_class"]:
        fractions = (f"{row[name]:.3f}" for name in ("precision", "recall", "f1"))
        table.add_row(*_plain(row["class"]), f"{row['examples']:,}", *fractions)
    table.title = Text(f"accuracy {percent(right / total, digits)}: {right:,} of {total:,} right", "bold")
    told = "\n".join(beside(scores))
    table.caption = Text(f"95 % interval {interval_text(accuracy, scores)}{_loss(scores)}\n{told}")
    return table


def _metrics_table(scores: Mapping[str, Any]) -> Table:
    table = _table(("metric",), ("value", "to compare with"))
    table.add_column("what it is", overflow="fold")
    for metric in scores["metrics"]:
        baseline = "" if metric["baseline"] is None else value_text(metric, metric["baseline"])
        against = f" {metric['against']}" if baseline else ""
        interval = interval_text(metric, scores)
        meaning = metric["meaning"] + (f"; 95 % interval {interval}" if interval else "")
        table.add_row(
            *_plain(metric["name"], value_text(metric, None, digits_of(metric, scores)), baseline + against, meaning)
        )
    table.caption = Text(report_of(scores["task"]).measured_on(scores) + _loss(scores))
    return table


def _loss(scores: Mapping[str, Any]) -> str:
    return "" if scores["loss"] is None else f"; loss {number(scores['loss'])}"


def comparison_table(runs: Sequence[Compared]) -> Table:
    """Show runs side by side: a column a run; what they reached, then the settings in which they differ.

    `runs`: name, recipe as plain values, entries of the record, content of `scores.json` or none.
    """
    histories = [digest(entries) for _, _, entries, _ in runs]
    table = _table(("",), ())
    for name, _, _, _ in runs:
        table.add_column(Text(name, overflow="fold"), justify="right", overflow="fold")
    for name in _metric_names(runs):
        found = [_metric(scores, name) for _, _, _, scores in runs]
        table.add_row(*_plain(name), *(value for value, _ in found), style="bold")
        if any(interval for _, interval in found):
            table.add_row("  95 % interval", *(interval or "-" for _, interval in found))
    table.add_row("measured on", *(_measured_on(scores) for _, _, _, scores in runs))
    table.add_row("best validation error", *map(_best_error, histories))
    table.add_row("epochs", *(f"{len(h.epochs)} of {h.planned_epochs}" for h in histories))
    table.add_row("parameters", *(f"{h.parameters:,}" for h in histories))
    table.add_row("learning time", *(duration(h.seconds) for h in histories), end_section=True)
    settings = [{key: str(value) for key, value in flat(recipe).items()} for _, recipe, _, _ in runs]
    for key in dict.fromkeys(key for own in settings for key in own):
        values = [own.get(key, "-") for own in settings]
        if len(set(values)) > 1 and key != "name":
            table.add_row(*_plain(key, *values))
    return table


def _table(words: Sequence[str], numbers: Sequence[str], show_footer: bool = False) -> Table:
    table = Table(show_footer=show_footer, footer_style="bold", title_justify="left", caption_justify="left")
    for name in words:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", overflow="fold")
    return table


def _plain(*words: str) -> tuple[Text, ...]:
    """Text of the user's own, in which square brackets are no markup."""
    return tuple(Text(word) for word in words)


def _metric_names(runs: Sequence[Compared]) -> list[str]:
    """Names of the metrics that any of the runs has, in their order."""
    return list(dict.fromkeys(m["name"] for _, _, _, scores in runs for m in (scores or {}).get("metrics", [])))


def _metric(scores: Mapping[str, Any] | None, name: str) -> tuple[str, str]:
    """The value of a metric and its interval, as words."""
    for metric in (scores or {}).get("metrics", []):
        if scores is not None and metric["name"] == name:
            return value_text(metric, None, digits_of(metric, scores)), interval_text(metric, scores)
    return "-", ""


def _measured_on(scores: Mapping[str, Any] | None) -> str:
    return "-" if scores is None else report_of(scores["task"]).measured_on(scores)


def _count(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def _best_error(history: History) -> str:
    if history.best is None or "error" not in history.best["validation"]:
        return "-"
    return f"{percent(history.best['validation']['error'])} (epoch {history.best['epoch']})"
