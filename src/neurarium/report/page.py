"""One self-contained HTML page about a run, made from the files of its folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from neurarium.checks import RunError
from neurarium.record.config import read_toml
from neurarium.record.files import write_atomic
from neurarium.record.run_record import read_record
from neurarium.report import markup, sections
from neurarium.report.gallery import plate_sections
from neurarium.report.history import History, digest
from neurarium.report.measures import WORDS, measures_section
from neurarium.report.numbers import duration
from neurarium.report.story import tell_story
from neurarium.report.stylesheet import STYLE
from neurarium.report.trace_section import trace_section
from neurarium.training.card import read_card

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

    `config.toml`, `data.json` and `record.jsonl` must be there; `scores.json`, `layers.json`, `mistakes.png`,
    `confusion.png`, `augmented.png`, `pictures.json` and `trace.json` are used where they are.

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
    config, card = read_toml(folder / "config.toml"), read_card(folder)
    scores: Mapping[str, Any] | None = _read_json(folder / "scores.json")
    kept_best = bool(config["early_stopping"]["restore_best"])
    story = [markup.paragraph(words) for words in tell_story(history, card["counts"], kept_best, scores)]
    parts = {
        "What happened": markup.section("story", "What happened", story),
        "Learning curves": sections.curves(entries, history),
        "Answers": sections.answers(scores, _read_bytes(folder / "confusion.png")),
        "Scores": measures_section(scores),
        "Mistakes": sections.mistakes(scores, _read_bytes(folder / "mistakes.png")),
        **plate_sections(folder),
        "Augmented examples": sections.augmentation(_read_bytes(folder / "augmented.png")),
        "Net": sections.net(_layers(folder / "layers.json")),
        "Back-propagation": trace_section(_read_json(folder / "trace.json")),
        "Settings": sections.settings(config),
        "Data and environment": sections.origins(history, card),
        "Use it": sections.use(folder, history, config, card),
    }
    shown = {title: part for title, part in parts.items() if part}
    return _PAGE.substitute(
        title=markup.text(f"{folder.resolve().name}: report of a run"),
        style=STYLE,
        name=markup.text(folder.resolve().name),
        lead=markup.text(_lead(config, card, history)),
        headline=sections.headline(scores),
        facts=sections.key_facts(history, card, config),
        links="".join(f'<li><a href="#{_anchor(part)}">{title}</a></li>' for title, part in shown.items()),
        sections="\n".join(shown.values()),
    )


def _lead(config: Mapping[str, Any], card: Mapping[str, Any], history: History) -> str:
    kind = config["net"]["kind"]
    net = "Your own net" if kind == "own" else f"The net {kind}"
    learnt = WORDS[history.task].learnt.format(
        classes=len(card["classes"]), kind=card["kind"], names=", ".join(card["classes"])
    )
    examples = f"{card['counts']['train']:,} examples of {card['name']}"
    return f"{net} {learnt}, from {examples}, in {duration(history.seconds)}."


def _anchor(part: str) -> str:
    """The name of a section, as it was given to `markup.section`."""
    return part.split('"', 2)[1]


def _layers(path: Path) -> Sequence[Mapping[str, Any]] | None:
    found = _read_json(path)
    return found["rows"] if isinstance(found, dict) else found


def _read_json(path: Path) -> Any:
    """Read a file that need not be there.

    Raises:
        RunError: it is there, but damaged.
    """
    content = _read_bytes(path)
    if content is None:
        return None
    try:
        return json.loads(content)
    except ValueError as error:
        raise RunError(
            str(path), expected="JSON", got="a damaged file", remedy="remove it and evaluate anew"
        ) from error


def _read_bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
