"""Figure of the Boolean functions of two inputs: which of them one threshold unit is."""

from itertools import product

from neurarium.nets.connectionist.mcculloch_pitts import functions_of_one_unit
from neurarium.report.drawn_types import Axes, Figure

_ROOM = 0.45  # around the unit square


def functions_figure() -> Figure:
    """Draw all 16 functions of two inputs: corners where they are 1 filled, and the line of a unit that does it.

    The unit is 1 on the line and on its shaded side. Where there is none, there is no line.
    """
    from neurarium.report import plotting

    found = functions_of_one_unit(2, (-1.0, 0.0, 1.0))
    tables = list(product((0, 1), repeat=4))
    figure = plotting.new_figure(9.4, 4.1)
    plotting.suptitle(figure, f"{len(found)} of {len(tables)} Boolean functions of two inputs are one threshold unit")
    for axes, table in zip(figure.subplots(2, 8).flat, tables, strict=True):
        _square(axes, table)
        if table in found:
            _line(axes, *found[table])
        else:
            axes.set_title("no unit:\ntwo layers", fontsize=8.5, color=plotting.VERMILION, fontweight="bold")
    return figure


def _square(axes: Axes, table: tuple[int, ...]) -> None:
    """Corners in the order of a truth table, x_2 changing fastest."""
    from neurarium.report import plotting

    axes.plot([0, 1, 1, 0, 0], [0, 0, 1, 1, 0], color=plotting.LINE, linewidth=1, zorder=1)
    for (x, y), value in zip(product((0, 1), repeat=2), table, strict=True):
        fill = plotting.BLUE if value else plotting.PAPER
        axes.plot(x, y, "o", markersize=9, color=fill, markeredgecolor=plotting.BLUE, markeredgewidth=1.4, zorder=3)
    axes.set(xlim=(-_ROOM, 1 + _ROOM), ylim=(-_ROOM, 1 + _ROOM), xticks=[0, 1], yticks=[0, 1], aspect="equal")
    axes.tick_params(colors=plotting.FAINT, labelsize=7, length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("x₁", fontsize=8, color=plotting.FAINT, labelpad=1)
    axes.set_ylabel("x₂", fontsize=8, color=plotting.FAINT, labelpad=1, rotation=0)


def _line(axes: Axes, synapses: tuple[float, ...], threshold: float) -> None:
    """Where sigma . x reaches the threshold, drawn half a step before, so that no corner lies on it."""
    import numpy as np

    from neurarium.report import plotting

    (a, b), theta = synapses, threshold - 0.5
    axes.set_title(f"σ = ({a:g}, {b:g})\nθ = {threshold:g}".replace("-", "−"), fontsize=8.5, color=plotting.INK)
    ends = np.linspace(-_ROOM, 1 + _ROOM, 200)
    x, y = np.meshgrid(ends, ends)
    active = (a * x + b * y >= theta).astype(float)
    axes.contourf(x, y, active, levels=[0.5, 1.5], colors=[plotting.SKY], alpha=0.3, zorder=0)
    if (a, b) != (0.0, 0.0):
        axes.contour(
            x, y, a * x + b * y, levels=[theta], colors=[plotting.INK], linewidths=1.2, linestyles="solid", zorder=2
        )
