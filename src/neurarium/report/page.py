"""One self-contained HTML page about a run, made from the files of its folder."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from string import Template
from typing import Any

from neurarium.checks import RunError
from neurarium.record.config import read_toml
from neurarium.record.files import write_atomic
from neurarium.record.run_record import read_record
from neurarium.report import markup, sections
from neurarium.report.format import duration
from neurarium.report.gallery import picture_sections, read_picture
from neurarium.report.history import History, digest
from neurarium.report.schema_words import inputs_in_words, targets_in_words
from neurarium.report.stylesheet import STYLE
from neurarium.report.tasks.table import report_of
from neurarium.report.trace_section import trace_section
from neurarium.report.verdict import tell_story
from neurarium.training.data_info import DataInfo, read_data_info

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title>
<style>$style</style>
</head>
<body>
<header>
<p class="over">neurarium, report of a run</p>
<h1>$name</h1>
<p class="lead">$lead</p>
$headline
$facts
<nav aria-label="Sections"><ul>$links</ul></nav>
</header>
<main>
$sections
</main>
<footer>Made by neurarium from the files of the run folder. Everything on this page is inside this one file.</footer>
</body>
</html>
""")


def write_report(folder: str | Path) -> Path:
    """Write `report.html` into a run folder, from what lies there.

    `config.toml`, `data.json` and `record.jsonl` must be there; `scores.json`, `layers.json`, `pictures.json` with the
    pictures that it lists, and `trace.json` are used where they are.

    Returns:
        Path of the page.

    Raises:
        RunError, ConfigError: a needed file is missing or damaged.
        StorageError: the page cannot be written.
    """
    path = Path(folder) / "report.html"
    write_atomic(path, report_page(Path(folder)))
    return path


def report_page(folder: Path) -> str:
    """Return the page about a run as HTML."""
    entries = read_record(folder / "record.jsonl")
    history = digest(entries)
    config, info = read_toml(folder / "config.toml"), read_data_info(folder)
    scores: Mapping[str, Any] | None = _read_json(folder / "scores.json")
    kept_best = bool(config["early_stopping"]["restore_best"])
    story = [markup.paragraph(words) for words in tell_story(history, info.counts, kept_best, scores)]
    headline, of_task = "", dict[str, str]()
    if scores is not None:
        report = report_of(scores["task"])
        headline, of_task = report.headline(scores), report.sections(scores, partial(read_picture, folder))
    parts = {
        "What happened": markup.section("story", "What happened", story),
        "Learning curves": sections.curves(entries, history),
        **of_task,
        **picture_sections(folder),
        "Net": sections.net(_read_json(folder / "layers.json")),
        "Back-propagation": trace_section(_read_json(folder / "trace.json")),
        "Settings": sections.settings(config),
        "Data and environment": sections.origins(history, info),
        "Use it": sections.use(folder, history, config, info),
    }
    shown = {title: part for title, part in parts.items() if part}
    return _PAGE.substitute(
        title=markup.text(f"{folder.resolve().name}: report of a run"),
        style=STYLE,
        name=markup.text(folder.resolve().name),
        lead=markup.text(_lead(config, info, history)),
        headline=headline,
        facts=sections.key_facts(history, info, config),
        links="".join(f'<li><a href="#{_anchor(part)}">{markup.text(title)}</a></li>' for title, part in shown.items()),
        sections="\n".join(shown.values()),
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


def _anchor(part: str) -> str:
    """The name of a section, as it was given to `markup.section`."""
    return part.split('"', 2)[1]


def _read_json(path: Path) -> Any:
    """Read a file that need not be there.

    Raises:
        RunError: it is there, but damaged.
    """
    if not path.exists():
        return None
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise RunError(
            str(path), expected="JSON", got="a damaged file", remedy="remove it and evaluate anew"
        ) from error
