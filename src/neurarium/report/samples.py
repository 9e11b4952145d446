"""Images of what a net makes: grids of samples, reconstructions below their originals, points in the plane."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Shaped
from torch import Tensor

from neurarium.checks import ShapeError
from neurarium.report.drawn_types import Axes, Figure

_MOST_POINTS = 2000


def samples_figure(
    images: Shaped[Tensor, "count channels height width"],
    title: str,
    ends: tuple[float, float] = (0.0, 255.0),
    columns: int = 10,
) -> Figure:
    """Draw images in a grid.

    Args:
        images: in the units of `ends`, gray or color.
        ends: values of black and white; what lies beyond is cut off.
    Raises ShapeError: no images.
    """
    from neurarium.report import plotting

    _check_images(images, "images")
    rows = -(-len(images) // columns)
    width = min(columns, len(images))
    figure = plotting.new_figure(max(0.72 * width + 0.3, 3.0), 0.72 * rows + 0.75)
    plotting.suptitle(figure, title)
    _mosaic(figure.subplots(), images, ends, width)
    return figure


def reconstructions_figure(
    rows: Mapping[str, Shaped[Tensor, "count channels height width"]],
    title: str,
    ends: tuple[float, float] = (0.0, 255.0),
) -> Figure:
    """Draw rows of images below one another: originals, what the net saw, what it made of them.

    Args:
        rows: name of each row and its images, as many in each.
        ends: values of black and white; what lies beyond is cut off.
    Raises ShapeError: no images, or rows of different shape.
    """
    from neurarium.report import plotting

    shapes = {tuple(images.shape) for images in rows.values()}
    if len(shapes) != 1:
        raise ShapeError("rows", expected="images of one shape, as many in each row", got=str(sorted(shapes)))
    for name, images in rows.items():
        _check_images(images, name)
    count = next(iter(shapes))[0]
    figure = plotting.new_figure(0.72 * count + 1.8, 0.78 * len(rows) + 0.75)
    plotting.suptitle(figure, title)
    grid = figure.subplots(len(rows), 1, squeeze=False)
    for axes, (name, images) in zip(grid[:, 0], rows.items(), strict=True):
        _mosaic(axes, images, ends, count)
        axes.text(
            -0.01, 0.5, name, transform=axes.transAxes, ha="right", va="center", fontsize=9.5, color=plotting.INK,
            parse_math=False,
        )  # fmt: skip
    return figure


def points_figure(real: Float[Tensor, "..."], generated: Float[Tensor, "..."], title: str, note: str = "") -> Figure:
    """Draw real and generated points of the plane side by side, on the same axes.

    Args:
        real: points of the data (count, 2), in the units of the source; the first 2,000 are drawn.
        generated: (count, 2), as the net makes them, in the same units; likewise.
        note: below the name of the right one, such as its scores.
    Raises ShapeError: not two numbers a point, or no points.
    """
    from neurarium.report import plotting

    for name, points in (("real", real), ("generated", generated)):
        if points.dim() != 2 or points.shape[1] != 2 or len(points) == 0:
            raise ShapeError(name, expected="points (count, 2), at least one", got=str(tuple(points.shape)))
    figure = plotting.new_figure(8.4, 4.7)
    plotting.suptitle(figure, title)
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, points, color, name in (
        (left, real, plotting.BLUE, "data"),
        (right, generated, plotting.VERMILION, "generated"),
    ):
        shown = points[:_MOST_POINTS].detach().cpu().numpy()
        plotting.style_axes(axes, name, "first number", "second number" if axes is left else "")
        axes.scatter(*shown.T, s=4, color=color, alpha=0.35, linewidths=0)
        axes.set_aspect("equal", adjustable="box")
    if note:
        for axes, text in ((left, ""), (right, note)):
            axes.set_title(
                axes.get_title(loc="left"), loc="left", pad=20, color=plotting.INK, fontsize=11, weight="bold"
            )
            axes.text(0, 1.02, text, transform=axes.transAxes, fontsize=9, color=plotting.FAINT, parse_math=False)
    spread = real.detach().cpu()
    center, half = spread.mean(0), 1.25 * float((spread - spread.mean(0)).abs().max())
    left.set_xlim(float(center[0]) - half, float(center[0]) + half)
    left.set_ylim(float(center[1]) - half, float(center[1]) + half)
    outside = int(((generated.detach().cpu() - center).abs() > half).any(1).sum())
    if outside:
        right.set_xlabel(
            f"first number; {outside} of {len(generated)} points outside", color=plotting.FAINT, fontsize=9
        )
    return figure


def _mosaic(axes: Axes, images: Tensor, ends: tuple[float, float], columns: int) -> None:
    """Draw images side by side, thin white lines between them, as one image: quicker than axes for each."""
    low, high = ends
    values = ((images.detach().cpu().double() - low) / (high - low)).clamp(0, 1).numpy()
    count, channels, height, width = values.shape
    rows = -(-count // columns)
    canvas = np.ones((rows, height + 1, columns, width + 1, channels))
    for place in range(count):
        canvas[place // columns, :height, place % columns, :width] = values[place].transpose(1, 2, 0)
    image = canvas.reshape(rows * (height + 1), columns * (width + 1), channels)[:-1, :-1]
    axes.set_axis_off()
    axes.imshow(image[..., 0] if channels == 1 else image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def _check_images(images: Tensor, subject: str) -> None:
    if images.dim() != 4 or images.shape[1] not in (1, 3) or len(images) == 0:
        raise ShapeError(
            subject,
            expected="images (count, channels, height, width), gray or in color, at least one",
            got=str(tuple(images.shape)),
        )
