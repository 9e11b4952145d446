from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from neurarium.checks import ConfigError, ShapeError
from neurarium.data.dataset import Dataset
from neurarium.data.scaling import Scaling
from neurarium.data.table import Table
from neurarium.learning.augmentation import Augmentation
from neurarium.record.schema import Field, Schema
from neurarium.report.augmented import augmented_figure, describe, mixture

CLASSES = {"label": Field((), categories=("cat", "dog", "elk"))}


def _dataset(inputs: Tensor, targets: dict[str, Field] = CLASSES, ends: tuple[float, float] | None = None) -> Dataset:
    field = Scaling.fit(inputs).field(Field(tuple(inputs.shape[1:]), value_range=ends))
    columns = [
        torch.arange(len(inputs)) % 3 if field.categories else torch.rand(len(inputs)) for field in targets.values()
    ]
    part = Table((inputs,), tuple(columns), schema := Schema({"x": field}, targets))
    return Dataset("toy", part, part, part, schema, "made for a test", "none")


@pytest.fixture
def pixels() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (30, 1, 8, 9), generator=generator, dtype=torch.uint8)


@pytest.fixture
def images(pixels: Tensor) -> Dataset:
    return _dataset(pixels, ends=(0.0, 255.0))


def _shown(figure: object) -> np.ndarray:
    return np.stack([axes.images[0].get_array() for axes in figure.axes])  # type: ignore[attr-defined]


@pytest.mark.parametrize("ends", [(0.0, 255.0), (-50.0, 400.0), None])
def test_first_column_is_the_pixels_and_the_rest_are_mirrored_or_not(
    pixels: Tensor, ends: tuple[float, float] | None
) -> None:
    figure = augmented_figure(Augmentation(flip=True), _dataset(pixels, ends=ends), rows=3, draws=9)
    shown = _shown(figure).reshape(3, 10, 8, 9)
    raw = pixels[:3, 0].double().numpy()
    low, high = ends or (pixels.min().item(), pixels.max().item())
    np.testing.assert_allclose(shown[:, 0], (raw - low) / (high - low), atol=1e-6)
    same, mirrored = (np.abs(shown - other).max((2, 3)) < 1e-9 for other in (shown[:, :1], shown[:, :1, :, ::-1]))
    assert (same ^ mirrored).all()
    assert mirrored.any(1).all()
    assert [axes.get_title() for axes in figure.axes[::10]] == ["cat", "dog", "elk"]


def test_noise_beyond_black_and_white_is_cut_off(images: Dataset) -> None:
    shown = _shown(augmented_figure(Augmentation(noise=3.0), images))
    assert shown.min() == 0
    assert shown.max() == 1


def test_mixtures_say_their_shares(images: Dataset) -> None:
    figure = augmented_figure(Augmentation(mixup=1.0), images, rows=2, draws=6)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0] == "cat"
    mixed = [title for title in titles[1:7] if "%" in title]
    assert len(mixed) >= 3
    for title in mixed:
        assert sum(int(part.split()[-2]) for part in title.split("\n")) in (99, 100, 101)  # each one rounded
        assert "cat" in title


@pytest.mark.parametrize("targets", [{}, {"age": Field(())}])
@pytest.mark.parametrize("augmentation", [Augmentation(flip=True), Augmentation(mixup=1.0)])
def test_examples_without_classes_have_no_titles(
    pixels: Tensor, targets: dict[str, Field], augmentation: Augmentation
) -> None:
    figure = augmented_figure(augmentation, _dataset(pixels, targets), rows=2, draws=3)
    assert len(figure.axes) == 8
    assert {axes.get_title() for axes in figure.axes} == {""}
    low, high = pixels.min().item(), pixels.max().item()
    expected = (pixels[:2, 0].double().numpy() - low) / (high - low)
    np.testing.assert_allclose(_shown(figure)[::4], expected, atol=1e-6)


def test_seed_decides_and_the_generator_is_left_alone(images: Dataset) -> None:
    before = torch.get_rng_state()
    first, again, other = (_shown(augmented_figure(Augmentation(noise=1.0), images, seed=s)) for s in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_words() -> None:
    assert describe(Augmentation()) == "as they are"
    everything = describe(Augmentation(2, True, 10.0, 0.25, 0.1, 0.4))
    assert everything.count(",") == 5
    assert "25 % of the area" in everything
    assert mixture(torch.tensor(1), ("cat", "dog")) == "dog"
    assert mixture(torch.tensor([0.999, 0.001]), ("cat", "dog")) == "cat"


def test_errors(images: Dataset) -> None:
    with pytest.raises(ShapeError, match=r"dataset: expected images \(channels, height, width\), got examples of 5"):
        augmented_figure(Augmentation(noise=1.0), _dataset(torch.randn(9, 5)))
    two = replace(images, schema=Schema({**images.schema.inputs, "y": Field((2,))}, CLASSES))
    with pytest.raises(ShapeError, match="dataset: expected images"):
        augmented_figure(Augmentation(noise=1.0), two)
    with pytest.raises(ConfigError, match="less than 8 pixels"):
        augmented_figure(Augmentation(shift=8), images)
