"""Where a net looked: gradient, integrated gradients and Grad-CAM of images, side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.learning.saliency import find_map_layer, grad_cam, gradient, integrated_gradients
from neurarium.report.drawn_types import Axes, Figure
from neurarium.report.filters import hide_axes
from neurarium.report.pixels import as_image

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

COLUMNS = ("image", "gradient", "integrated\ngradients", "Grad-CAM")


def saliency_figure(
    net: nn.Module,
    inputs: Float[Tensor, "shown channels height width"],
    raw: Shaped[Tensor, "shown channels height width"] | Shaped[np.ndarray, "shown channels height width"],
    classes: Int[Tensor, " shown"],
    labels: Sequence[str],
    layer: str = "",
    ends: tuple[float, float] | None = None,
) -> Figure:
    """Draw images and what speaks for a class in each, one row an image.

    Brightness of a gradient is its size; blue in integrated gradients speaks for the class, orange against it; yellow
    in Grad-CAM speaks for it. Each image has a scale of its own.

    Args:
        net: convolutional, as `inputs` are scaled.
        inputs: images, scaled as the net is used to; zero is the baseline.
        raw: the same images as they were.
        classes: whose logit is explained, for mistakes the class that the net said.
        labels: what to write beside each row ("said 4 (98 %), is 9").
        layer: for Grad-CAM; empty: the last one that makes maps.
        ends: values of black and white in `raw`, see `as_image`.
    Raises ShapeError: as many images, classes and labels do not come, or inputs are no images; ConfigError: a net
    without convolutions, no such layer (names the closest), or one that makes no maps.
    """
    from neurarium.report import plotting

    counts = (len(inputs), len(raw), len(classes), len(labels))
    if inputs.ndim != 4 or len(set(counts)) > 1 or not len(inputs):
        raise ShapeError(
            "inputs",
            expected="at least one image (shown, channels, height, width), as many as raw ones, classes and labels",
            got=f"{tuple(inputs.shape)} with {', '.join(map(str, counts[1:]))}",
        )
    name = find_map_layer(net, inputs, layer)
    slopes = gradient(net, inputs, classes).abs().amax(1).cpu().numpy()
    fractions = integrated_gradients(net, inputs, classes).sum(1).cpu().numpy()
    seen = _enlarged(grad_cam(net, inputs, classes, name), inputs.shape[2:]).cpu().numpy()
    figure = plotting.new_figure(7.4, 1.5 * len(inputs) + 1.2)
    plotting.suptitle(figure, "Where the net looked")
    figure.supxlabel(
        f"blue speaks for the class, orange against it; yellow in Grad-CAM speaks for it\nGrad-CAM of layer {name}",
        color=plotting.FAINT,
        fontsize=9,
        parse_math=False,
    )
    grid = figure.subplots(len(inputs), len(COLUMNS), squeeze=False)
    for row, label in enumerate(labels):
        image = as_image(np.asarray(raw[row]), ends)
        _draw(grid[row, 0], image, "gray", 0.0, 1.0)
        _draw(grid[row, 1], slopes[row], "gray", 0.0, float(slopes[row].max()))
        largest = float(np.abs(fractions[row]).max())
        _draw(grid[row, 2], fractions[row], plotting.SIGNED, -largest, largest)
        _draw(grid[row, 3], image, "gray", 0.0, 1.0)
        largest = float(seen[row].max())
        grid[row, 3].imshow(seen[row], cmap="viridis", vmin=0, vmax=largest or 1, alpha=0.6, interpolation="nearest")
        grid[row, 0].set_ylabel(
            label, color=plotting.INK, fontsize=8.5, rotation=0, ha="right", va="center", labelpad=8, parse_math=False
        )
    for axes, title in zip(grid[0], COLUMNS, strict=True):
        axes.set_title(title, color=plotting.INK, fontsize=9.5)
    return figure


def _draw(axes: Axes, values: np.ndarray, colors: "str | Colormap", low: float, high: float) -> None:
    axes.imshow(values, cmap=colors, vmin=low, vmax=high if high > low else low + 1, interpolation="nearest")
    hide_axes(axes)


def _enlarged(maps: Float[Tensor, "shown rows columns"], size: Sequence[int]) -> Float[Tensor, "shown height width"]:
    with torch.no_grad():
        return F.interpolate(maps[:, None], tuple(size), mode="bilinear", align_corners=False)[:, 0]
