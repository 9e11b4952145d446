"""The section of a report that shows a trace of the run's net."""

from collections.abc import Mapping
from typing import Any

from neurarium.learning.trace.result import Trace
from neurarium.report.render import Section, render
from neurarium.report.trace_table import HEADINGS, caption, row, verdict


def trace_section(values: Mapping[str, Any] | None) -> Section | None:
    """How activations and error signals pass through the net.

    `values`: content of the run's `trace.json`; none: there was no trace, and there is no section.
    """
    if values is None:
        return None
    from neurarium.report.plotting import themed_svg
    from neurarium.report.trace_figure import trace_figure

    found = Trace.from_plain(values)
    body = render(
        "trace.html",
        examples=found.examples,
        verdict=verdict(found),
        svg=themed_svg(trace_figure(found), "trace"),
        caption=caption(found),
        columns=HEADINGS,
        rows=[row(entry) for entry in found.layers],
    )
    return Section("trace", "Back-propagation", "Back-propagation, layer by layer", body)
