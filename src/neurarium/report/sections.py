"""The sections of a report, each from the numbers of a run; a section without numbers is empty."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurarium.report import markup
from neurarium.report.confusion import row_shares, strengths
from neurarium.report.curves import PANELS, panel_figure
from neurarium.report.history import Entry, History
from neurarium.report.markup import Bar, text
from neurarium.report.measures import WORDS, measures_headline, task_of_scores
from neurarium.report.numbers import duration, percent, shape, share_digits
from neurarium.report.story import OVER, hits
from neurarium.report.wilson import wilson_interval

_WRITTEN_UP_TO = 15  # classes for which the confusion matrix is a table
_OPEN_UP_TO = 20  # rows that a table shows without being asked


def headline(scores: Mapping[str, Any] | None) -> str:
    """The accuracy, large, with its 95 % interval in words and on a scale."""
    if scores is None:
        return ""
    if task_of_scores(scores) != "classification":
        return measures_headline(scores)
    total, right = scores["examples"], hits(scores)
    digits = share_digits(total)
    low, high = wilson_interval(right, total)
    marks = f'<i style="left:{100 * low:.2f}%;width:{100 * (high - low):.2f}%"></i>'
    interval = f"95 % interval {percent(low, digits)} to {percent(high, digits)}"
    return (
        f'<div class="result"><span class="big">{percent(right / total, digits)}</span>'
        f'<p class="about">{text(scores["split"])} accuracy: {right:,} of {total:,} right<br>'
        f'<span class="faint">{interval}</span></p></div>'
        f'<div class="scale" role="img" aria-label="{interval}">'
        f'{marks}<b style="left:{100 * right / total:.2f}%"></b></div>'
        '<div class="ends" aria-hidden="true"><span>0 %</span><span>100 %</span></div>'
    )


def key_facts(history: History, card: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """The handful of facts that everybody asks for first."""
    best, environment = history.best, history.environment
    pairs = [
        ("Net", str(config["net"]["kind"])),
        ("Parameters", f"{history.parameters:,}"),
        ("Data", str(card["name"])),
        ("Learning time", duration(history.seconds)),
        ("Epochs", f"{history.step // history.steps_per_epoch} of {history.planned_epochs}"),
        ("Device", str(environment.get("device", "unknown"))),
    ]
    if best is not None and best["development"]:
        error = f"{percent(best['development'].get('error'))} (epoch {best['epoch']})"
        pairs.insert(4, ("Best development error", error))
    return markup.facts(pairs)


def curves(entries: Sequence[Entry], history: History) -> str:
    """The learning curves, and how to read them."""
    if not history.steps and not history.epochs:
        return ""
    from neurarium.report.picture import themed_svg

    drawings = [
        markup.drawing(themed_svg(panel_figure(entries, name), markup.slug(name)), _describe(name, history))
        for name in PANELS
    ]
    reading = _READING if history.task == "classification" else _reading_of(history.task)
    return markup.section("curves", "Learning curves", [f'<div class="panels">{"".join(drawings)}</div>', reading])


def _reading_of(task: str) -> str:
    """How to read the curves of a net that is no classifier."""
    return (
        "<aside><h3>How to read the curves</h3><ul><li><b>Objective.</b> What learning makes small, or what its rule "
        "reports in its place. The pale line shows single updates, the strong ones whole epochs.</li>"
        f"<li><b>Error.</b> {text(WORDS[task].error)}. Blue: the examples that the net learns from, while the weights "
        "move; orange: examples that it does not learn from, after each epoch.</li></ul></aside>"
    )


_READING = """<aside><h3>How to read the three curves</h3><ul>
<li><span class="key" style="color:var(--blue)"></span><b>Objective.</b> What learning makes small. Where it falls,
learning works; where it jumps or rises, the learning rate is too high; where it stays flat from the start, too low.
The pale line shows single updates, the strong ones whole epochs.</li>
<li><span class="key" style="color:var(--blue)"></span><b>Training error.</b> Share of wrong answers on the examples
that the net learns from, averaged over each epoch while the weights move. Where it stays high, the net is too small or
has not learnt long enough.</li>
<li><span class="key" style="color:var(--vermilion)"></span><b>Development error.</b> Share of wrong answers on examples
that it does not learn from, measured after each epoch. It tells what the net has understood; the epoch where it is
lowest is the one to keep.</li>
<li><b>The gap.</b> Where training error falls on while development error stops or rises, the net learns its examples
by heart: it overfits.</li></ul></aside>"""


def _describe(panel: str, history: History) -> str:
    """Say in words what a panel shows, for those who do not see it."""
    if not history.epochs:
        return f"Curve of the {panel}; no epoch is done yet."
    first, last, best = history.epochs[0], history.epochs[-1], history.best
    if panel in ("objective", "error"):
        write = percent if panel == "error" else lambda value: f"{value:.4g}"
        words = [f"Curves of the {panel} over {len(history.epochs)} epochs."]
        for part in ("train", "development"):
            if panel in first[part]:
                word = "training" if part == "train" else part
                words.append(f"{word}: from {write(first[part][panel])} to {write(last[part][panel])}.")
        return " ".join(words) + (f" Best epoch: {best['epoch']}." if best else "")
    name = panel.replace(" ", "_")
    return f"Curve of the {panel}: {first[name]:.3g} in the first epoch, {last[name]:.3g} in the last."


def answers(scores: Mapping[str, Any] | None, confusion_png: bytes | None) -> str:
    """Confusion matrix and scores of each class; nothing for a net that is no classifier."""
    if scores is None or task_of_scores(scores) != "classification":
        return ""
    classes, confusion = scores["classes"], np.array(scores["confusion"], dtype=np.int64)
    parts, beside = [], len(classes) <= _WRITTEN_UP_TO
    if beside:
        parts.append(_matrix(classes, confusion))
    elif confusion_png is not None:
        parts.append(markup.photograph(confusion_png, f"Confusion matrix of {len(classes)} classes; see the table"))
    rows = [
        (
            row["class"], f"{row['examples']:,}", f"{row['precision']:.3f}", Bar(f"{row['recall']:.3f}", row["recall"]),
            f"{row['f1']:.3f}",
        )
        for row in scores["per_class"]
    ]  # fmt: skip
    each = markup.table(
        "Precision: share of right ones among its answers of this class. Recall: share of the class that it found. "
        "F1: harmonic mean of both.",
        ("class", "examples", "precision", "recall", "F1"), rows,
    )  # fmt: skip
    parts.append(each if len(rows) <= _OPEN_UP_TO else markup.folded(f"All {len(rows)} classes", [each]))
    if beside:
        parts = [f'<div class="beside">{"".join(parts)}</div>']
    return markup.section("answers", "Answers by class", parts)


def _matrix(classes: Sequence[str], confusion: np.ndarray) -> str:
    strength = strengths(row_shares(confusion))
    turned = ' class="turned"' if max(map(len, classes)) > 3 else ""
    head = "".join(f'<th scope="col"{turned}><span>{text(name)}</span></th>' for name in classes)
    rows = []
    for i, name in enumerate(classes):
        cells = []
        for j, count in enumerate(confusion[i]):
            kind = ("right" if i == j else "wrong") + (" strong" if strength[i, j] > 0.55 else "")
            cells.append(
                f'<td class="{kind}" style="--share:{strength[i, j]:.3f}">{count:,}</td>' if count else "<td></td>"
            )
        rows.append(f'<tr><th scope="row">{text(name)}</th>{"".join(cells)}</tr>')
    return (
        '<div class="wide"><table class="matrix"><caption><span>Confusion matrix: a row for each true class, a column '
        "for each answer. Blue: right; orange: wrong; the darker, the larger the share of the row.</span></caption>"
        f'<thead><tr><td class="corner"></td>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def augmentation(png: bytes | None) -> str:
    """Training examples under the run's augmentation."""
    if png is None:
        return ""
    intro = "It hardly saw the same example twice: on the left as they are, beside them some versions it learnt from."
    image = markup.photograph(png, "Training examples and random transformations of them")
    return markup.section("augmentation", "Augmented examples", [markup.paragraph(intro), image])


def mistakes(scores: Mapping[str, Any] | None, png: bytes | None) -> str:
    """The most confident mistakes, as pictures where there are any and as a table."""
    if scores is None or not scores.get("mistakes"):
        return ""
    listed = scores["mistakes"]
    rows = [(str(m["index"]), m["predicted"], m["truth"], percent(m["confidence"], 1)) for m in listed]
    each = markup.table(
        f"Number of the example in the {scores['split']} data, counted from 0", ("example", "said", "is", "sure by"),
        rows, words=3,
    )  # fmt: skip
    intro = (
        "Where it was most sure and yet wrong: often these examples are unclear, badly labelled, or unlike the others."
    )
    parts = [markup.paragraph(intro)]
    if png is None:
        return markup.section("mistakes", "Most confident mistakes", [*parts, each])
    said = "; ".join(f"said {m['predicted']}, is {m['truth']}" for m in listed[:5])
    image = markup.photograph(png, f"The {len(listed)} most confident mistakes: {said}" + (" …" if listed[5:] else ""))
    return markup.section(
        "mistakes", "Most confident mistakes", [*parts, image, markup.folded("The same as a table", [each])]
    )


def net(layers: Sequence[Mapping[str, Any]] | None) -> str:
    """The net layer by layer."""
    if not layers:
        return ""
    rows = [
        (
            row["name"] or "(net)", row["kind"], shape(row["output_shape"]), str(row["receptive_field"]),
            f"{row['parameters']:,}", f"{row['multiply_adds']:,}",
        )
        for row in layers
    ]  # fmt: skip
    total = (f"{sum(row[name] for row in layers):,}" for name in ("parameters", "multiply_adds"))
    caption = (
        "Shapes are those of one example. Receptive field: how much of the input a unit sees along each axis. "
        "Multiply-adds: for one example."
    )
    columns = ("layer", "kind", "output", "receptive field", "parameters", "multiply-adds")
    return markup.section(
        "net", "The net, layer by layer", [markup.table(caption, columns, rows, ("total", "", "", "", *total), words=4)]
    )


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


def origins(history: History, card: Mapping[str, Any]) -> str:
    """Data, their source and licence, and the machine."""
    counts = ", ".join(f"{count:,} {name}" for name, count in card["counts"].items())
    classes = card["classes"]
    named = ", ".join(map(str, classes[:_OPEN_UP_TO])) + (" …" if len(classes) > _OPEN_UP_TO else "")
    data = [
        ("name", card["name"]), ("examples", counts), ("one example", f"{shape(card['shape'])} ({card['kind']})"),
        (f"{len(classes)} classes", named), ("source", card["source"]), ("licence", card["licence"]),
        ("SHA-256", card["fingerprint"]),
    ]  # fmt: skip
    blocks = [("data", data), ("machine and software", list(history.environment.items()))]
    if history.notices:
        blocks.append(("notices of the run", [(str(n), words) for n, words in enumerate(history.notices, 1)]))
    inside = "".join(
        f"<div><h3>{text(title)}</h3>{markup.facts(((k, str(v)) for k, v in pairs), 'lines')}</div>"
        for title, pairs in blocks
    )
    return markup.section("origins", "Data and environment", [f'<div class="columns">{inside}</div>'])


def use(folder: Path, history: History, config: Mapping[str, Any], card: Mapping[str, Any]) -> str:
    """What to type to predict, go on, reproduce and read the run in Python."""
    where, again = shlex.quote(str(folder)), shlex.quote(f"{folder}-again")
    settings_file = shlex.quote(str(folder / "config.toml"))
    if config["net"]["kind"] == "own":
        python = _python(folder, history.task, ", net=module")
        lines = [("The net is your own module: pass it where the run is read.", python)]
        return markup.section("use", "Use it, go on, reproduce it", [markup.commands(lines)])
    files = "picture.png" if card["kind"] == "images" else "examples.csv"
    lines = []
    if history.task in ("classification", "regression"):
        lines.append(("Let it answer for your own files:", f"neurarium predict {where} {files}"))
    elif history.task in ("generation", "density"):
        out = "samples.png" if card["kind"] == "images" else "samples.npz"
        lines.append(("Let it make more examples:", f"neurarium sample {where} --count 100 --out {out}"))
    if history.reason in OVER:
        lines.append(("Measure it again, on these or on other data:", f"neurarium evaluate {where}"))
        if history.reason != "converged":
            epochs = 2 * history.planned_epochs
            lines.append(("Learn longer:", f"neurarium resume {where} --epochs {epochs}"))
    else:
        lines.insert(0, ("Go on where it stopped:", f"neurarium resume {where}"))
    lines.append(("Reproduce it from the same settings:", f"neurarium train --config {settings_file} --out {again}"))
    lines.append(("In Python:", _python(folder, history.task)))
    return markup.section("use", "Use it, go on, reproduce it", [markup.commands(lines)])


_CALLS = {
    "classification": "run.predict(inputs).labels",
    "regression": "run.predict(inputs).values",
    "density": "run.sample(100)",
    "generation": "run.sample(100)",
}


def _python(folder: Path, task: str, more: str = "") -> str:
    call = _CALLS.get(task, "run.net(run.scaling.apply(inputs))")
    return f"import neurarium\n\nrun = neurarium.load({str(folder)!r}{more})\n{call}"
