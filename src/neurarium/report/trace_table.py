"""A trace of a net as a table for the screen and in words."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from neurarium.learning.trace.result import LayerTrace, Trace
from neurarium.report.ending import Ending
from neurarium.report.format import number, percent, shape

_NAMED = 4  # layers that a sentence names
_ROOM = 20  # characters of a layer's name that are worth more than another column


def trace_table(trace: Trace, width: int = 120) -> Table:
    """Show a trace layer by layer; layers whose error signal has vanished or exploded stand out.

    `width`: of the screen in characters; columns that do not fit are left out, the least telling ones first.
    """
    names = list(HEADINGS)
    table = _table(trace, names)
    longest = max((len(entry.title) for entry in trace.layers), default=0)
    console = Console(width=10_000)
    for name in _LESS_TELLING:
        if console.measure(table).maximum - max(0, longest - _ROOM) <= width:
            break
        names.remove(name)
        table = _table(trace, names)
    mode = "training" if trace.training else "evaluation"
    table.title = Text(f"{trace.examples} examples in {mode} mode, loss {number(trace.loss)}", "bold")
    hidden = [name for name in HEADINGS if name not in names]
    more = f" On a wider screen also: {', '.join(hidden)}." if hidden else ""
    table.caption = Text(caption(trace) + more)
    return table


def _table(trace: Trace, names: Sequence[str]) -> Table:
    # without lines between its eleven columns it fits a screen of 120 characters
    table = Table(title_justify="left", caption_justify="left", box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for name in names:
        words = name.replace(" ", "\n")
        table.add_column(words, justify="left" if name in HEADINGS[:3] else "right", no_wrap=name != "layer")
    marked = {*trace.vanishing, *trace.exploding, *trace.non_finite}
    for entry in trace.layers:
        cells = dict(zip(HEADINGS, row(entry), strict=True))
        style = "bold red" if entry.title in marked else ""
        table.add_row(Ending(cells["layer"]), *(Text(cells[name]) for name in names[1:]), style=style)
    return table


HEADINGS = (
    "layer", "kind", "output", "size", "error signal", "factor", "gradient", "update", "Jacobian",
    "its largest σ", "at rest",
)  # fmt: skip
_LESS_TELLING = ("its largest σ", "size", "at rest", "output", "Jacobian", "kind")


def row(entry: LayerTrace) -> tuple[str, ...]:
    """One use of a layer as the cells of a table, under `HEADINGS`."""
    values = " ".join(number(value, 3) for value in entry.singular_values) or "-"
    about = "" if entry.jacobian_exact or entry.jacobian_norm is None else "~"
    rest = [
        f"{percent(fraction, 0)} {word}" for fraction, word in ((entry.saturated, "flat"), (entry.dead, "dead"))
        if fraction is not None
    ]  # fmt: skip
    return (
        entry.title, entry.kind, shape(entry.output_shape), number(entry.rms, 3), number(entry.error_rms, 3),
        number(entry.factor, 3), number(entry.gradient_norm, 3), number(entry.update_ratio, 2),
        about + number(entry.jacobian_norm, 3), values, ", ".join(rest) or "-",
    )  # fmt: skip


def caption(trace: Trace) -> str:
    """Say what the columns mean."""
    update = f" update: change of the weights over their length, {trace.update}." if trace.update else ""
    return (
        "size: root mean square of the outputs. error signal: root mean square of dL/dy. factor: by which it is "
        f"multiplied on its way back from the next line. gradient: length of dL/dW.{update} Jacobian: Frobenius norm "
        "of dy/dx of one example and its largest singular values; ~ estimated. at rest: saturated (flat) or dead units."
    )


def verdict(trace: Trace) -> list[str]:
    """Say in sentences how the error signal fares and which layers do not learn."""
    sentences = []
    if trace.factor is not None:
        words = "shrinks" if trace.factor < 1 else "grows"
        sentences.append(
            f"On its way back the error signal {words} by a factor of {number(trace.factor, 3)} a layer (geometric "
            "mean over the layers with parameters)."
        )
    if trace.vanishing:
        limit = f"below {trace.vanishing_below:g} times that of the last layer"
        sentences.append(f"Gradients vanish: the error signal is {limit} in {_named(trace.vanishing)}.")
    if trace.exploding:
        limit = f"above {trace.exploding_above:g} times that of the last layer"
        sentences.append(f"Gradients explode: the error signal is {limit} in {_named(trace.exploding)}.")
    if not trace.vanishing and not trace.exploding:
        sentences.append("Gradients neither vanish nor explode.")
    for words, titles in (
        ("Numbers that are infinite or undefined arise", trace.non_finite),
        ("No error signal comes back", [e.title for e in trace.layers if e.error_rms is None]),
        ("More than half of the units are dead", [e.title for e in trace.layers if (e.dead or 0) > 0.5]),
        ("More than half of the units are saturated", [e.title for e in trace.layers if (e.saturated or 0) > 0.5]),
    ):
        if titles:
            sentences.append(f"{words} in {_named(titles)}.")
    return sentences


def _named(titles: Sequence[str]) -> str:
    few = ", ".join(titles[:_NAMED])
    more = f" and {len(titles) - _NAMED} more" if len(titles) > _NAMED else ""
    return f"{len(titles)} {'layer' if len(titles) == 1 else 'layers'} ({few}{more})"
