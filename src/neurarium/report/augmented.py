"""Training examples as the net sees them under an augmentation, beside what they were."""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ShapeError
from neurarium.data.dataset import Dataset
from neurarium.data.scaling import Scaling
from neurarium.learning.augmentation import Augmentation
from neurarium.report.confusion import shorten
from neurarium.report.mistakes import as_picture
from neurarium.training.seed import own_generators

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BATCH = 128
_LONGEST_NAME = 10


def augmented_figure(
    augmentation: Augmentation, dataset: Dataset, rows: int = 4, draws: int = 7, seed: int = 0
) -> "Figure":
    """Draw examples of different classes, each as it is and as drawn anew several times.

    Brightness is the same in all pictures of a figure; what noise carries beyond black or white is cut off. Over a
    mixture stand the classes that it is made of, with their shares.

    Args:
        augmentation: that of a recipe.
        dataset: images; mixup takes its partners from 128 training examples.
        rows: examples to show, at most one a class.
        draws: pictures of each beside the original.
        seed: decides the draws; torch's own generators are left as they were.

    Raises:
        ShapeError: the data are not images.
        ConfigError: the augmentation does not fit them.
    """
    from neurarium.report import picture

    if len(dataset.shape) != 3:
        raise ShapeError("dataset", expected="images (channels, height, width)", got=f"examples of {dataset.shape}")
    augmentation.check(dataset.shape)
    # spread over all examples: files are often sorted by class
    chosen = torch.linspace(0, len(dataset.train) - 1, min(_BATCH, len(dataset.train))).long()
    batch = dataset.train.gather(chosen.to(dataset.train.targets.device))
    classes = batch.targets.tolist()
    shown = sorted({name: n for n, name in reversed(list(enumerate(classes)))}.values())[:rows]
    versions = [(batch.inputs, batch.targets)]
    with own_generators():
        torch.manual_seed(seed)
        versions += [augmentation.apply(batch.inputs, batch.targets, len(dataset.classes)) for _ in range(draws)]
    raw = unscaled(batch.inputs, dataset.scaling)
    low, high = raw.min(), raw.max()

    figure = picture.blank(1.25 * (draws + 1) + 0.4, 1.45 * len(shown) + 1.1)
    picture.heading(figure, "What the net sees")
    figure.supxlabel(describe(augmentation), color=picture.FAINT, fontsize=9)
    grid = figure.subplots(len(shown), draws + 1, squeeze=False)
    for column, (inputs, targets) in enumerate(versions):
        pixels = (unscaled(inputs, dataset.scaling) - low) / (high - low).clamp(min=1e-12)
        for line, n in enumerate(shown):
            label = "" if column and not targets.is_floating_point() else mixture(targets[n], dataset.classes)
            _draw(grid[line, column], pixels[n], label, original=column == 0)
    return figure


def unscaled(
    x: Float[Tensor, "batch channels height width"], scaling: Scaling
) -> Float[Tensor, "batch channels height width"]:
    """Scaled images in the units of their source again."""
    mean, std = (x.new_tensor(numbers)[:, None, None] for numbers in (scaling.mean, scaling.std))
    return x * std + mean


def mixture(target: Tensor, classes: tuple[str, ...]) -> str:
    """A target in words: its class, or the classes that were mixed, each with its share.

    Example:
        >>> mixture(torch.tensor([0.75, 0.0, 0.25]), ("cat", "dog", "elk"))
        'cat: 75 %, elk: 25 %'
    """
    if not target.is_floating_point():
        return shorten(classes[int(target)], _LONGEST_NAME)
    shares = [(round(100 * share), name) for share, name in zip(target.tolist(), classes, strict=True)]
    seen = sorted(((share, name) for share, name in shares if share), key=lambda pair: -pair[0])
    if len(seen) == 1:
        return shorten(seen[0][1], _LONGEST_NAME)
    return ", ".join(f"{shorten(name, _LONGEST_NAME)}: {share} %" for share, name in seen)


def describe(augmentation: Augmentation) -> str:
    """An augmentation in words.

    Example:
        >>> describe(Augmentation(shift=2, rotation=15.0))
        'shifted by up to 2 pixels, rotated by up to 15°'
    """
    parts = (
        (augmentation.shift, f"shifted by up to {augmentation.shift} pixels"),
        (augmentation.flip, "mirrored half of the time"),
        (augmentation.rotation, f"rotated by up to {augmentation.rotation:g}°"),
        (augmentation.crop, f"up to {100 * augmentation.crop:g} % of the area cut away"),
        (augmentation.noise, f"noise of {augmentation.noise:g} standard deviations"),
        (augmentation.mixup, f"mixup with α = {augmentation.mixup:g}"),
    )
    return ", ".join(words for on, words in parts if on) or "as they are"


def _draw(axes: "Axes", pixels: Tensor, label: str, original: bool) -> None:
    from neurarium.report import picture

    shown = as_picture((255 * pixels.cpu()).clamp(0, 255).to(torch.uint8).numpy())
    axes.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(color=picture.BLUE if original else picture.LINE, linewidth=2.0 if original else 0.8)
    axes.set_title(
        label.replace(", ", "\n"), fontsize=8, color=picture.INK, fontweight="bold" if original else "normal", pad=3,
        parse_math=False,
    )  # fmt: skip
