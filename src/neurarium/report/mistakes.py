"""The pictures on which a net was most sure of a wrong answer."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Shaped
from torch import Tensor

from neurarium.checks import ShapeError
from neurarium.report.confusion import shorten
from neurarium.training.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 5
_LONGEST_NAME = 14


def mistakes_figure(
    evaluation: Evaluation,
    inputs: Shaped[Tensor, "shown channels height width"] | Shaped[np.ndarray, "shown channels height width"],
    targets: Shaped[Tensor, " examples"] | Shaped[np.ndarray, " examples"],
    most: int = 25,
) -> "Figure":
    """Draw the most confident mistakes, each with the answer, its probability and the truth.

    Args:
        evaluation: of the examples.
        inputs: raw pictures of `evaluation.mistakes`, in that order; as many as there are, or the first of them.
        targets: true classes of all examples.
        most: how many to show.

    Raises:
        ShapeError: `inputs` are not pictures, or more of them than mistakes.
    """
    from neurarium.report import picture

    if inputs.ndim != 4 or len(inputs) > len(evaluation.mistakes):
        raise ShapeError(
            "inputs",
            expected=f"(mistakes, channels, height, width) with at most {len(evaluation.mistakes)} mistakes",
            got=str(tuple(inputs.shape)),
            remedy="gather inputs[evaluation.mistakes[:25]]",
        )
    count = min(most, len(inputs))
    columns = min(_COLUMNS, max(count, 1))
    rows = max(1, -(-count // columns))
    figure = picture.blank(max(1.75 * columns, 4.0), 2.15 * rows + 0.5)
    picture.heading(figure, "The most confident mistakes" if count else "No mistakes")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, pixels, index in zip(grid.flat, inputs[:count], evaluation.mistakes, strict=False):
        shown = as_picture(np.asarray(pixels))
        axes.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        said = shorten(evaluation.classes[evaluation.predicted[index]], _LONGEST_NAME)
        truth = shorten(evaluation.classes[int(targets[int(index)])], _LONGEST_NAME)
        label = f"said {said} ({_sureness(float(evaluation.confidence[index]))}),\nis {truth}"
        axes.set_title(label, fontsize=9, color=picture.INK, parse_math=False)
    return figure


def as_picture(pixels: Shaped[np.ndarray, "channels height width"]) -> Float[np.ndarray, "height width *colours"]:
    """Turn an example into what can be drawn: grey (height, width) or colours (height, width, 3), from 0 to 1.

    8-bit pixels are divided by 255; other numbers are stretched from their smallest to their largest. Of channels that
    are neither grey nor red, green and blue, the first is shown.

    Example:
        >>> as_picture(np.array([[[0, 255]]], dtype=np.uint8))
        array([[0., 1.]])
    """
    values = pixels.astype(np.float64)
    if pixels.dtype == np.uint8:
        values /= 255
    else:
        low, high = values.min(), values.max()
        values = (values - low) / (high - low) if high > low else np.zeros_like(values)
    return values.transpose(1, 2, 0) if len(values) == 3 else values[0]


def _sureness(probability: float) -> str:
    """A probability as a whole percentage that never claims certainty."""
    return f"{min(99, round(100 * probability))} %" if probability < 1 else "100 %"
