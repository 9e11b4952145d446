"""One self-contained HTML page about a run, made from the files of its folder."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from neurarium.record.files import write_atomic
from neurarium.record.run_record import read_record
from neurarium.record.sealed import read_json, read_settings
from neurarium.report import sections
from neurarium.report.format import duration
from neurarium.report.gallery import figure_sections, read_figure
from neurarium.report.history import History, digest
from neurarium.report.render import Section, render
from neurarium.report.schema_words import inputs_in_words, targets_in_words
from neurarium.report.tasks.table import report_of
from neurarium.report.trace_section import trace_section
from neurarium.report.verdict import verdict_of
from neurarium.training.data_info import DataInfo, read_data_info


def write_report(folder: str | Path) -> Path:
    """Write `report.html` into a run folder, from what lies there.

    `config.toml`, `data.json` and `record.jsonl` must be there; `scores.json`, `layers.json`, `figures.json` with the
    figures that it lists, and `trace.json` are used where they are.
    Returns: path of the page.
    Raises RunError, ConfigError: a needed file is missing or damaged; StorageError: the page cannot be written.
    """
    path = Path(folder) / "report.html"
    write_atomic(path, report_page(Path(folder)))
    return path


def report_page(folder: Path) -> str:
    """Return the page about a run as HTML."""
    entries = read_record(folder / "record.jsonl")
    history = digest(entries)
    config, info = read_settings(folder / "config.toml")[0], read_data_info(folder)
    # all of them before anything is drawn: a damaged one is named at once
    scores, layers, trace = (_read_json(folder / f"{name}.json") for name in ("scores", "layers", "trace"))

    def parts() -> Iterator[Section | None]:
        kept_best = bool(config["early_stopping"]["restore_best"])
        yield sections.story(verdict_of(history, info.counts, kept_best, scores))
        yield sections.curves(entries, history)
        if scores is not None:
            yield from report_of(scores["task"]).sections(scores, partial(read_figure, folder))
        yield from figure_sections(folder)
        yield sections.net(layers)
        yield trace_section(trace)
        yield sections.settings(config)
        yield sections.origins(history, info)
        yield sections.use(folder, history, config, info)

    headline = "" if scores is None else report_of(scores["task"]).headline(scores)
    return render(
        "page.html",
        kind="run",
        name=folder.resolve().name,
        lead=_lead(config, info, history),
        top=render(
            "top.html",
            headline=headline,
            warnings=() if scores is None else scores.get("warnings", ()),
            facts=sections.key_facts(history, info, config),
        ),
        sections=[part for part in parts() if part],
        source="the files of the run folder",
    )


def _lead(config: Mapping[str, Any], info: DataInfo, history: History) -> str:
    kind, schema = config["net"]["kind"], info.schema
    net = "Your own net" if kind == "own" else f"The net {kind}"
    learned = report_of(history.task).learned.format(
        classes=len(schema.classes) if schema.targets else 0,
        inputs=inputs_in_words(schema),
        names=targets_in_words(schema),
    )
    examples = f"{info.counts['train']:,} examples of {info.name}"
    return f"{net} {learned}, from {examples}, in {duration(history.seconds)}."


def _read_json(path: Path) -> Any:
    """Read a file that need not be there. Raises RunError: it is there, but damaged."""
    return read_json(path, "JSON", "remove it and write it anew: neurarium report") if path.exists() else None
