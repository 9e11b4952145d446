"""Images of a net of visible and hidden units: what hidden ones look for, what becomes of inputs, samples."""

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ShapeError
from neurarium.nets.expect import expect
from neurarium.nets.interfaces import DensityModel, Generative
from neurarium.report.drawn_types import Axes, Figure
from neurarium.report.filters import mosaic


def filters_figure(
    net: DensityModel, size: tuple[int, int], title: str = "What hidden units look for", most: int = 64
) -> Figure:
    """Draw the weights of the hidden units with the longest weight vectors as images, all on one scale.

    Args:
        net: its visible units are pixels.
        size: height and width of an image.
    Raises ShapeError: images with another number of pixels than visible units.
    """
    from neurarium.report import plotting

    weight = net.weight.detach().cpu()
    _check(weight.shape[1], size)
    strongest = weight.norm(dim=1).argsort(descending=True)[:most]
    whole = _mosaic(weight[strongest], size, columns=min(16, _even_columns(len(strongest))))
    # the last hundredth would make all others pale
    end = float(np.nanpercentile(np.abs(whole), 99)) or 1.0
    figure = plotting.new_figure(8.4, 8.4 * whole.shape[0] / whole.shape[1] * 0.84 + 0.75)
    plotting.suptitle(figure, title)
    axes = figure.subplots()
    image = axes.imshow(whole, cmap=plotting.SIGNED, vmin=-end, vmax=end, interpolation="nearest")
    _bare(axes)
    shown = f"{len(strongest)} of {len(weight)} hidden units, those with the longest weight vectors first"
    axes.set_xlabel(shown, color=plotting.FAINT, fontsize=9)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02, extend="both")
    bar.set_label("weight of the pixel", color=plotting.FAINT, fontsize=9)
    bar.ax.tick_params(colors=plotting.FAINT, labelsize=8)
    bar.outline.set_visible(False)
    return figure


def reconstructions_figure(
    net: DensityModel, inputs: Float[Tensor, "examples *example"], size: tuple[int, int], title: str = "Reconstructions"
) -> Figure:
    """Draw inputs above what the machine makes of their hidden probabilities.

    Args:
        net: its visible units are pixels.
        inputs: as the machine takes them, a dozen at most to be seen well.
    Raises ShapeError: images with another number of pixels than visible units.
    """
    from neurarium.report import plotting

    _check(net.weight.shape[1], size)
    v, again = net.units(inputs).detach().cpu(), net.reconstruct(inputs).detach().cpu()
    error = float((v - again).square().mean())
    figure = plotting.new_figure(max(4.0, 0.85 * len(v)), 2.6)
    plotting.suptitle(figure, title)
    low, high = _range(net, v)
    upper, lower = figure.subplots(2, 1)
    for axes, rows, name in ((upper, v, "input"), (lower, again, "again")):
        axes.imshow(_mosaic(rows, size, len(v)), cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        _bare(axes)
        axes.set_ylabel(name, color=plotting.INK, fontsize=9)
    lower.set_xlabel(f"mean squared error of these {len(v)}: {error:.4f}", color=plotting.FAINT, fontsize=9)
    return figure


def samples_figure(
    net: nn.Module,
    size: tuple[int, int],
    title: str = "What the machine holds for likely",
    *,
    chains: int = 10,
    moments: tuple[int, ...] = (1, 10, 100, 1000),
    seed: int = 0,
) -> Figure:
    """Draw chains of Gibbs sampling begun at coin tosses: a column a chain, a row a moment.

    Each image is the mean of the visible units given the hidden ones at that moment.

    Args:
        net: both a `DensityModel` whose visible units are pixels and `Generative`.
        moments: steps of Gibbs sampling after which to look, rising.
        seed: of the chains; every row shows the same ones.
    Raises ShapeError: images with another number of pixels than visible units; ConfigError: a net of another kind.
    """
    from neurarium.report import plotting

    model, maker = expect(net, DensityModel, "images of chains"), expect(net, Generative, "images of chains")
    _check(model.weight.shape[1], size)
    # one seed for each moment: a chain of 10 steps begins with the same draws as one of 100
    rows = [model.units(maker.sample(chains, seed, steps)).detach().cpu() for steps in moments]
    figure = plotting.new_figure(max(4.5, 0.75 * chains + 1.0), 0.75 * len(rows) + 0.9)
    plotting.suptitle(figure, title)
    low, high = _range(model, rows[-1])
    for axes, row, steps in zip(figure.subplots(len(rows), 1, squeeze=False)[:, 0], rows, moments, strict=True):
        axes.imshow(_mosaic(row, size, chains), cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        _bare(axes)
        label = f"{steps:,} step" + ("s" if steps > 1 else "")
        axes.set_ylabel(label, color=plotting.INK, fontsize=9, rotation=0, ha="right", va="center")
    return figure


def _mosaic(rows: Tensor, size: tuple[int, int], columns: int) -> Float[np.ndarray, "height width"]:
    return mosaic([row.reshape(size) for row in rows.numpy()], columns)


def _even_columns(count: int) -> int:
    """About as many columns as rows, rather more."""
    return max(1, int(np.ceil(np.sqrt(count * 1.6))))


def _range(net: DensityModel, v: Tensor) -> tuple[float, float]:
    """Black and white: 0 and 1, or what there is where units have no bounds."""
    return (0.0, 1.0) if net.visible == "bernoulli" else (float(v.min()), float(v.max()))


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _check(pixels: int, size: tuple[int, int]) -> None:
    if size[0] * size[1] != pixels:
        raise ShapeError("size", expected=f"images of {pixels} pixels", got=f"{size[0]} x {size[1]}")
