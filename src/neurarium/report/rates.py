"""The learning-rate finder as a figure and in words."""

import math

from neurarium.report.drawn_types import Axes, Figure
from neurarium.report.format import number
from neurarium.training.rate_finder import DIVERGED, RateCurve


def rates_figure(curve: RateCurve, title: str) -> Figure:
    """Draw the loss over the learning rate, with the advised one and the steepest descent marked."""
    from neurarium.report import plotting

    figure = plotting.new_figure(8.0, 5.0)
    plotting.suptitle(figure, title)
    axes = figure.add_subplot()
    axes.set_xscale("log")
    axes.plot(curve.rates, curve.losses, color=plotting.BLUE, alpha=0.35, linewidth=0.9, label="single mini-batches")
    axes.plot(curve.rates, curve.smoothed, color=plotting.BLUE, linewidth=2.0, label="running mean")
    for index, marker, color, words in (
        (curve.steepest_at, "o", plotting.VERMILION, "steepest descent"),
        (curve.lowest_at, "s", plotting.GREEN, "minimum"),
    ):
        if index is not None:
            axes.plot(
                [curve.rates[index]], [curve.smoothed[index]], linestyle="none", marker=marker, markersize=8,
                color=color, label=f"{words}: {number(curve.rates[index], 2)}",
            )  # fmt: skip
    if curve.advised is not None:
        axes.axvline(
            curve.advised, color=plotting.GREEN, linewidth=1.2, linestyle=(0, (4, 2)),
            label=f"advised, minimum / {curve.divisor:g}: {number(curve.advised, 2)}",
        )  # fmt: skip
    if curve.diverged_at is not None:
        axes.axvline(
            curve.diverged_at, color=plotting.FAINT, linewidth=1.0, linestyle=(0, (1, 2)),
            label=f"diverged: {number(curve.diverged_at, 2)}",
        )  # fmt: skip
    plotting.style_axes(axes, "Loss after an update, over its learning rate", "learning rate (logarithmic)", "loss")
    _scale(axes, curve)
    plotting.legend_above(axes, columns=3)
    return figure


def suggestions(curve: RateCurve) -> list[str]:
    """Say what the curve suggests, a line each."""
    if curve.steepest is None or curve.advised is None or curve.lowest_at is None:
        return ["No rate in this range lowers the loss: choose other bounds, or more steps."]
    lines = [
        f"advised           {number(curve.advised, 3)}  (that of the lowest loss, divided by {curve.divisor:g})",
        f"steepest descent  {number(curve.steepest, 3)}",
    ]
    if curve.diverged_at is not None:
        return [*lines, f"diverged at       {number(curve.diverged_at, 3)}"]
    if curve.still_falls:
        return [*lines, "The loss has not diverged: a higher bound may show larger rates that work."]
    return [*lines, f"The loss rises from {number(curve.rates[curve.lowest_at], 3)} on, without growing beyond bounds."]


def _scale(axes: Axes, curve: RateCurve) -> None:
    """Show the running mean whole; single mini-batches that blow up may leave the figure."""
    values = [*curve.smoothed]
    if not values:
        return
    axes.set_xlim(curve.rates[0] / 1.3, curve.rates[-1] * 1.3)
    low, high = min(*values, *curve.losses), max(values)
    if low > 0 and high / low > 10 * DIVERGED:
        axes.set_yscale("log")
        axes.set_ylabel("loss (logarithmic)")
        axes.set_ylim(low / math.sqrt(2), high * math.sqrt(2))
    else:
        margin = 0.06 * ((high - low) or 1.0)
        axes.set_ylim(low - margin, high + margin)
