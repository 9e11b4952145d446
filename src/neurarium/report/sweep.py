"""A sweep as a figure and as a table: mean over the seeds of each cell, and its spread.

The band is one standard deviation to either side: where a single further run may be expected to lie, and not how well
the mean itself is known (that would be the standard error, smaller by the root of the number of seeds).
"""

import math
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from neurarium.report.drawn_types import Axes, Figure
from neurarium.report.sweep_scores import SweptCell, best_cell, shown, tell_best
from neurarium.report.tasks.table import report_of

_LOG_FROM = 30.0  # ratio of largest to smallest mean from which a logarithmic scale reads better
_MARKED_UP_TO = 40


def sweep_figure(cells: Sequence[SweptCell], seeds: int, title: str) -> Figure:
    """Draw training loss and validation error of every cell over the epochs, mean and band.

    `cells`: of one sweep; those without a finished run are named in the legend alone.
    """
    from matplotlib.ticker import FuncFormatter

    from neurarium.report import plotting

    figure = plotting.new_figure(10.5, 4.8 + 0.24 * math.ceil(len(cells) / 2))
    left, right = figure.subplots(1, 2)
    losses = _draw(left, cells, "train", "loss", 1.0)
    errors = _draw(right, cells, "validation", "error", 100.0)
    band = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
    plotting.style_axes(left, "Loss on the training data", "epoch", f"loss\n{band}")
    plotting.style_axes(right, "Error on the validation data", "epoch", f"{_unit(cells)}\n{band}")
    if losses and min(losses) > 0 and max(losses) / min(losses) >= _LOG_FROM:
        left.set_yscale("log")
        left.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
        left.set_ylabel(f"loss (logarithmic)\n{band}", color=plotting.FAINT, fontsize=9)
    right.set_ylim(bottom=0)
    if not errors:
        for axes in (left, right):
            axes.text(0.5, 0.5, "no run done yet", transform=axes.transAxes, ha="center", color=plotting.FAINT)
    last = max((epoch for cell in cells for epoch in cell.course("train", "loss")[0]), default=1)
    for axes in (left, right):
        plotting.epochs_axis(axes, float(last))
    handles, labels = right.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=2 if len(cells) > 1 else 1, frameon=False, fontsize=9.5,
        labelcolor=plotting.INK,
    )  # fmt: skip
    for text in figure.legends[0].get_texts():
        text.set_parse_math(False)
    plotting.suptitle(figure, title)
    return figure


def sweep_table(cells: Sequence[SweptCell]) -> Table:
    """Show a row a cell: validation error and loss in each run's best epoch and in its last, seconds a run.

    Each is mean ± standard deviation over the seeds; the best cell stands in bold.
    """
    words = f"Validation scores, mean ± standard deviation; best: in each run's best epoch.\n{tell_best(cells)}"
    table = Table(caption_justify="left", caption=Text(words))
    table.add_column("cell", overflow="fold", min_width=12)
    for name in COLUMNS[1:]:
        table.add_column(name, justify="right", overflow="fold")
    best = best_cell(cells)
    for cell in cells:
        table.add_row(*(Text(word) for word in row_of(cell)), style="bold" if cell is best else "")
    return table


COLUMNS = (
    "cell",
    "error %\nbest",
    "error %\nlast",
    "loss\nbest",
    "loss\nlast",
    "seconds\na run",
    "runs",
)


def row_of(cell: SweptCell) -> tuple[str, ...]:
    """The words of a cell's row, in the order of `COLUMNS`."""
    return (
        cell.name,
        shown(cell.at_best("error"), 2, unit=100.0),
        shown(cell.at_end("error"), 2, unit=100.0),
        shown(cell.at_best("loss"), 3),
        shown(cell.at_end("loss"), 3),
        shown(cell.seconds(), 1),
        _counts(cell),
    )


def _unit(cells: Sequence[SweptCell]) -> str:
    """What the error is, where all runs were asked the same."""
    units = {report_of(history.task).axis for cell in cells for history in cell.histories}
    return units.pop() if len(units) == 1 else "error in %"


def _counts(cell: SweptCell) -> str:
    words = [f"{len(cell.histories)} done" if cell.diverged or cell.missing else str(len(cell.histories))]
    words += [f"{cell.diverged} diverged"] if cell.diverged else []
    words += [f"{cell.missing} to come"] if cell.missing else []
    return ", ".join(words)


def _draw(axes: Axes, cells: Sequence[SweptCell], part: str, measure: str, unit: float) -> list[float]:
    """Draw one score of every cell; return the means."""
    import numpy as np

    from neurarium.report import plotting

    drawn: list[float] = []
    for index, cell in enumerate(cells):
        color = plotting.COLORS[index % len(plotting.COLORS)]
        style = ("-", "--", ":", "-.")[index // len(plotting.COLORS) % 4]
        epochs, course = cell.course(part, measure)
        means = unit * np.array([value.mean for value in course])
        deviations = unit * np.array([value.sd for value in course])
        label = f"{cell.name} ({_counts(cell)})" if cell.diverged or cell.missing else cell.name
        axes.plot(
            epochs, means, style, color=color, linewidth=1.8, label=label, markersize=4, markeredgewidth=0,
            marker=plotting.MARKERS[index % 8] if len(epochs) <= _MARKED_UP_TO else "",
        )  # fmt: skip
        if len(epochs) and not np.isnan(deviations).any():
            axes.fill_between(epochs, means - deviations, means + deviations, color=color, alpha=0.16, linewidth=0)
        drawn += means.tolist()
    return drawn
