"""Training examples as the net sees them under an augmentation, beside what they were."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ShapeError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.scaling import unscaled
from neurarium.learning.augmentation import Augmentation
from neurarium.report.confusion import shorten
from neurarium.report.drawn_types import Axes, Figure
from neurarium.report.pixels import as_image
from neurarium.training.rules.descent import augmented
from neurarium.training.seed import own_generators

_BATCH = 128
_LONGEST_NAME = 10


def augmented_figure(
    augmentation: Augmentation, dataset: Dataset, rows: int = 4, draws: int = 7, seed: int = 0
) -> Figure:
    """Draw examples of different classes, each as it is and as drawn anew several times.

    Brightness is the same in all images of a figure; what noise carries beyond black or white is cut off. Over a
    mixture stand the classes that it is made of, with their fractions.

    Args:
        dataset: images; mixup takes its partners from 128 training examples.
        rows: examples to show, at most one a class.
        draws: images of each beside the original.
        seed: decides the draws; torch's own generators are left as they were.
    Raises ShapeError: the data are not images; ConfigError: the augmentation does not fit them.
    """
    from neurarium.report import plotting

    schema, field = dataset.schema, dataset.schema.input
    if len(schema.inputs) > 1 or not field.is_image:
        raise ShapeError("dataset", expected="images (channels, height, width)", got=f"examples of {field.in_words()}")
    augmentation.check(schema)
    # spread over all examples: files are often sorted by class
    index = torch.linspace(0, len(dataset.train) - 1, min(_BATCH, len(dataset.train))).long()
    batch = dataset.train.gather(index.to(dataset.train.device))
    with own_generators():
        torch.manual_seed(seed)
        versions = [batch, *(augmented(batch, augmentation, schema) for _ in range(draws))]
    raw = unscaled(batch.x, field)
    ends = field.value_range or (float(raw.min()), float(raw.max()))
    classes = schema.target.categories if schema.targets and not schema.target.shape else ()
    shown = _of_different_classes(batch, rows) if classes else list(range(min(rows, len(batch))))

    figure = plotting.new_figure(1.25 * (draws + 1) + 0.4, 1.45 * len(shown) + 1.1)
    plotting.suptitle(figure, "What the net sees")
    figure.supxlabel(describe(augmentation), color=plotting.FAINT, fontsize=9)
    grid = figure.subplots(len(shown), draws + 1, squeeze=False)
    for column, version in enumerate(versions):
        pixels = unscaled(version.x, field).cpu().numpy()
        for line, n in enumerate(shown):
            told = classes and (not column or version.labels.is_floating_point())
            label = mixture(version.labels[n], classes) if told else ""
            _draw(grid[line, column], as_image(pixels[n], ends), label, original=column == 0)
    return figure


def _of_different_classes(batch: Batch, most: int) -> list[int]:
    """Examples of a batch, the first of each class."""
    classes = batch.labels.tolist()
    return sorted({name: n for n, name in reversed(list(enumerate(classes)))}.values())[:most]


def mixture(target: Tensor, classes: tuple[str, ...]) -> str:
    """A target in words: its class, or the classes that were mixed, each with its fraction.

    Example:
        >>> mixture(torch.tensor([0.75, 0.0, 0.25]), ("cat", "dog", "elk"))
        'cat: 75 %, elk: 25 %'
    """
    if not target.is_floating_point():
        return shorten(classes[int(target)], _LONGEST_NAME)
    fractions = [(round(100 * fraction), name) for fraction, name in zip(target.tolist(), classes, strict=True)]
    seen = sorted(((fraction, name) for fraction, name in fractions if fraction), key=lambda pair: -pair[0])
    if len(seen) == 1:
        return shorten(seen[0][1], _LONGEST_NAME)
    return ", ".join(f"{shorten(name, _LONGEST_NAME)}: {fraction} %" for fraction, name in seen)


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


def _draw(axes: Axes, shown: Float[np.ndarray, "height width *colors"], label: str, original: bool) -> None:
    from neurarium.report import plotting

    axes.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(color=plotting.BLUE if original else plotting.LINE, linewidth=2.0 if original else 0.8)
    axes.set_title(
        label.replace(", ", "\n"), fontsize=8, color=plotting.INK, fontweight="bold" if original else "normal", pad=3,
        parse_math=False,
    )  # fmt: skip
