"""Feature maps: what a layer makes of one example, channel by channel."""

import numpy as np
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.learning.saliency import feature_maps, find_map_layer
from neurarium.report.drawn_types import Figure
from neurarium.report.filters import hide_axes, mosaic
from neurarium.report.pixels import as_image


def feature_maps_figure(
    net: nn.Module,
    x: Float[Tensor, "..."],
    raw: Shaped[Tensor, "channels height width"] | Shaped[np.ndarray, "channels height width"] | None = None,
    layer: str = "",
    most: int = 64,
    ends: tuple[float, float] | None = None,
) -> Figure:
    """Draw an image and the maps that a layer makes of it, all on one scale.

    Where maps have signs blue is above zero and orange below, else they go from black up.

    Args:
        x: one image (channels, height, width), scaled as the net is used to.
        raw: the image as it was; none: x, stretched.
        layer: qualified name, or its last part where that is unique; empty: the last one that makes maps.
        ends: values of black and white in `raw`, see `as_image`.
    Raises ConfigError: a net without convolutions, no such layer (names the closest), or one that makes no maps;
    ShapeError: a batch instead of an image.
    """
    from neurarium.report import plotting

    if x.ndim != 3:
        raise ShapeError("x", expected="one image (channels, height, width)", got=str(tuple(x.shape)))
    name = find_map_layer(net, x[None], layer)
    maps = feature_maps(net, x[None], name)[0].double().cpu().numpy()
    drawn = maps[:most]
    columns = int(np.ceil(np.sqrt(1.6 * len(drawn))))
    whole = mosaic(list(drawn), columns)
    height = max(2.9, min(7.5, 7.0 * whole.shape[0] / whole.shape[1] + 1.2))
    figure = plotting.new_figure(10.0, height)
    plotting.suptitle(figure, f"What {name} makes of an image")
    seen, made = figure.subplots(1, 2, width_ratios=(2.2, 7.0))
    image = as_image(np.asarray(x.cpu())) if raw is None else as_image(np.asarray(raw), ends)
    seen.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    largest = max(float(np.abs(drawn).max()), 1e-12)
    signed = bool((drawn < 0).any())
    drawing = made.imshow(
        whole,
        cmap=plotting.SIGNED if signed else "magma",
        vmin=-largest if signed else 0,
        vmax=largest,
        interpolation="nearest",
    )
    bar = figure.colorbar(drawing, ax=made, shrink=0.9, pad=0.02)
    bar.ax.tick_params(labelsize=8, colors=plotting.FAINT)
    bar.outline.set_visible(False)
    for axes in (seen, made):
        hide_axes(axes)
    shown = f"the first {len(drawn)} of {len(maps)} channels" if len(drawn) < len(maps) else f"{len(maps)} channels"
    size = " x ".join(str(n) for n in maps.shape[1:])
    seen.set_xlabel(f"image, {x.shape[1]} x {x.shape[2]}", color=plotting.FAINT, fontsize=9)
    made.set_xlabel(f"{shown}, {size} each, in rows from the top left", color=plotting.FAINT, fontsize=9)
    return figure
