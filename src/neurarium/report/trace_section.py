"""The section of a report that shows a trace of the run's net."""

from collections.abc import Mapping
from typing import Any

from neurarium.learning.trace.result import Trace
from neurarium.report import markup
from neurarium.report.trace_table import HEADINGS, caption, row, verdict


def trace_section(values: Mapping[str, Any] | None) -> str:
    """How activations and error signals pass through the net.

    Args:
        values: content of the run's `trace.json`; none: there was no trace, and there is no section.

    Returns:
        A section called "trace", or nothing.
    """
    if values is None:
        return ""
    from neurarium.report.plotting import themed_svg
    from neurarium.report.trace_picture import trace_figure

    found = Trace.from_plain(values)
    words = verdict(found)
    drawing = markup.drawing(themed_svg(trace_figure(found), "trace"), " ".join(words))
    table = markup.table(caption(found), HEADINGS, [row(entry) for entry in found.layers], words=3)
    parts = [
        markup.paragraph(_INTRO.format(examples=found.examples)), *map(markup.paragraph, words), drawing,
        markup.folded("The same as a table", [table]),
    ]  # fmt: skip
    return markup.section("trace", "Back-propagation, layer by layer", parts)


_INTRO = (
    "One batch of {examples} examples forward and its error back. Where the error signal falls from layer to layer on "
    "its way to the left, the first layers learn slowly or not at all; where it grows, single updates are too large."
)
