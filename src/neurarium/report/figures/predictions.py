"""Predicted numbers against what they should be, an output a panel."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from neurarium.checks import ShapeError
from neurarium.data.dataset import Dataset
from neurarium.report.drawn_types import Axes, Figure
from neurarium.report.figures.run_figure import RunFigure
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run

_MOST_PANELS, _MOST_POINTS = 6, 3000


def regression_figure(
    answers: Float[np.ndarray, "examples outputs"], targets: Float[np.ndarray, "..."], names: Sequence[str]
) -> Figure:
    """Draw predictions over targets, the line where both are the same, and what is left over beside it.

    Args:
        answers: of the net, in the units of the source.
        names: of the outputs; the first six are drawn.
    Raises ShapeError: answers and targets of other shapes, or no examples.
    """
    from neurarium.report import plotting

    if answers.shape != targets.shape or len(answers) == 0 or answers.shape[1] != len(names):
        raise ShapeError(
            "answers",
            expected=f"as many as the targets {tuple(targets.shape)}, at least one, in {len(names)} outputs",
            got=str(tuple(answers.shape)),
        )
    shown = min(len(names), _MOST_PANELS)
    figure = plotting.new_figure(8.6, 3.9 * shown)
    plotting.suptitle(figure, "Predictions on examples that it has not learned from")
    grid = figure.subplots(shown, 2, squeeze=False)
    for (left, right), name, y, t in zip(grid, names, answers.T, targets.T, strict=False):
        said, true = (z[:_MOST_POINTS].astype(np.float64) for z in (y, t))
        compared(left, name, said, true)
        plotting.style_axes(right, "What is left over", "prediction less true value", "examples")
        right.hist(said - true, bins=min(30, max(5, len(true) // 4)), color=plotting.SKY)
        right.axvline(0, color=plotting.INK, linewidth=1.2, linestyle=(0, (4, 2)))
    return figure


def compared(
    axes: Axes, name: str, said: Float[np.ndarray, " points"], true: Float[np.ndarray, " points"], size: float = 14.0
) -> None:
    """Draw predictions over true values, and the line where both are the same."""
    from neurarium.report import plotting

    plotting.style_axes(axes, "", "true value", "prediction")
    axes.set_title(name, loc="left", color=plotting.INK, fontsize=11, fontweight="bold", parse_math=False)
    axes.scatter(true, said, s=size, color=plotting.BLUE, alpha=0.6, linewidths=0)
    low, high = min(true.min(), said.min()), max(true.max(), said.max())
    axes.plot([low, high], [low, high], color=plotting.INK, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.set_aspect("equal", adjustable="box")


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    return scores is not None and scores.task == "regression" and "answers" in scores.arrays


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    assert scores is not None
    return regression_figure(scores.arrays["answers"], scores.arrays["targets"], data.schema.classes)


FIGURE = RunFigure(
    name="predictions",
    title="Predictions",
    caption="Each point is an example that it has not learned from; on the line the prediction is right.",
    applies=_applies,
    draw=_draw,
)
