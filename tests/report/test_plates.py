from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from neurarium.data.assemble import assemble_numbers
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense
from neurarium.data.mixtures import load_ring
from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.objective import Objective
from neurarium.learning.optimisers import Optimiser
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.connectionist.perceptron_spec import PerceptronSpec
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.convolutional.specs import LeNet5Spec
from neurarium.nets.feedforward.regression_specs import LinearSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.generative.specs import AutoencoderSpec, GANSpec
from neurarium.nets.spec import NetSpec
from neurarium.report import plates
from neurarium.report.gallery import Plate, plate_sections, save_plates
from neurarium.report.plates import plates_of
from neurarium.training.evaluation import Evaluation
from neurarium.training.recipe import Recipe
from neurarium.training.run import Run, load_run
from neurarium.training.scores.measure import Measure, Measured, Task
from neurarium.training.session import start

from ..conftest import make_toy

OBJECTIVES = {PerceptronSpec: "perceptron", AutoencoderSpec: "reconstruction", LinearSpec: "squared-error"}
OBJECTIVES |= {MLPSpec: "cross-entropy", LeNet5Spec: "cross-entropy"}


def trained(spec: NetSpec, data: Dataset, folder: Path, epochs: int = 1) -> Run:
    rate = 0.01 if isinstance(spec, RBMSpec | GANSpec | AutoencoderSpec | LinearSpec | LeNet5Spec | MLPSpec) else 1.0
    recipe = plan(spec, rate, epochs)
    for _ in start(recipe, folder / "run", data).events():
        pass
    return load_run(folder / "run")


def plan(spec: NetSpec, rate: float, epochs: int) -> Recipe:
    return Recipe(
        name="t", net=spec, objective=Objective(OBJECTIVES.get(type(spec), "own")), optimiser=Optimiser("sgd", lr=rate),
        epochs=epochs, batch_size=32, device="cpu", early_stopping=EarlyStopping(restore_best=False),
    )  # fmt: skip


def measured(task: Task, *measures: Measure) -> Measured:
    return Measured(task, None, 1, measures)


def saved(found: Sequence[Plate], folder: Path) -> list[str]:
    """Names of the pictures, each of which can be written and shown."""
    save_plates(found, folder)
    assert list(plate_sections(folder)) == [plate.title for plate in found]
    assert all(plate.words.endswith(".") for plate in found)
    return [plate.name for plate in found]


def tile(axes, column: int, size: int = 28) -> np.ndarray:
    return np.asarray(axes.get_images()[0].get_array())[:size, (size + 1) * column :][:, :size]


def pixels(data: Dataset, split: str = "test") -> np.ndarray:
    return torch.cat(list(getattr(data, split).pieces()))[:, 0].double().numpy() / 255


def among(picture: np.ndarray, pictures: np.ndarray, tolerance: float = 1e-4) -> bool:
    return bool((np.abs(pictures - picture).max((1, 2)) < tolerance).any())


def test_an_autoencoder_shows_examples_damage_and_what_comes_back(images: Dataset, tmp_path: Path) -> None:
    run = trained(AutoencoderSpec(code=3, hidden=(), noise="salt-and-pepper", amount=0.3), images, tmp_path)
    (plate,) = plates_of(run, images, "test", measured("reconstruction"))
    assert saved([plate], tmp_path) == ["reconstructions"]
    given, damaged, back = plate.figure.axes
    assert [axes.texts[0].get_text() for axes in plate.figure.axes] == ["given", "damaged", "given back"]
    assert plate.figure.get_suptitle() == "Through a code of 3 numbers"
    x, test = run.scaled(images), pixels(images)
    assert x.scaling == run.scaling
    for column in (0, 9):
        assert among(tile(given, column), test)
        hit = np.abs(tile(damaged, column) - tile(given, column)) > 1e-3
        assert hit.mean() == pytest.approx(0.3, abs=0.06)
        raw = torch.from_numpy(255 * tile(damaged, column)).float()[None, None]
        made = run.net(run.scaling.apply(raw)).detach()
        expected = (made[0, 0] * run.scaling.std[0] + run.scaling.mean[0]) / 255
        np.testing.assert_allclose(tile(back, column), expected.clamp(0, 1), atol=1e-3)


def test_without_noise_nothing_is_damaged(images: Dataset, tmp_path: Path) -> None:
    run = trained(AutoencoderSpec(code=3, hidden=()), images, tmp_path)
    (plate,) = plates_of(run, images, "development", measured("reconstruction"))
    assert len(plate.figure.axes) == 2
    assert among(tile(plate.figure.axes[0], 0), pixels(images, "development"))


def test_a_boltzmann_machine_shows_filters_samples_and_reconstructions(images: Dataset, tmp_path: Path) -> None:
    run = trained(RBMSpec(hidden=6), images, tmp_path)
    found = plates_of(run, images, "test", measured("density"))
    assert saved(found, tmp_path) == ["filters", "samples", "reconstructions"]


def test_points_of_a_generator_beside_the_data_with_its_scores(tmp_path: Path) -> None:
    data = load_ring()
    run = trained(GANSpec(noise=2, hidden=(4,)), replace(data, train=data.train.select(torch.arange(300))), tmp_path)
    scores = Measure("modes covered", 0.625, "", "%"), Measure("distance", 0.012345, "")
    (plate,) = plates_of(run, data, "test", measured("generation", *scores))
    assert saved([plate], tmp_path) == ["samples"]
    left, right = plate.figure.axes
    assert [text.get_text() for text in right.texts] == ["modes covered 62.5 %, distance 0.0123"]
    real = np.asarray(left.collections[0].get_offsets())
    assert len(real) == 2000
    # in the units of the data: on the circle of radius 2
    np.testing.assert_allclose(np.linalg.norm(real, axis=1), 2.0, atol=0.12)


def test_pictures_of_a_generator(images: Dataset, tmp_path: Path) -> None:
    run = trained(GANSpec(noise=2, hidden=(4,)), images, tmp_path)
    (plate,) = plates_of(run, images, "test", measured("generation"))
    assert plate.figure.get_suptitle() == "100 examples made of noise"
    assert np.asarray(plate.figure.axes[0].get_images()[0].get_array()).shape == (289, 289)


def test_vectors_of_a_generator_have_no_picture(vectors: Dataset, tmp_path: Path) -> None:
    run = trained(GANSpec(noise=2, hidden=(4,)), vectors, tmp_path)
    assert plates_of(run, vectors, "test", measured("generation")) == []


def classified(data: Dataset) -> Evaluation:
    """Everything taken for the first class."""
    count, classes = len(data.test), len(data.classes)
    truth = data.test.targets.numpy()
    confusion = np.zeros((classes, classes), dtype=np.int64)
    confusion[:, 0] = np.bincount(truth, minlength=classes)
    said, sure = np.zeros(count, dtype=np.int64), np.linspace(0.3, 0.9, count).astype(np.float32)
    mistakes = np.flatnonzero(truth)[::-1].copy()
    return Evaluation(data.classes, 1.0, float((truth == 0).mean()), confusion, mistakes, said, sure)


def test_a_perceptron_shows_its_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_toy((2,), 2, (40, 10, 10), seed=3)
    run = trained(PerceptronSpec(), data, tmp_path, epochs=6)
    (plate,) = plates_of(run, data, "test", classified(data))
    assert saved([plate], tmp_path) == ["hyperplane"]
    left, right = plate.figure.axes
    errors = [entry["train"]["error"] for entry in run.history]
    np.testing.assert_allclose(right.get_lines()[0].get_ydata(), np.cumsum(errors) * 40, atol=1e-6)
    assert sum(len(group.get_offsets()) for group in left.collections[:2]) == 40
    assert [text.get_text() for text in left.get_legend().get_texts()][:2] == ["class 0", "class 1"]
    monkeypatch.setattr(plates, "MOST_TESTED", 79)  # of 80 numbers
    assert plates_of(run, data, "test", classified(data)) == []


def test_a_memory_shows_recalls(images: Dataset, tmp_path: Path) -> None:
    run = trained(HopfieldSpec(patterns=3, flip=0.1), images, tmp_path)
    (plate,) = plates_of(run, images, "test", measured("recall"))
    assert saved([plate], tmp_path) == ["recall"]
    assert plate.figure.get_suptitle().startswith("3 patterns stored (pseudo-inverse), 10 % of the units")


@pytest.fixture
def numbers() -> Dataset:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(60, 4, generator=generator)
    y = 100 + 30 * x[:, :1] + torch.randn(60, 1, generator=generator)
    return assemble_numbers("toy", "vectors", {"train": Dense(x, y)}, ("price",), source="made up")


def test_predictions_are_in_the_units_of_the_source(numbers: Dataset, tmp_path: Path) -> None:
    run = trained(LinearSpec(), numbers, tmp_path)
    (plate,) = plates_of(run, numbers, "test", measured("regression"))
    assert saved([plate], tmp_path) == ["predictions"]
    points = np.asarray(plate.figure.axes[0].collections[0].get_offsets())
    mean, std = run.target_scaling.mean[0], run.target_scaling.std[0]
    np.testing.assert_allclose(points[:, 0], numbers.test.targets[:, 0] * std + mean, rtol=1e-5)
    x = numbers.test.gather(torch.arange(len(numbers.test))).inputs
    np.testing.assert_allclose(points[:, 1], run.net(x).detach()[:, 0] * std + mean, rtol=1e-4)


@pytest.mark.parametrize(
    ("spec", "task"), [(RBMSpec(2, "gaussian"), "density"), (AutoencoderSpec(2), "reconstruction")]
)
def test_nets_that_predict_no_numbers_draw_no_predictions(
    numbers: Dataset, spec: NetSpec, task: Task, tmp_path: Path
) -> None:
    run = trained(spec, numbers, tmp_path)
    assert plates_of(run, numbers, "test", measured(task)) == []


def test_pictures_of_two_channels_cannot_be_drawn(tmp_path: Path) -> None:
    data = make_toy((2, 4, 4), 2, (20, 4, 4))
    run = trained(AutoencoderSpec(code=2, hidden=()), data, tmp_path)
    assert plates_of(run, data, "test", measured("reconstruction")) == []


def test_a_convolutional_classifier_shows_filters_maps_and_saliency(images: Dataset, tmp_path: Path) -> None:
    run = trained(LeNet5Spec(), images, tmp_path)
    found = plates_of(run, images, "test", classified(images))
    assert saved(found, tmp_path) == ["filters", "feature-maps", "saliency"]
    told = " ".join(text.get_text() for axes in found[2].figure.axes for text in (*axes.texts, axes.title))
    told += " ".join(axes.get_title(loc="left") + axes.get_ylabel() for axes in found[2].figure.axes)
    assert "said class 0" in told
    assert "is class 4" in told  # the most confident mistake is the last example


@pytest.mark.parametrize("shape", [(1, 8, 8), (12,)])
def test_a_net_without_convolutions_shows_none(shape: tuple[int, ...], tmp_path: Path) -> None:
    data = make_toy(shape, 3, (30, 6, 6))
    run = trained(MLPSpec(hidden=(4,)), data, tmp_path)
    assert plates_of(run, data, "test", classified(data)) == []
