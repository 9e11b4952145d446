"""A trace of a net as a figure: the same layers along four logarithmic axes, in the order of computation."""

import math
from collections.abc import Sequence
from typing import TypeAlias

from neurarium.learning.trace.result import Trace
from neurarium.report.drawn_types import Axes, Figure
from neurarium.report.format import number

Series: TypeAlias = dict[str, Sequence[float | None]]
_INCHES_A_LAYER, _NARROWEST, _WIDEST = 0.24, 8.0, 18.0
_LONGEST_NAME = 28
_PLAIN_BELOW, _CLOSE_BELOW = 1e5, 300.0  # ratios of the ends up to which ticks are plain numbers, and close together
_LEAST_SPAN = 10.0  # ratio of the ends of an axis: less would blow up small differences


def trace_figure(trace: Trace, title: str = "") -> Figure:
    """Draw size of the activations and error signal beside their laws, gradient and singular values of each layer.

    A number that is zero has no place on a logarithmic axis: it is a triangle at the lower edge; one that is infinite
    or undefined is a cross at the upper edge.
    """
    from neurarium.report import plotting

    names = [_short(entry.title) for entry in trace.layers]
    width = min(max(_NARROWEST, 1.6 + _INCHES_A_LAYER * len(names)), _WIDEST)
    labels = 0.075 * max(map(len, names), default=0) + 0.3
    figure = plotting.new_figure(width, 8.2 + labels)
    if title:
        plotting.suptitle(figure, title)
    panels = figure.subplots(4, 1, sharex=True)
    signal = "Error signal dL/dy: root mean square"
    signal += f", times {number(trace.factor, 3)} a layer backwards" if trace.factor else ""
    law = "expected of weights independent of the signal"
    sizes: Series = {"measured": [e.rms for e in trace.layers], law: [e.expected for e in trace.layers]}
    errors: Series = {"": [e.error_rms for e in trace.layers], "_law": [e.error_expected for e in trace.layers]}
    _panel(panels[0], "Activations: root mean square", sizes, plotting.BLUE, plotting.FAINT)
    plotting.legend_above(panels[0], columns=2)
    _panel(panels[1], signal, errors, plotting.VERMILION, plotting.FAINT)
    _limits(panels[1], trace)
    _panel(panels[2], "Gradient dL/dW: length", {"": [e.gradient_norm for e in trace.layers]}, plotting.GREEN)
    _jacobians(panels[3], trace)
    every = math.ceil(len(names) / (_WIDEST / _INCHES_A_LAYER))
    panels[3].set_xticks(range(0, len(names), every), names[::every], rotation=90, fontsize=8, parse_math=False)
    panels[3].set_xlim(-0.6, len(names) - 0.4)
    for axes in panels[:3]:
        axes.tick_params(axis="x", length=0)
    figure.align_ylabels(panels)
    return figure


def _panel(axes: Axes, title: str, series: Series, color: str, faint: str = "") -> None:
    """Draw one quantity over the layers; layers that lack it are passed over by the line.

    `series`: name to values; the first is drawn in `color`, the others in `faint`.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    from neurarium.report import plotting

    plotting.style_axes(axes, title, "", "logarithmic")
    axes.grid(axis="x", color=plotting.LINE, linewidth=0.4)
    axes.set_yscale("log")
    drawn: list[float] = []
    for place, (name, values) in enumerate(series.items()):
        shade = faint if place else color
        there = [(x, y) for x, y in enumerate(values) if y is not None and 0 < y < math.inf]
        drawn += [y for _, y in there]
        axes.plot(
            [x for x, _ in there], [y for _, y in there], color=shade, linewidth=1.0 if place else 1.6,
            marker="o", markersize=3 if place else 4, markeredgewidth=0, label=name or None, zorder=2 if place else 3,
        )  # fmt: skip
        for wanted, mark, edge in ((_is_zero, "v", 0.03), (_is_wild, "x", 0.97)):
            places = [x for x, y in enumerate(values) if y is not None and wanted(y)]
            if places:
                axes.plot(
                    places, [edge] * len(places), linestyle="none", marker=mark, markersize=6, color=shade,
                    transform=axes.get_xaxis_transform(),
                )  # fmt: skip
    if not drawn:
        axes.set_yticks([], minor=False)
        axes.set_yticks([], minor=True)
        axes.text(0.5, 0.5, "no such numbers", transform=axes.transAxes, ha="center", color=plotting.FAINT)
        return
    middle, span = math.sqrt(min(drawn)) * math.sqrt(max(drawn)), max(max(drawn) / min(drawn), _LEAST_SPAN)
    reach = math.sqrt(span) * span**0.08
    axes.set_ylim(middle / reach, middle * reach)
    if span < _PLAIN_BELOW:
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if span < _CLOSE_BELOW else (1.0,)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _jacobians(axes: Axes, trace: Trace) -> None:
    from neurarium.report import plotting

    count = max((len(entry.singular_values) for entry in trace.layers), default=0)
    # the legend leaves out names that begin with "_"
    names = ["σ1", f"σ2 to σ{count}" if count > 2 else "σ2", *(f"_{k}" for k in range(2, count))][:count]
    series: Series = {
        name: [e.singular_values[k] if len(e.singular_values) > k else None for e in trace.layers]
        for k, name in enumerate(names)
    }
    _panel(axes, "Jacobian dy/dx of one example: largest singular values", series, plotting.INK, plotting.FAINT)
    if count:
        low, high = axes.get_ylim()
        if low < 1 < high:
            axes.axhline(1, color=plotting.FAINT, linewidth=0.9, linestyle=(0, (2, 3)), zorder=1)
        plotting.legend_above(axes, columns=2)


def _limits(axes: Axes, trace: Trace) -> None:
    """Draw the limits of vanishing and exploding, where something lies beyond them."""
    from neurarium.report import plotting

    last = trace.last_error
    if not last or not math.isfinite(last):
        return
    for titles, limit, words in (
        (trace.vanishing, trace.vanishing_below, "vanished below"),
        (trace.exploding, trace.exploding_above, "exploded above"),
    ):
        if titles:
            axes.axhline(last * limit, color=plotting.FAINT, linewidth=0.9, linestyle=(0, (4, 2)))
            axes.annotate(
                words, (0.005, last * limit), xycoords=axes.get_yaxis_transform(), ha="left", va="bottom", fontsize=8,
                color=plotting.FAINT,
            )  # fmt: skip


def _is_zero(value: float) -> bool:
    return value == 0


def _is_wild(value: float) -> bool:
    return not math.isfinite(value)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else "…" + name[1 - _LONGEST_NAME :]
