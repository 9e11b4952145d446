"""All activation functions side by side with their derivatives."""

import torch

from neurarium.nets.parts.activation import ACTIVATIONS, PRELU_SLOPE, Activation
from neurarium.report.drawn_types import Axes, Figure

_COLUMNS = 4
_LEARNED = {"prelu": f"a = {PRELU_SLOPE}, learned", "swish": "β = 1, learned"}


def activations_figure() -> Figure:
    """Draw every activation of `nets.parts.activation` over [-4, 4], function and derivative."""
    from neurarium.report import plotting

    rows = -(-len(ACTIVATIONS) // _COLUMNS)
    figure = plotting.new_figure(10.5, 2.6 * rows + 0.7)
    plotting.suptitle(figure, "Activation functions and their derivatives")
    grid = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axes in list(grid.flat)[len(ACTIVATIONS) :]:
        axes.set_axis_off()
    for axes, entry in zip(grid.flat, ACTIVATIONS.values(), strict=False):
        _draw(axes, entry)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9.5, labelcolor=plotting.INK
    )
    return figure


def _draw(axes: Axes, entry: Activation) -> None:
    from neurarium.report import plotting

    # left and right of the origin apart, so that no line is drawn through a jump
    half = torch.linspace(1e-9, 4, 200, dtype=torch.float64)
    plotting.style_axes(axes, entry.name.replace("_", " "), "", "")
    axes.grid(axis="x", color=plotting.LINE, linewidth=0.7)
    axes.axhline(0, color=plotting.FAINT, linewidth=0.8)
    axes.axvline(0, color=plotting.FAINT, linewidth=0.8)
    for side in (-half.flip(0), half):
        named = side[0] > 0
        axes.plot(
            side.numpy(), entry.function(side).numpy(), color=plotting.BLUE, linewidth=2.0,
            label="f(x)" if named else None,
        )  # fmt: skip
        axes.plot(
            side.numpy(), entry.derivative(side).numpy(), color=plotting.VERMILION, linewidth=1.6,
            linestyle=(0, (4, 2)), label="f'(x)" if named else None,
        )  # fmt: skip
    axes.set(xlim=(-4, 4), ylim=(-1.6, 3.2), xticks=range(-4, 5, 2), yticks=range(-1, 4))
    traits = [_LEARNED.get(entry.name, ""), "" if entry.monotone or entry.name == "prelu" else "not monotone"]
    axes.text(
        0.04,
        0.96,
        "\n".join(filter(None, traits)),
        transform=axes.transAxes,
        va="top",
        fontsize=8,
        color=plotting.FAINT,
    )
