"""Picture of predicted numbers: against what they should be, an output a panel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ShapeError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_PANELS, _MOST_POINTS = 6, 3000


def regression_figure(
    answers: Float[Tensor, "examples outputs"], targets: Float[Tensor, "..."], names: Sequence[str]
) -> "Figure":
    """Draw predictions over targets, the line where both are the same, and what is left over beside it.

    Args:
        answers: of the net, in the units of the source.
        targets: what they should be.
        names: of the outputs; the first six are drawn.

    Raises:
        ShapeError: answers and targets of other shapes, or no examples.
    """
    from neurarium.report import picture

    if answers.shape != targets.shape or len(answers) == 0 or answers.shape[1] != len(names):
        raise ShapeError(
            "answers",
            expected=f"as many as the targets {tuple(targets.shape)}, at least one, in {len(names)} outputs",
            got=str(tuple(answers.shape)),
        )
    shown = min(len(names), _MOST_PANELS)
    figure = picture.blank(8.6, 3.9 * shown)
    picture.heading(figure, "Predictions on examples that it has not learnt from")
    grid = figure.subplots(shown, 2, squeeze=False)
    for (left, right), name, y, t in zip(grid, names, answers.T, targets.T, strict=False):
        said, true = (z[:_MOST_POINTS].detach().double().cpu().numpy() for z in (y, t))
        picture.dress(left, "", "true value", "prediction")
        left.set_title(name, loc="left", color=picture.INK, fontsize=11, fontweight="bold", parse_math=False)
        left.scatter(true, said, s=14, color=picture.BLUE, alpha=0.6, linewidths=0)
        low, high = min(true.min(), said.min()), max(true.max(), said.max())
        left.plot([low, high], [low, high], color=picture.INK, linewidth=1.2, linestyle=(0, (4, 2)))
        left.set_aspect("equal", adjustable="box")
        picture.dress(right, "What is left over", "prediction less true value", "examples")
        right.hist(said - true, bins=min(30, max(5, len(true) // 4)), color=picture.SKY)
        right.axvline(0, color=picture.INK, linewidth=1.2, linestyle=(0, (4, 2)))
    return figure
