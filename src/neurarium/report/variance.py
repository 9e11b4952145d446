"""The variance check as a table and a picture: measured against theory by depth."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from neurarium.learning.variance import LayerVariance
from neurarium.report.format import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOG_FROM = 10.0  # ratio of largest to smallest value from which a logarithmic scale reads better
_NAMED_UP_TO = 24  # layers whose names stand at the axis


def variance_table(rows: Sequence[LayerVariance]) -> Table:
    """Show the rows, mean squares forwards and backwards each beside theory."""
    table = Table(caption_justify="left")
    for name in ("layer", "kind"):
        table.add_column(name, overflow="fold")
    for name in ("size", "theory", "ratio", "variance", "error", "theory"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            Text(row.name or "(net)"),
            Text(row.kind),
            number(row.mean_square, 3),
            number(row.theory, 3),
            number(row.ratio, 3),
            number(row.variance, 3),
            number(row.error_signal, 3),
            number(row.error_theory, 3),
        )
    table.caption = (
        "size: mean square of a layer's outputs; ratio: to that of its inputs; error: mean square of the error signal "
        "there, for random ones at the outputs of the net"
    )
    return table


def variance_figure(rows: Sequence[LayerVariance], title: str) -> "Figure":
    """Draw mean squares of activations and error signals over the depth, measured and by theory."""
    from neurarium.report import plotting

    named = len(rows) <= _NAMED_UP_TO
    figure = plotting.blank(max(7.0, min(12.0, 1.5 + 0.45 * len(rows))), 6.6 + 0.8 * named)
    plotting.heading(figure, title)
    above, below = figure.subplots(2, 1, sharex=True)
    _draw(above, [row.mean_square for row in rows], [row.theory for row in rows], "Forwards: outputs of each layer")
    _draw(
        below,
        [math.nan if row.error_signal is None else row.error_signal for row in rows],
        [row.error_theory for row in rows],
        "Backwards: error signal at the outputs of each layer",
    )
    plotting.legend_above(above, columns=2)
    if named:
        below.set_xticks(range(1, len(rows) + 1), [row.name or row.kind for row in rows], rotation=60, ha="right")
        for label in below.get_xticklabels():
            label.set_parse_math(False)
        below.set_xlabel("")
    else:
        below.set_xlabel("layer", color=plotting.FAINT, fontsize=9)
    return figure


def _draw(axes: "Axes", measured: Sequence[float], theory: Sequence[float | None], title: str) -> None:
    from neurarium.report import plotting

    depth = range(1, len(measured) + 1)
    laws = [math.nan if value is None else value for value in theory]
    many = len(measured) > _NAMED_UP_TO
    axes.plot(depth, measured, color=plotting.BLUE, linewidth=1.8, marker="o", markersize=4, label="measured")
    axes.plot(
        depth, laws, color=plotting.VERMILION, linewidth=1.4, linestyle=(0, (4, 2)), marker="D",
        markersize=3 if many else 7, markerfacecolor="none", label="theory",
    )  # fmt: skip
    plotting.dress(axes, title, "", "mean square")
    positive = [y for y in [*measured, *laws] if math.isfinite(y) and y > 0]
    if positive and max(positive) / min(positive) >= _LOG_FROM:
        axes.set_yscale("log")
        axes.set_ylabel("mean square (logarithmic)")
    else:
        axes.set_ylim(bottom=0, top=1.1 * max(positive, default=1.0))
