"""The confusion matrix."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Integer

from neurarium.data.dataset import Dataset
from neurarium.report.confusion import row_fractions, shorten, strengths
from neurarium.report.drawn_types import Figure
from neurarium.report.figures.run_figure import RunFigure
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run

_NUMBERED_UP_TO, _NAMED_UP_TO = 25, 200  # classes
_LONGEST_NAME = 18
_LARGEST = 26.0  # inches


def confusion_figure(confusion: Integer[np.ndarray, "classes classes"], classes: Sequence[str]) -> Figure:
    """Draw the confusion matrix: a row for each true class, a column for each answer.

    Rows are colored by fractions, right answers blue, wrong ones vermilion. Up to 25 classes the counts are written in,
    above 200 names are left out.
    """
    from matplotlib.colors import to_rgb

    from neurarium.report import plotting

    fractions, count = row_fractions(confusion), len(classes)
    names = [shorten(name, _LONGEST_NAME) for name in classes] if count <= _NAMED_UP_TO else []
    longest = max(map(len, names), default=0)
    side = max(3.2, min(_LARGEST, count * min(0.55, max(0.13, 11 / count))))
    figure = plotting.new_figure(side + 1.2 + 0.07 * longest, side + 1.5 + (0.07 * longest if longest > 3 else 0))
    axes = figure.add_subplot()
    tint = np.where(np.eye(count)[..., None], to_rgb(plotting.BLUE), to_rgb(plotting.VERMILION))
    strength = strengths(fractions)[..., None]
    axes.imshow(1 - 0.95 * strength * (1 - tint), aspect="equal", interpolation="nearest")
    if count <= _NUMBERED_UP_TO:
        size = min(10.0, 24 * side / count)
        for i, j in np.argwhere(confusion):
            color = "white" if strength[i, j, 0] > 0.6 else plotting.INK
            axes.text(j, i, f"{confusion[i, j]}", ha="center", va="center", color=color, fontsize=size)
    plotting.style_axes(axes, "", "answer", "truth")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    size = max(5.0, min(10.0, 40 * side / count))
    axes.set_xticks(range(len(names)), names, fontsize=size, rotation=90 if longest > 3 else 0, parse_math=False)
    axes.set_yticks(range(len(names)), names, fontsize=size, parse_math=False)
    for edges in (axes.set_xticks, axes.set_yticks):
        edges(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=plotting.PAPER, linewidth=1.2 if count <= _NUMBERED_UP_TO else 0.3)
    axes.tick_params(which="both", length=0)
    total = int(confusion.sum())
    right = int(confusion.trace())
    plotting.suptitle(figure, f"{right:,} of {total:,} right")
    axes.set_title("blue: right, orange: wrong; darker: more of the row", fontsize=9, color=plotting.FAINT)
    return figure


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    return scores is not None and "confusion" in scores.details


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    assert scores is not None
    return confusion_figure(np.array(scores.details["confusion"], dtype=np.int64), scores.details["classes"])


FIGURE = RunFigure(
    name="confusion",
    title="Confusion matrix",
    caption="A row for each true class, a column for each answer: blue is right, orange wrong.",
    applies=_applies,
    draw=_draw,
    alone=False,
)
