"""Tables for the screen: the layers of a net, the scores of an evaluation, several runs side by side."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from rich.table import Table
from rich.text import Text

from neurarium.nets.summary import Summary
from neurarium.report.history import Entry, History, digest
from neurarium.report.layers import receptive_field
from neurarium.report.measures import task_of_scores, value_text
from neurarium.report.numbers import duration, number, percent, shape, share_digits
from neurarium.report.story import hits
from neurarium.report.wilson import wilson_interval
from neurarium.training.evaluation import Evaluation
from neurarium.training.scores.measure import Measured

Compared = tuple[str, Mapping[str, Any], Sequence[Entry], Mapping[str, Any] | None]


def layers_table(summary: Summary) -> Table:
    """Show a net layer by layer, each indented under the modules that it is part of."""
    table = _table(("layer", "kind", "output"), ("receptive\nfield", "parameters", "multiply-\nadds"), show_footer=True)
    table.columns[2].no_wrap, table.pad_edge = True, False
    above: list[str] = []
    for row in summary.rows:
        *modules, layer = row.name.split(".")
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(above, modules, strict=False)))
        for depth, module in enumerate(modules[shared:], shared):
            table.add_row(Text(" " * depth + module))
        above = [*modules, layer]
        table.add_row(
            *_plain(" " * len(modules) + (layer or "(net)"), row.kind, shape(row.output)),
            receptive_field(row.receptive_field),
            f"{row.parameters:,}",
            f"{row.multiply_adds:,}",
        )
    table.columns[0].footer = "total"
    table.columns[4].footer = f"{summary.parameters:,}"
    table.columns[5].footer = f"{summary.multiply_adds:,}"
    frozen = summary.parameters - summary.trainable
    if frozen:
        table.caption = f"{frozen:,} parameters are fixed"
    return table


def scores_table(evaluation: Evaluation | Measured) -> Table:
    """Show precision, recall and F1 of each class, and accuracy with its 95 % interval, or another net's measures."""
    if isinstance(evaluation, Measured):
        return _measures_table(evaluation)
    total, right = int(evaluation.confusion.sum()), int(evaluation.confusion.trace())
    low, high = wilson_interval(right, total)
    digits = share_digits(total)
    table = _table(("class",), ("examples", "precision", "recall", "F1"))
    for row in evaluation.per_class():
        scores = (f"{row[name]:.3f}" for name in ("precision", "recall", "f1"))
        table.add_row(*_plain(row["class"]), f"{row['examples']:,}", *scores)
    table.title = Text(f"accuracy {percent(right / total, digits)}: {right:,} of {total:,} right", "bold")
    table.caption = Text(
        f"95 % interval {percent(low, digits)} to {percent(high, digits)}; objective {number(evaluation.objective)}"
    )
    return table


def _measures_table(measured: Measured) -> Table:
    table = _table(("measure",), ("value", "to compare with"))
    table.add_column("what it is", overflow="fold")
    for measure in measured.to_plain()["measures"]:
        baseline = "" if measure["baseline"] is None else value_text(measure, measure["baseline"])
        against = f" {measure['against']}" if baseline else ""
        table.add_row(*_plain(measure["name"], value_text(measure), baseline + against, measure["meaning"]))
    objective = "" if measured.objective is None else f"; objective {number(measured.objective)}"
    table.caption = Text(f"{measured.examples:,} examples{objective}")
    return table


def comparison_table(runs: Sequence[Compared]) -> Table:
    """Show runs side by side: a column a run; what they reached, then the settings in which they differ.

    Args:
        runs: name, recipe as plain values, entries of the record, content of `scores.json` or none.
    """
    histories = [digest(entries) for _, _, entries, _ in runs]
    table = _table(("",), ())
    for name, _, _, _ in runs:
        table.add_column(Text(name, overflow="fold"), justify="right", overflow="fold")
    tasks = {task_of_scores(scores) for _, _, _, scores in runs if scores is not None}
    if tasks <= {"classification"}:
        table.add_row("accuracy on test data", *(_accuracy(scores) for _, _, _, scores in runs), style="bold")
        table.add_row("  95 % interval", *(_interval(scores) for _, _, _, scores in runs))
    for name in _measure_names(runs):
        table.add_row(*_plain(name), *(_measure(scores, name) for _, _, _, scores in runs), style="bold")
    table.add_row("best development error", *map(_best_error, histories))
    table.add_row("epochs", *(f"{len(h.epochs)} of {h.planned_epochs}" for h in histories))
    table.add_row("parameters", *(f"{h.parameters:,}" for h in histories))
    table.add_row("learning time", *(duration(h.seconds) for h in histories), end_section=True)
    settings = [_flat(recipe) for _, recipe, _, _ in runs]
    for key in dict.fromkeys(key for flat in settings for key in flat):
        values = [flat.get(key, "-") for flat in settings]
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


def _measure_names(runs: Sequence[Compared]) -> list[str]:
    """Names of the measures that any of the runs has, in their order."""
    return list(dict.fromkeys(m["name"] for _, _, _, scores in runs for m in (scores or {}).get("measures", [])))


def _measure(scores: Mapping[str, Any] | None, name: str) -> str:
    found = [m for m in (scores or {}).get("measures", []) if m["name"] == name]
    return value_text(found[0]) if found else "-"


def _accuracy(scores: Mapping[str, Any] | None) -> str:
    return "-" if scores is None else percent(scores["accuracy"], share_digits(scores["examples"]))


def _interval(scores: Mapping[str, Any] | None) -> str:
    if scores is None:
        return "-"
    low, high = wilson_interval(hits(scores), scores["examples"])
    digits = share_digits(scores["examples"])
    return f"{percent(low, digits)} to {percent(high, digits)}"


def _best_error(history: History) -> str:
    if history.best is None or "error" not in history.best["development"]:
        return "-"
    return f"{percent(history.best['development']['error'])} (epoch {history.best['epoch']})"


def _flat(settings: Mapping[str, Any], where: str = "") -> dict[str, str]:
    """Name settings by their dotted path."""
    flat: dict[str, str] = {}
    for name, value in settings.items():
        inside = isinstance(value, Mapping)
        flat |= _flat(value, f"{where}{name}.") if inside else {f"{where}{name}": str(value)}
    return flat
