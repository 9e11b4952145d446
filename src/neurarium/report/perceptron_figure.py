"""Figure of a perceptron: its hyperplane among the examples, and its mistakes beside Novikoff's bound."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Shaped
from torch import Tensor

from neurarium.nets.connectionist.certificate import Certificate
from neurarium.nets.connectionist.separability import Bound, novikoff, signs
from neurarium.report.drawn_types import Axes, Figure
from neurarium.report.format import many


def hyperplane_figure(
    weight: Float[Tensor, "features"],
    bias: float,
    mistakes: Sequence[int],
    x: Float[Tensor, "examples features"],
    labels: Shaped[Tensor, "examples"],
    title: str,
    names: Sequence[str] = ("first class", "second class"),
    features: Sequence[str] = (),
) -> Figure:
    """Draw examples, hyperplane and margin on the left; on the right the mistakes so far after each epoch.

    Two features are drawn as they are; more are turned so that the hyperplane is seen from its edge: distance to it,
    and the direction along it in which the examples spread most. Where no hyperplane separates, the examples of the
    certificate are ringed.
    """
    from neurarium.report import plotting

    bound = novikoff(x, labels)
    figure = plotting.new_figure(10.4, 4.6)
    plotting.suptitle(figure, title)
    left, right = figure.subplots(1, 2)
    points, y = x.detach().cpu().double().numpy(), signs(labels).numpy()
    _examples(left, weight.detach().cpu().double().numpy(), bias, points, y, bound, names, features)
    if points.shape[1] == 1:
        left.set_yticks([])
    _mistakes(right, mistakes, bound)
    return figure


def edge_on(
    x: Float[np.ndarray, "examples features"], weight: Float[np.ndarray, " features"], bias: float
) -> Float[np.ndarray, "examples 2"]:
    """Turn examples so that a hyperplane is the line where the first coordinate is 0.

    u = (w . x + b) / |w|,    v the first principal component of what is left of x - mean without its part along w
    """
    direction = weight / np.linalg.norm(weight)
    along = x - x.mean(0)
    along = along - np.outer(along @ direction, direction)
    _, _, axes = np.linalg.svd(along, full_matrices=False)
    return np.column_stack([x @ direction + bias / np.linalg.norm(weight), along @ axes[0]])


def _examples(
    axes: Axes,
    weight: np.ndarray,
    offset: float,
    points: np.ndarray,
    y: np.ndarray,
    bound: Bound | Certificate,
    names: Sequence[str],
    features: Sequence[str],
) -> None:
    from neurarium.report import plotting

    flat, length = points.shape[1] == 2, float(np.linalg.norm(weight))
    if length == 0 or points.shape[1] == 1:
        places, (across, up) = np.column_stack([points[:, 0], np.zeros(len(points))]), ("first feature", "")
    elif flat:
        places, (across, up) = points, tuple(features) or ("first feature", "second feature")
    else:
        places = edge_on(points, weight, offset)
        across, up = "signed distance to the hyperplane", "along it, where examples spread most"
    plotting.style_axes(axes, "Examples and hyperplane", across, up)
    for sign, name, color, marker in ((-1, names[0], plotting.BLUE, "o"), (1, names[1], plotting.VERMILION, "s")):
        some = places[y == sign]
        axes.scatter(some[:, 0], some[:, 1], s=16, color=color, marker=marker, alpha=0.75, linewidths=0, label=name)
    if isinstance(bound, Certificate):
        ringed = places[list(bound.examples)]
        axes.scatter(
            ringed[:, 0], ringed[:, 1], s=70, facecolors="none", edgecolors=plotting.INK, linewidths=1.2,
            label="cancel out: no line separates" if flat else "cancel out: no hyperplane separates",
        )  # fmt: skip
    if length > 0:
        least = float((y * (points @ weight + offset)).min()) / length
        _lines(axes, places, weight, offset, least, points.shape[1])
    plotting.legend_above(axes, 2)
    legend = axes.get_legend()
    assert legend is not None
    for entry in legend.get_texts():
        entry.set_parse_math(False)  # a "$" in the name of a class is a dollar


def _lines(axes: Axes, places: np.ndarray, weight: np.ndarray, offset: float, least: float, width: int) -> None:
    """The hyperplane, and where examples come nearest to it if all are on their own sides."""
    from neurarium.report import plotting

    low, high = places.min(0), places.max(0)
    room = 0.1 * np.where(high > low, high - low, 1.0)
    axes.set_xlim(low[0] - room[0], high[0] + room[0])
    axes.set_ylim(low[1] - room[1], high[1] + room[1])
    if width == 2:
        normal, length, shift = weight, float(np.linalg.norm(weight)), offset
    else:  # the first coordinate is the distance, or the only feature
        normal = np.array([weight[0] if width == 1 else 1.0, 0.0])
        length, shift = abs(float(normal[0])), offset if width == 1 else 0.0
    foot = -shift * normal / length**2
    along, unit = np.array([-normal[1], normal[0]]) / length, normal / length
    for moved, style, label in ((0.0, "-", "perceptron"), (least, ":", f"margin {least:.3g}"), (-least, ":", "")):
        if moved == 0.0 or least > 0:
            start = foot + moved * unit
            axes.axline(
                tuple(start), tuple(start + along), color=plotting.INK, linestyle=style, linewidth=1.4, label=label
            )


def _mistakes(axes: Axes, each: Sequence[int], bound: Bound | Certificate) -> None:
    from neurarium.report import plotting

    counts, epochs = np.cumsum(each), len(each)
    plotting.style_axes(axes, "Mistakes", "epoch", "mistakes so far")
    axes.plot(range(1, epochs + 1), counts, color=plotting.BLUE, marker="o" if epochs < 40 else "", markersize=4)
    plotting.epochs_axis(axes, float(epochs))
    end = f"{many(int(counts[-1]), 'mistake')} in {many(epochs, 'epoch')}"
    if isinstance(bound, Certificate):
        text, top = f"{end}; they never end", int(counts[-1])
    else:
        text, top = f"{end}; at most {bound.mistakes:,} (dashed)", bound.mistakes
        axes.axhline(bound.mistakes, color=plotting.VERMILION, linestyle=(0, (4, 2)), linewidth=1.4)
    if top > 5 * max(1, counts[-1]):
        axes.set_yscale("log")
        axes.set_ylim(0.8, top * 1.6)
    else:
        axes.set_ylim(0, max(1, top) * 1.12)
    axes.set_title(axes.get_title(loc="left"), loc="left", pad=22, color=plotting.INK, fontsize=11, fontweight="bold")
    axes.text(0, 1.02, text, transform=axes.transAxes, color=plotting.FAINT, fontsize=9)
