"""Filters of a convolutional layer: what each unit looks for."""

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError, choose
from neurarium.report.drawn_types import Axes, Figure

_COLUMNS = 8
_MOST_CHANNELS = 16


def filters_figure(net: nn.Module, layer: str = "", most: int = 32) -> Figure:
    """Draw the filters of a layer: as color images over three channels, else a filter for each pair of planes.

    Signs show as blue and orange, zero as white, on one scale for the whole image. Filters over three channels are
    stretched together from their smallest weight to their largest.

    Args:
        net: with convolutional layers, or others whose weights are (filters, channels, height, width).
        layer: qualified name, or its last part where that is unique; empty: the first one.
        most: filters to draw; of more than 16 channels the first 16 are drawn.
    Raises ConfigError: a net without such layers, or no such layer (names the closest).
    """
    from neurarium.report import plotting

    name, weight = find_filters(net, layer)
    kernels, channels = weight.shape[:2]
    drawn = weight[:most].detach().double().cpu().numpy()
    if channels in (1, 3):
        columns = min(_COLUMNS, len(drawn))
        rows = -(-len(drawn) // columns)
        tiles = [drawn[n] if channels == 3 else drawn[n, 0] for n in range(len(drawn))]
    else:
        drawn = drawn[:, :_MOST_CHANNELS]
        # channels downwards, as they are fewer as a rule
        columns, rows = len(drawn), drawn.shape[1]
        tiles = [drawn[n, channel] for channel in range(rows) for n in range(columns)]
    image_of_all = mosaic([np.moveaxis(tile, 0, -1) if tile.ndim == 3 else tile for tile in tiles], columns)
    width = min(10.5, max(4.5, 0.55 * columns + 1.6))
    figure = plotting.new_figure(width, max(2.2, (width - 1.6) * image_of_all.shape[0] / image_of_all.shape[1] + 1.3))
    shown = f"the first {len(drawn)} of {kernels} filters" if len(drawn) < kernels else f"{kernels} filters"
    if channels > drawn.shape[1]:
        shown += f", {drawn.shape[1]} of {channels} channels"
    plotting.suptitle(figure, f"Filters of {name}")
    axes = figure.subplots()
    if channels == 3:
        low, high = drawn.min(), drawn.max()
        axes.imshow(np.nan_to_num((image_of_all - low) / max(high - low, 1e-12), nan=1.0), interpolation="nearest")
    else:
        largest = max(float(np.abs(drawn).max()), 1e-12)
        image = axes.imshow(image_of_all, cmap=plotting.SIGNED, vmin=-largest, vmax=largest, interpolation="nearest")
        bar = figure.colorbar(image, ax=axes, shrink=0.9, pad=0.02)
        bar.ax.tick_params(labelsize=8, colors=plotting.FAINT)
        bar.outline.set_visible(False)
    height, width = weight.shape[2:]
    hide_axes(axes)
    if channels not in (1, 3):
        axes.set_xticks([(width + 1) * n + (width - 1) / 2 for n in range(columns)], [str(n) for n in range(columns)])
        axes.set_yticks([(height + 1) * n + (height - 1) / 2 for n in range(rows)], [str(n) for n in range(rows)])
        axes.set_ylabel("channel below", color=plotting.FAINT, fontsize=9)
    axes.set_xlabel(f"{shown} of {height} x {width}", color=plotting.FAINT, fontsize=9)
    return figure


def find_filters(net: nn.Module, layer: str = "") -> tuple[str, Tensor]:
    """A layer's qualified name and its filters (filters, channels, height, width).

    Arguments and errors are those of `filters_figure`.
    """
    found = {
        name.removesuffix(".weight"): weight
        for name, weight in (*net.named_parameters(), *net.named_buffers())
        if name.endswith(".weight") and weight.ndim == 4
    }
    if not found:
        raise ConfigError(
            "net",
            expected="convolutional layers, whose weights are (filters, channels, height, width)",
            got=f"{type(net).__name__}, which has none",
        )
    if not layer:
        return next(iter(found.items()))
    short = [name.rpartition(".")[2] for name in found]
    unique = {last: name for last, name in zip(short, found, strict=True) if short.count(last) == 1}
    name = layer if layer in found else choose(layer, unique or {name: name for name in found}, subject="layer")
    return name, found[name]


def mosaic(
    tiles: list[Float[np.ndarray, "height width *colors"]], columns: int
) -> Float[np.ndarray, "rows columns *colors"]:
    """Lay tiles of one size side by side, row by row, a line of NaN between them.

    Example:
        >>> mosaic([np.zeros((1, 1)), np.ones((1, 1)), np.ones((1, 1))], columns=2)
        array([[ 0., nan,  1.],
               [nan, nan, nan],
               [ 1., nan, nan]])
    """
    height, width, *colors = tiles[0].shape
    rows = -(-len(tiles) // columns)
    whole = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1, *colors), np.nan)
    for n, tile in enumerate(tiles):
        top, left = n // columns * (height + 1), n % columns * (width + 1)
        whole[top : top + height, left : left + width] = tile
    return whole


def hide_axes(axes: Axes) -> None:
    """Take frame and ticks away from an image; labels stay."""
    from neurarium.report import plotting

    axes.spines[:].set_visible(False)
    axes.set(xticks=[], yticks=[])
    axes.tick_params(length=0, labelsize=8, colors=plotting.FAINT)
