"""The images on which a net was most sure of a wrong answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Shaped
from torch import Tensor

from neurarium.checks import ShapeError
from neurarium.data.dataset import Dataset
from neurarium.report.confusion import shorten
from neurarium.report.drawn_types import Figure
from neurarium.report.figures.images import are_images, chosen, ends_of, raw
from neurarium.report.figures.run_figure import RunFigure
from neurarium.report.format import confidence_text
from neurarium.report.pixels import as_image
from neurarium.tasks.scores import Scores
from neurarium.training.run import Run

_MOST = 25
_COLUMNS = 5
_LONGEST_NAME = 14


def mistakes_figure(
    mistakes: Sequence[Mapping[str, Any]],
    images: Shaped[Tensor, "shown channels height width"] | Shaped[np.ndarray, "shown channels height width"],
    ends: tuple[float, float] | None = None,
    most: int = _MOST,
) -> Figure:
    """Draw the most confident mistakes, each with the answer, its probability and the truth.

    Args:
        mistakes: "predicted", "truth" and "confidence" of each, as `scores.json` lists them.
        images: of the mistakes, in that order; as many as there are, or the first of them.
        ends: values of black and white, see `as_image`.
    Raises ShapeError: no images, or more of them than mistakes.
    """
    from neurarium.report import plotting

    if images.ndim != 4 or len(images) > len(mistakes):
        raise ShapeError(
            "images",
            expected=f"(mistakes, channels, height, width) with at most {len(mistakes)} mistakes",
            got=str(tuple(images.shape)),
            remedy="gather the images of the mistakes alone",
        )
    count = min(most, len(images))
    columns = min(_COLUMNS, max(count, 1))
    rows = max(1, -(-count // columns))
    figure = plotting.new_figure(max(1.75 * columns, 4.0), 2.15 * rows + 0.5)
    plotting.suptitle(figure, "The most confident mistakes" if count else "No mistakes")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, pixels, mistake in zip(grid.flat, images[:count], mistakes, strict=False):
        axes.imshow(as_image(np.asarray(pixels), ends), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        said, truth = (shorten(mistake[name], _LONGEST_NAME) for name in ("predicted", "truth"))
        label = f"said {said} ({confidence_text(mistake['confidence'])}),\nis {truth}"
        axes.set_title(label, fontsize=9, color=plotting.INK, parse_math=False)
    return figure


def _applies(run: Run, data: Dataset, scores: Scores | None) -> bool:
    # of examples with a class for each element, the numbers of the mistakes are those of elements
    one_each = bool(data.schema.targets) and not data.schema.target.shape
    return scores is not None and bool(scores.details.get("mistakes")) and one_each and are_images(data.schema)


def _draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
    assert scores is not None
    field, worst = data.schema.input, scores.details["mistakes"][:_MOST]
    images = raw(chosen(getattr(data, split), [mistake["index"] for mistake in worst]).x, field)
    return mistakes_figure(worst, images, ends_of(images, field))


FIGURE = RunFigure(
    name="mistakes",
    title="Most confident mistakes",
    caption="The images on which it was most sure and yet wrong.",
    applies=_applies,
    draw=_draw,
    alone=False,
)
