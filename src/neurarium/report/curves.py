"""The three learning curves (loss, training error, validation error), with gradient norm and learning rate.

Figures are made from the entries of a record; see `record.run_record.read_record`.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from neurarium.record.files import write_atomic
from neurarium.report.drawn_types import Axes, Figure
from neurarium.report.format import number, percent
from neurarium.report.history import Entry, History, digest
from neurarium.report.tasks.table import report_of

_MARKED_UP_TO = 40  # epochs that are marked singly
_LOG_FROM = 30.0  # ratio of largest to smallest value from which a logarithmic scale reads better
_ROOT_TICKS = (0, 0.2, 1, 2, 5, 10, 20, 30, 40, 60, 80, 100)


def curves_figure(entries: Sequence[Entry], title: str) -> Figure:
    """Draw the learning curves of a run. Raises RunError: the record does not say that the run was started."""
    from neurarium.report import plotting

    history = digest(entries)
    figure = plotting.new_figure(10.5, 7.0)
    plotting.suptitle(figure, title)
    grid = figure.add_gridspec(2, 2, height_ratios=(2.4, 1), hspace=0.08, wspace=0.06)
    for place, draw in enumerate(PANELS.values()):
        draw(figure.add_subplot(grid[place]), history)
    return figure


def panel_figure(entries: Sequence[Entry], panel: str) -> Figure:
    """Draw one of `PANELS` alone, for a page that arranges them itself."""
    from neurarium.report import plotting

    figure = plotting.new_figure(4.7, 3.5 if panel in ("loss", "error") else 2.2)
    PANELS[panel](figure.add_subplot(), digest(entries))
    return figure


def compare_figure(runs: Mapping[str, Sequence[Entry]]) -> Figure:
    """Draw the curves of several runs over each other, best for 2 to 8.

    `runs`: name of a run to the entries of its record.
    """
    from neurarium.report import plotting

    figure = plotting.new_figure(10.5, 4.8 + 0.24 * math.ceil(len(runs) / 2))
    left, right = figure.subplots(1, 2)
    last, losses, percents, units = 1.0, list[float](), list[float](), set[str]()
    for index, (name, entries) in enumerate(runs.items()):
        history = digest(entries)
        units.add(report_of(history.task).axis)
        epochs = history.column("epoch")
        last = max([last, *epochs])
        color, marker = (choices[index % 8] for choices in (plotting.COLORS, plotting.MARKERS))
        every = max(1, len(epochs) // 10)
        _line(left, epochs, history.scores("train", "loss"), color, name, marker, every)
        losses += history.scores("train", "loss")
        errors = history.scores("validation", "error")
        if all(map(math.isnan, errors)):
            errors = history.scores("train", "error")
        best = history.best
        label = f"{name}: best {percent(errors[epochs.index(best['epoch'])])}, epoch {best['epoch']}" if best else name
        _line(right, epochs, [100 * e for e in errors], color, label, marker, every)
        percents += [100 * e for e in errors]
    plotting.style_axes(left, "Loss on the training data", "epoch", "mean of the epoch")
    unit = units.pop() if len(units) == 1 else "error in %"
    plotting.style_axes(right, "Error on the validation data", "epoch", unit)
    _scale(left, losses, "mean of the epoch", from_zero=False)
    _scale(right, percents, unit, from_zero=True)
    plotting.epochs_axis(left, last)
    plotting.epochs_axis(right, last)
    handles, labels = right.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=2 if len(runs) > 1 else 1, frameon=False, fontsize=9.5,
        labelcolor=plotting.INK,
    )  # fmt: skip
    for text in figure.legends[0].get_texts():
        text.set_parse_math(False)
    plotting.suptitle(figure, f"{len(runs)} runs compared")
    return figure


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, whole or not at all. Raises StorageError: the file cannot be written."""
    from neurarium.report.plotting import png

    write_atomic(path, png(figure))


def _loss(axes: Axes, history: History) -> None:
    from neurarium.report import plotting

    steps = [entry["step"] / history.steps_per_epoch for entry in history.steps]
    single = [entry["loss"] for entry in history.steps]
    axes.plot(steps, single, color=plotting.BLUE, alpha=0.3, linewidth=0.9, label="single updates")
    epochs, training = history.column("epoch"), history.scores("train", "loss")
    validation = history.scores("validation", "loss")
    _line(axes, epochs, training, plotting.BLUE, "training", "o")
    _line(axes, epochs, validation, plotting.VERMILION, "validation", "s")
    _mark_best(axes, history, "loss")
    plotting.style_axes(axes, "Loss", "epoch", "loss")
    _finish(axes, history, [*training, *validation], "loss")


def _error(axes: Axes, history: History) -> None:
    from neurarium.report import plotting

    epochs = history.column("epoch")
    training, validation = (
        [100 * fraction for fraction in history.scores(part, "error")] for part in ("train", "validation")
    )
    _line(axes, epochs, training, plotting.BLUE, "training", "o")
    _line(axes, epochs, validation, plotting.VERMILION, "validation", "s")
    _mark_best(axes, history, "error")
    unit = report_of(history.task).axis
    plotting.style_axes(axes, "Error", "epoch", unit)
    _finish(axes, history, [*training, *validation], unit, from_zero=True)


def _gradient_norm(axes: Axes, history: History) -> None:
    from neurarium.report import plotting

    steps = [entry["step"] / history.steps_per_epoch for entry in history.steps]
    norms = [entry["gradient_norm"] for entry in history.steps]
    axes.plot(steps, norms, color=plotting.GREEN, alpha=0.3, linewidth=0.8)
    means = history.column("gradient_norm")
    _line(axes, history.column("epoch"), means, plotting.GREEN, "", "o")
    plotting.style_axes(axes, "Gradient norm", "epoch", "length")
    _finish(axes, history, means, "length")


def _learning_rate(axes: Axes, history: History) -> None:
    from neurarium.report import plotting

    points = history.steps or history.epochs
    epochs = [entry["step"] / history.steps_per_epoch for entry in points]
    axes.plot(epochs, [entry["learning_rate"] for entry in points], color=plotting.GREEN, linewidth=1.8)
    plotting.style_axes(axes, "Learning rate", "epoch", "step size")
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(axis="y", scilimits=(-2, 3), useMathText=True)
    axes.yaxis.offsetText.set(color=plotting.FAINT, fontsize=8)
    plotting.epochs_axis(axes, history.step / history.steps_per_epoch)


PANELS: Mapping[str, Callable[[Axes, History], None]] = {
    "loss": _loss,
    "error": _error,
    "gradient norm": _gradient_norm,
    "learning rate": _learning_rate,
}


def _line(axes: Axes, x: list[float], y: list[float], color: str, label: str, marker: str, every: int = 1) -> None:
    """Draw a curve over the epochs, unless there is nothing to draw."""
    if all(map(math.isnan, y)):
        return
    marked = marker if every > 1 or len(x) <= _MARKED_UP_TO else ""
    axes.plot(
        x, y, color=color, linewidth=1.8, marker=marked, markevery=every, markersize=4, markeredgewidth=0,
        label=label or None,
    )  # fmt: skip


def _mark_best(axes: Axes, history: History, score: str) -> None:
    """Mark the best epoch; what it reached stands in the legend, clear of the curves."""
    from neurarium.report import plotting

    best = history.best
    if best is None:
        return
    value = (best["validation"] or best["train"]).get(score)
    if value is None:
        return
    shown = percent(value) if score == "error" else number(value, 3)
    height = 100 * value if score == "error" else value
    axes.axvline(best["epoch"], color=plotting.FAINT, linewidth=0.9, linestyle=(0, (2, 3)), zorder=1)
    axes.plot(
        [best["epoch"]], [height], linestyle="none", marker="o", markersize=10, markerfacecolor="none",
        markeredgecolor=plotting.INK, markeredgewidth=1.3, label=f"best: epoch {best['epoch']}, {shown}",
    )  # fmt: skip


def _finish(axes: Axes, history: History, values: Sequence[float], unit: str, from_zero: bool = False) -> None:
    """Scale the axes to the values drawn and add the legend, where a curve has a name."""
    from neurarium.report import plotting

    _scale(axes, values, unit, from_zero)
    plotting.epochs_axis(axes, history.step / history.steps_per_epoch)
    if axes.get_legend_handles_labels()[1]:
        plotting.legend_above(axes, columns=2)


def _scale(axes: Axes, values: Sequence[float], unit: str, from_zero: bool) -> None:
    """Choose a scale on which early and late epochs can both be read, and say so at the axis."""
    import numpy as np
    from matplotlib.ticker import FixedLocator, FuncFormatter

    from neurarium.report import plotting

    finite = [y for y in values if math.isfinite(y)]
    if not finite:
        axes.text(0.5, 0.5, "no epoch done yet", transform=axes.transAxes, ha="center", color=plotting.FAINT)
        axes.set_yticks([])
        return
    low, high = min(finite), max(finite)
    plain = FuncFormatter(lambda y, _: f"{y:g}")
    if from_zero:
        # errors may be 0, where a logarithm has nothing to say: a root spreads small ones almost as well
        if high > 5 * statistics.median(finite):
            axes.set_yscale("function", functions=(lambda y: np.sqrt(np.abs(y)), np.square))
            axes.yaxis.set_major_locator(FixedLocator([tick for tick in _ROOT_TICKS if tick <= high * 1.05]))
            axes.yaxis.set_major_formatter(plain)
            axes.set_ylabel(f"{unit} (root scale)")
        axes.set_ylim(0, high * 1.05 or 1)
    elif low > 0 and high / low >= _LOG_FROM:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(plain)
        axes.set_ylabel(f"{unit} (logarithmic)")
