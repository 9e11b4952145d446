"""The sections of a report that every run has, each from the numbers of a run; a section without numbers is empty."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurarium.data.catalog import SOURCES
from neurarium.record.config import flat
from neurarium.report.curves import PANELS, panel_figure
from neurarium.report.format import duration, percent, shape
from neurarium.report.history import Entry, History
from neurarium.report.layers import UNKNOWN
from neurarium.report.render import Section, render, slug
from neurarium.report.schema_words import categories_in_words
from neurarium.report.tasks.table import report_of
from neurarium.report.tasks.task_report import Commands, Hint, TaskReport
from neurarium.report.verdict import OVER
from neurarium.training.data_info import DataInfo
from neurarium.training.recipe import changed


def key_facts(history: History, info: DataInfo, config: Mapping[str, Any]) -> list[tuple[str, str]]:
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
    return pairs


def story(paragraphs: Sequence[str]) -> Section:
    """What happened, in sentences."""
    return Section("story", "What happened", "What happened", render("verdict.html", paragraphs=paragraphs))


def curves(entries: Sequence[Entry], history: History) -> Section | None:
    """The learning curves, and how to read them."""
    if not history.steps and not history.epochs:
        return None
    from neurarium.report.plotting import themed_svg

    panels = [(themed_svg(panel_figure(entries, name), slug(name)), _describe(name, history)) for name in PANELS]
    body = render("curves.html", panels=panels, reading=_reading(report_of(history.task)))
    return Section("curves", "Learning curves", "Learning curves", body)


def _reading(report: TaskReport) -> Sequence[Hint]:
    """How to read the curves."""
    return report.reading or (
        (
            "",
            "Loss",
            "What learning makes small, or what its rule reports in its place. The pale line shows single updates, the "
            "strong ones whole epochs.",
        ),
        (
            "",
            "Error",
            f"{report.error}. Blue: the examples that the net learns from, while the weights move; orange: examples "
            "that it does not learn from, after each epoch.",
        ),
    )


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


def net(layers: Mapping[str, Any] | None) -> Section | None:
    """The net layer by layer, from the content of `layers.json`."""
    if not layers or not layers["rows"]:
        return None
    rows = [
        (
            row["name"] or "(net)",
            row["kind"],
            shape(row["output_shape"]).replace(" ", "\N{NO-BREAK SPACE}"),
            f"{row['parameters']:,}",
            _count(row["multiply_adds"]),
        )
        for row in layers["rows"]
    ]
    parameters = sum(row["parameters"] for row in layers["rows"])
    counts = [row["multiply_adds"] for row in layers["rows"]]
    total = ("total", "", "", f"{parameters:,}", _count(None if UNKNOWN in counts else sum(counts)))
    caption = f"Shapes and multiply-adds are those of {layers['of']}."
    columns = ("layer", "kind", "output", "parameters", "multiply-adds")
    body = render("table.html", caption=caption, columns=columns, rows=rows, foot=total, words=3)
    return Section("net", "Net", "The net, layer by layer", body)


def _count(value: int | str | None) -> str:
    return f"{value:,}" if isinstance(value, int) else UNKNOWN


def settings(config: Mapping[str, Any]) -> Section:
    """Everything that decides the weights, as `config.toml` holds it: first what is not as it is by default."""
    groups = {"general": {name: value for name, value in config.items() if not isinstance(value, Mapping)}}
    groups |= {name: dict(value) for name, value in config.items() if isinstance(value, Mapping)}
    body = render(
        "settings.html",
        changed=[(_spaced(name), _written(value)) for name, value in changed(config).items()],
        groups=[
            (_spaced(name), [(_spaced(key), _written(value)) for key, value in flat(group).items()])
            for name, group in groups.items()
        ],
    )
    return Section("settings", "Settings", "Settings", body)


def _spaced(name: str) -> str:
    return name.replace("_", " ").replace(".", " ")


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (", ".join(map(str, value)) if isinstance(value, list) else str(value)) or "none"


def origins(history: History, info: DataInfo) -> Section:
    """Data, where they come from, their license, and the machine."""
    counts = ", ".join(f"{count:,} {name}" for name, count in info.counts.items())
    fields = info.schema.fields
    data = [
        ("name", info.name),
        ("examples", counts),
        ("one example", info.schema.in_words()),
    ]
    for name, field in fields.items():
        if field.categories:
            data.append((f"{len(field.categories):,} categories of {name}", categories_in_words(field)))
    data += [("provenance", info.provenance), ("license", info.license), ("SHA-256", info.fingerprint)]
    groups = [("data", data), ("machine and software", list(history.environment.items()))]
    if history.notices:
        groups.append(("notices of the run", [(str(n), words) for n, words in enumerate(history.notices, 1)]))
    return Section("origins", "Data and environment", "Data and environment", render("origins.html", groups=groups))


def use(folder: Path, history: History, config: Mapping[str, Any], info: DataInfo) -> Section:
    """What to type to predict, go on, reproduce and read the run in Python."""
    return Section(
        "use",
        "Use it",
        "Use it, go on, reproduce it",
        render("commands.html", lines=_lines(folder, history, config, info)),
    )


def _lines(folder: Path, history: History, config: Mapping[str, Any], info: DataInfo) -> Commands:
    where, again = shlex.quote(str(folder)), shlex.quote(f"{folder}-again")
    settings_file, report = shlex.quote(str(folder / "config.toml")), report_of(history.task)
    if config["net"]["kind"] == "own":
        python = _python(folder, report, info, ", net=module")
        return [("The net is your own module: pass it where the run is read.", python)]
    lines = [*report.usage(folder, info.schema)]
    if history.reason in OVER:
        lines.append(("Measure it again, on these or on other data:", f"neurarium evaluate {where}"))
        if history.reason != "converged":
            epochs = 2 * history.planned_epochs
            lines.append(("Learn longer:", f"neurarium resume {where} --epochs {epochs}"))
    else:
        lines.insert(0, ("Go on where it stopped:", f"neurarium resume {where}"))
    lines.append(("Reproduce it from the same settings:", f"neurarium train --config {settings_file} --out {again}"))
    return [*lines, ("In Python:", _python(folder, report, info))]


def _python(folder: Path, report: TaskReport, info: DataInfo, more: str = "") -> str:
    lines = ["import neurarium", "", f"run = neurarium.load({str(folder)!r}{more})"]
    only = info.schema.input
    if info.name in SOURCES and (len(info.schema.inputs) > 1 or only.is_ragged or only.categories):
        lines.append(f"inputs = neurarium.load_data({info.name!r}).test")
    return "\n".join([*lines, report.call])
