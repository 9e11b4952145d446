"""The sections of a report that every run has, each from the numbers of a run; a section without numbers is empty."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from neurarium.data.catalog import SOURCES
from neurarium.report import markup
from neurarium.report.curves import PANELS, panel_figure
from neurarium.report.format import duration, percent, shape
from neurarium.report.history import Entry, History
from neurarium.report.layers import UNKNOWN
from neurarium.report.markup import text
from neurarium.report.schema_words import categories_in_words, field_in_words
from neurarium.report.tasks.table import report_of
from neurarium.report.tasks.task_report import TaskReport
from neurarium.report.verdict import OVER
from neurarium.training.data_info import DataInfo


def key_facts(history: History, info: DataInfo, config: Mapping[str, Any]) -> str:
    """The handful of facts that everybody asks for first."""
    best, environment = history.best, history.environment
    pairs = [
        ("Net", str(config["net"]["kind"])),
        ("Parameters", f"{history.parameters:,}"),
        ("Data", info.name),
        ("Learning time", duration(history.seconds)),
        ("Epochs", f"{history.step // history.steps_per_epoch} of {history.planned_epochs}"),
        ("Device", str(environment.get("device", "unknown"))),
    ]
    if best is not None and best["validation"]:
        error = f"{percent(best['validation'].get('error'))} (epoch {best['epoch']})"
        pairs.insert(4, ("Best validation error", error))
    return markup.facts(pairs)


def curves(entries: Sequence[Entry], history: History) -> str:
    """The learning curves, and how to read them."""
    if not history.steps and not history.epochs:
        return ""
    from neurarium.report.plotting import themed_svg

    drawings = [
        markup.drawing(themed_svg(panel_figure(entries, name), markup.slug(name)), _describe(name, history))
        for name in PANELS
    ]
    parts = [f'<div class="panels">{"".join(drawings)}</div>', _reading(report_of(history.task))]
    return markup.section("curves", "Learning curves", parts)


def _reading(report: TaskReport) -> str:
    """How to read the curves."""
    items = report.reading or (
        "<li><b>Loss.</b> What learning makes small, or what its rule reports in its place. The pale line shows "
        "single updates, the strong ones whole epochs.</li>"
        f"<li><b>Error.</b> {text(report.error)}. Blue: the examples that the net learns from, while the weights "
        "move; orange: examples that it does not learn from, after each epoch.</li>"
    )
    return f"<aside><h3>How to read the curves</h3><ul>{items}</ul></aside>"


def _describe(panel: str, history: History) -> str:
    """Say in words what a panel shows, for those who do not see it."""
    if not history.epochs:
        return f"Curve of the {panel}; no epoch is done yet."
    first, last, best = history.epochs[0], history.epochs[-1], history.best
    if panel in ("loss", "error"):
        write = percent if panel == "error" else lambda value: f"{value:.4g}"
        words = [f"Curves of the {panel} over {len(history.epochs)} epochs."]
        for part in ("train", "validation"):
            if panel in first[part]:
                word = "training" if part == "train" else part
                words.append(f"{word}: from {write(first[part][panel])} to {write(last[part][panel])}.")
        return " ".join(words) + (f" Best epoch: {best['epoch']}." if best else "")
    name = panel.replace(" ", "_")
    return f"Curve of the {panel}: {first[name]:.3g} in the first epoch, {last[name]:.3g} in the last."


def net(layers: Mapping[str, Any] | None) -> str:
    """The net layer by layer, from the content of `layers.json`."""
    if not layers or not layers["rows"]:
        return ""
    rows = [
        (
            row["name"] or "(net)", row["kind"], shape(row["output_shape"]), f"{row['parameters']:,}",
            _count(row["multiply_adds"]),
        )
        for row in layers["rows"]
    ]  # fmt: skip
    parameters = sum(row["parameters"] for row in layers["rows"])
    counts = [row["multiply_adds"] for row in layers["rows"]]
    total = (f"{parameters:,}", _count(None if UNKNOWN in counts else sum(counts)))
    caption = f"Shapes and multiply-adds are those of {layers['of']}."
    columns = ("layer", "kind", "output", "parameters", "multiply-adds")
    return markup.section(
        "net", "The net, layer by layer", [markup.table(caption, columns, rows, ("total", "", "", *total), words=3)]
    )


def _count(value: int | str | None) -> str:
    return f"{value:,}" if isinstance(value, int) else UNKNOWN


def settings(config: Mapping[str, Any]) -> str:
    """Everything that decides the weights, as `config.toml` holds it."""
    groups = {"general": {name: value for name, value in config.items() if not isinstance(value, Mapping)}}
    groups |= {name: dict(value) for name, value in config.items() if isinstance(value, Mapping)}
    blocks = [
        f"<div><h3>{text(name.replace('_', ' '))}</h3>"
        + markup.facts(((key.replace("_", " "), _written(value)) for key, value in _flat(group)), "lines")
        + "</div>"
        for name, group in groups.items()
    ]
    return markup.section("settings", "Settings", [f'<div class="columns">{"".join(blocks)}</div>'])


def _flat(group: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Settings of a group; those of a group inside it bear its name too."""
    for key, value in group.items():
        inner = _flat(value) if isinstance(value, Mapping) else [("", value)]
        yield from ((f"{key} {name}".strip(), setting) for name, setting in inner)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def origins(history: History, info: DataInfo) -> str:
    """Data, where they come from, their license, and the machine."""
    counts = ", ".join(f"{count:,} {name}" for name, count in info.counts.items())
    fields = info.schema.fields
    data = [
        ("name", info.name),
        ("examples", counts),
        ("one example", "; ".join(field_in_words(name, field) for name, field in fields.items())),
    ]
    for name, field in fields.items():
        if field.categories:
            data.append((f"{len(field.categories):,} categories of {name}", categories_in_words(field)))
    data += [("provenance", info.provenance), ("license", info.license), ("SHA-256", info.fingerprint)]
    blocks = [("data", data), ("machine and software", list(history.environment.items()))]
    if history.notices:
        blocks.append(("notices of the run", [(str(n), words) for n, words in enumerate(history.notices, 1)]))
    inside = "".join(
        f"<div><h3>{text(title)}</h3>{markup.facts(((k, str(v)) for k, v in pairs), 'lines')}</div>"
        for title, pairs in blocks
    )
    return markup.section("origins", "Data and environment", [f'<div class="columns">{inside}</div>'])


def use(folder: Path, history: History, config: Mapping[str, Any], info: DataInfo) -> str:
    """What to type to predict, go on, reproduce and read the run in Python."""
    where, again = shlex.quote(str(folder)), shlex.quote(f"{folder}-again")
    settings_file, report = shlex.quote(str(folder / "config.toml")), report_of(history.task)
    if config["net"]["kind"] == "own":
        python = _python(folder, report, info, ", net=module")
        own = [("The net is your own module: pass it where the run is read.", python)]
        return markup.section("use", "Use it, go on, reproduce it", [markup.commands(own)])
    lines = [*report.usage(folder, info.schema)]
    if history.reason in OVER:
        lines.append(("Measure it again, on these or on other data:", f"neurarium evaluate {where}"))
        if history.reason != "converged":
            epochs = 2 * history.planned_epochs
            lines.append(("Learn longer:", f"neurarium resume {where} --epochs {epochs}"))
    else:
        lines.insert(0, ("Go on where it stopped:", f"neurarium resume {where}"))
    lines.append(("Reproduce it from the same settings:", f"neurarium train --config {settings_file} --out {again}"))
    lines.append(("In Python:", _python(folder, report, info)))
    return markup.section("use", "Use it, go on, reproduce it", [markup.commands(lines)])


def _python(folder: Path, report: TaskReport, info: DataInfo, more: str = "") -> str:
    lines = ["import neurarium", "", f"run = neurarium.load({str(folder)!r}{more})"]
    only = info.schema.input
    if info.name in SOURCES and (len(info.schema.inputs) > 1 or only.is_ragged or only.categories):
        lines.append(f"inputs = neurarium.load_data({info.name!r}).test")
    return "\n".join([*lines, report.call])
