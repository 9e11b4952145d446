"""Images of recall: what a memory makes of damaged patterns, and how much it holds."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.connectionist.hopfield_load import LoadPoint
from neurarium.nets.connectionist.hopfield_theory import critical_load, mean_field_overlap
from neurarium.nets.connectionist.retrieval import RecallTrace, Retrieval
from neurarium.report.drawn_types import Axes, Figure

_BETWEEN = 3  # images between the damaged one and the recalled one


def recall_figure(
    retrieval: Retrieval,
    targets: Float[Tensor, "probes neurons"],
    target_energies: Float[Tensor, "probes"],
    size: tuple[int, int],
    title: str,
    names: Sequence[str] = (),
) -> Figure:
    """Draw a row a probe: damaged image, steps, what was recalled, what was stored, energy against updates.

    Args:
        targets: patterns from which the probes were made.
        target_energies: their energies, drawn as a line to be reached.
    Raises ConfigError: the retrieval kept no trace; ShapeError: images of another size than the patterns.
    """
    from neurarium.report import plotting

    trace = retrieval.trace
    if trace is None:
        raise ConfigError("retrieval", expected="one with its trace", got="none", remedy="recall(..., trace=True)")
    rows, neurons = targets.shape
    if size[0] * size[1] != neurons or targets.shape != retrieval.states.shape:
        raise ShapeError(
            "targets",
            expected=f"{tuple(retrieval.states.shape)}, images of {size[0]} x {size[1]}",
            got=str(tuple(targets.shape)),
        )
    lasts = [rest_after(trace, row) for row in range(rows)]
    between = max(len(moments(last, _BETWEEN)) for last in lasts)
    figure = plotting.new_figure(7.6 + 1.3 * between, 1.55 * rows + 1.1)
    plotting.suptitle(figure, title)
    grid = figure.subplots(rows, between + 4, squeeze=False, width_ratios=[1] * (between + 3) + [2.6])
    unit = "updates of one unit" if trace.orders is not None else "updates of all units"
    for row in range(rows):
        last, shown = lasts[row], moments(lasts[row], _BETWEEN)
        stages: list[tuple[str, Tensor | None]] = [("damaged", trace.states(0)[row])]
        stages += [(f"after {update:,}", trace.states(update)[row]) for update in shown]
        stages += [("", None)] * (between - len(shown))
        stages += [(f"recalled, {last:,}", retrieval.states[row]), ("stored", targets[row])]
        for place, (label, pixels) in enumerate(stages):
            _show(grid[row, place], label, None if pixels is None else pixels.reshape(size))
        if names:
            grid[row, 0].text(
                -0.12, 0.5, names[row], transform=grid[row, 0].transAxes, ha="right", va="center", fontsize=9,
                color=plotting.INK, parse_math=False,
            )  # fmt: skip
        _energy(grid[row, -1], trace, row, float(target_energies[row]), (0, *shown, last), "" if row else "Energy")
        if row == 0:
            grid[row, -1].plot([], [], color=plotting.VERMILION, linestyle=(0, (4, 2)), label="of the stored image")
            grid[row, -1].legend(frameon=False, fontsize=8, labelcolor=plotting.INK, loc="upper right")
    grid[-1, -1].set_xlabel(unit, color=plotting.FAINT, fontsize=9)
    return figure


def rest_after(trace: RecallTrace, probe: int) -> int:
    """Return the number of the last update that changed the energy of a probe, 0 where none did.

    Example:
        >>> import torch
        >>> course = torch.tensor([[0.0], [-1.0], [-1.0], [-2.0], [-2.0]])
        >>> rest_after(RecallTrace(course, torch.zeros(5, 1, 1), None), 0)
        3
    """
    course = trace.energies[:, probe]
    # Continuous states creep on below what an image or a curve shows
    close = 1e-6 * float(course.amax() - course.amin())
    moving = ((course - course[-1]).abs() > close).nonzero()
    return int(moving[-1]) + 1 if len(moving) else 0


def moments(last: int, count: int) -> list[int]:
    """Choose at most `count` updates, evenly spread between 0 and `last`, both left out.

    Example:
        >>> moments(784, 3), moments(2, 3), moments(0, 3)
        ([196, 392, 588], [1], [])
    """
    chosen = {round(last * k / (count + 1)) for k in range(1, count + 1)}
    return sorted(chosen - {0, last})


def load_figure(curves: Sequence[Sequence[LoadPoint]], title: str = "Recall of random patterns, Hebb's rule") -> Figure:
    """Draw measured overlaps against the load, one curve a size of net, over the line of the mean-field theory.

    `curves`: from `hopfield_load.load_curve`, storage by Hebb's rule.
    Raises ConfigError: no curve, or one without points.
    """
    from neurarium.report import plotting

    if not curves or not all(curves):
        raise ConfigError("curves", expected="at least one curve with a point", got="none")
    figure = plotting.new_figure(8.0, 4.8)
    plotting.suptitle(figure, title)
    axes = figure.subplots()
    plotting.style_axes(axes, "", "load: patterns / neurons", "overlap with the stored pattern")
    edge = critical_load()
    loads = np.linspace(1e-3, edge, 300)
    axes.plot(
        loads, [mean_field_overlap(float(load)) for load in loads], color=plotting.INK, linewidth=1.8, zorder=3,
        label="mean-field theory, infinitely many neurons",
    )  # fmt: skip
    axes.axvline(edge, color=plotting.FAINT, linewidth=1.0, linestyle=(0, (2, 3)), label=f"critical load {edge:.4f}")
    for points, color, marker in zip(curves, plotting.COLORS, plotting.MARKERS, strict=False):
        axes.errorbar(
            [p.load for p in points], [p.overlap for p in points], yerr=[p.spread for p in points], color=color,
            marker=marker, markersize=4.5, linewidth=1.2, elinewidth=0.8, capsize=2,
            label=f"measured, {points[0].neurons:,} neurons",
        )  # fmt: skip
    axes.set_ylim(0, 1.04)
    axes.set_xlim(left=0)
    axes.legend(frameon=False, fontsize=9, labelcolor=plotting.INK, loc="lower left")
    return figure


def _show(axes: Axes, label: str, pixels: Tensor | None) -> None:
    """Draw a state, -1 black and +1 white; leave the place empty where there is none."""
    from neurarium.report import plotting

    axes.set_axis_off()
    if pixels is not None:
        axes.imshow(pixels.cpu().numpy(), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
        axes.set_title(label, fontsize=8.5, color=plotting.INK, pad=3)


def _energy(axes: Axes, trace: RecallTrace, row: int, target: float, marked: Sequence[int], title: str) -> None:
    """Draw the energy until shortly after it came to rest, the moments shown beside it as points."""
    from neurarium.report import plotting

    course = trace.energies[:, row].cpu().numpy()
    end = min(len(course) - 1, max(1, round(1.1 * marked[-1])))
    plotting.style_axes(axes, title, "", "")
    axes.axhline(target, color=plotting.VERMILION, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.plot(range(end + 1), course[: end + 1], color=plotting.BLUE, linewidth=1.5)
    places = sorted(set(marked))
    axes.plot(places, course[places], color=plotting.BLUE, marker="o", markersize=4, linestyle="none")
    axes.tick_params(labelsize=8)
    axes.margins(x=0.02, y=0.12)
    if trace.orders is None:
        axes.set_xticks(range(end + 1))
