"""Which classes a net takes for which."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Integer

from neurarium.training.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NUMBERED_UP_TO = 25  # classes
_LONGEST_NAME = 18


def row_shares(confusion: Integer[np.ndarray, "classes classes"]) -> Float[np.ndarray, "classes classes"]:
    """Share of each answer among the examples of a class; 0 for a class without examples.

    Example:
        >>> row_shares(np.array([[3, 1], [0, 0]]))
        array([[0.75, 0.25],
               [0.  , 0.  ]])
    """
    return confusion / np.maximum(confusion.sum(1, keepdims=True), 1)


def strengths(shares: Float[np.ndarray, "classes classes"]) -> Float[np.ndarray, "classes classes"]:
    """How strongly each cell is coloured, from 0 to 1: the share where the answer is right, its root where it is wrong.

    Mistakes are rare where a net is any good: in proportion they would all be white.
    """
    return np.where(np.eye(len(shares), dtype=bool), shares, np.sqrt(shares))


def confusion_figure(evaluation: Evaluation) -> "Figure":
    """Draw the confusion matrix: a row for each true class, a column for each answer.

    Rows are coloured by shares, right answers blue, wrong ones vermilion; up to 25 classes the counts are written in.
    """
    from matplotlib.colors import to_rgb

    from neurarium.report import picture

    shares = row_shares(evaluation.confusion)
    names = [shorten(name, _LONGEST_NAME) for name in evaluation.classes]
    count, longest = len(names), max(map(len, names))
    cell = min(0.55, max(0.13, 11 / count))
    side = max(3.2, cell * count)
    figure = picture.blank(side + 1.2 + 0.07 * longest, side + 1.5 + (0.07 * longest if longest > 3 else 0))
    axes = figure.add_subplot()
    tint = np.where(np.eye(count)[..., None], to_rgb(picture.BLUE), to_rgb(picture.VERMILION))
    strength = strengths(shares)[..., None]
    axes.imshow(1 - 0.95 * strength * (1 - tint), aspect="equal", interpolation="nearest")
    if count <= _NUMBERED_UP_TO:
        size = min(10.0, 24 * side / count)
        for i, j in np.argwhere(evaluation.confusion):
            colour = "white" if strength[i, j, 0] > 0.6 else picture.INK
            axes.text(j, i, f"{evaluation.confusion[i, j]}", ha="center", va="center", color=colour, fontsize=size)
    picture.dress(axes, "", "answer", "truth")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    size = max(5.0, min(10.0, 40 * side / count))
    axes.set_xticks(range(count), names, fontsize=size, rotation=90 if longest > 3 else 0, parse_math=False)
    axes.set_yticks(range(count), names, fontsize=size, parse_math=False)
    for edges in (axes.set_xticks, axes.set_yticks):
        edges(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=picture.PAPER, linewidth=1.2 if count <= _NUMBERED_UP_TO else 0.3)
    axes.tick_params(which="both", length=0)
    total = int(evaluation.confusion.sum())
    right = int(evaluation.confusion.trace())
    picture.heading(figure, f"{right:,} of {total:,} right")
    axes.set_title("blue: right, orange: wrong; darker: more of the row", fontsize=9, color=picture.FAINT)
    return figure


def shorten(name: str, most: int) -> str:
    """Cut a long name; what is missing shows.

    Example:
        >>> shorten("brown-bear", 6)
        'brown…'
    """
    return name if len(name) <= most else name[: most - 1] + "…"


def most_confused(confusion: Integer[np.ndarray, "classes classes"]) -> tuple[int, int] | None:
    """True class and answer of the most frequent mistake, the first where several are; none without a mistake.

    Example:
        >>> most_confused(np.array([[5, 0], [2, 4]]))
        (1, 0)
    """
    wrong = confusion - np.diag(confusion.diagonal())
    if not wrong.any():
        return None
    truth, answer = divmod(int(wrong.argmax()), len(wrong))
    return truth, answer
