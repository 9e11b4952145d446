import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurarium.checks import DataError
from neurarium.data.dataset import Dataset
from neurarium.data.mixtures import load_ring
from neurarium.data.scaling import unscaled
from neurarium.learning.augmentation import Augmentation
from neurarium.nets.catalog import NETS
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.connectionist.perceptron import Perceptron
from neurarium.nets.connectionist.perceptron_spec import PerceptronSpec
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.convolutional.specs import LeNet5Spec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.generative.specs import AutoencoderSpec, ConvolutionalAutoencoderSpec, GANSpec
from neurarium.nets.interfaces import Memory, Reconstructing
from neurarium.nets.spec import NetSpec
from neurarium.report.figures import hyperplane, table
from neurarium.report.figures.run_figure import RunFigure
from neurarium.report.figures.table import FIGURES, save_figures
from neurarium.report.gallery import figure_sections
from neurarium.report.plotting import new_figure
from neurarium.tasks.scores import Metric, Scores
from neurarium.training.run import Run

from ...conftest import make_molecules, make_pairs, make_points, make_toy
from .conftest import MakeRun


def measured(task: str, *metrics: Metric) -> Scores:
    return Scores(task, "test", "toy", 1, None, metrics)


def saved(run: Run, data: Dataset, scores: Scores | None) -> list[str]:
    """Names of the figures, each of which lies in the folder and is shown where it stands alone."""
    save_figures(run, data, "test", scores)
    listed = json.loads((run.folder / "figures.json").read_text())
    assert [section.title for section in figure_sections(run.folder)] == [
        entry["title"] for entry in listed if entry["alone"]
    ]
    for entry in listed:
        assert entry["words"].endswith(".")
        assert " " not in entry["name"]
        assert (run.folder / f"{entry['name']}.png").read_bytes().startswith(b"\x89PNG")
    return [entry["name"] for entry in listed]


def drawn(name: str, run: Run, data: Dataset, scores: Scores | None) -> Figure:
    (figure,) = [figure for figure in FIGURES if figure.name == name]
    known = run.fitted(data)
    assert figure.applies(run, known, scores)
    return figure.draw(run, known, "test", scores)


def tile(axes: Axes, column: int, size: int = 28) -> np.ndarray:
    return np.asarray(axes.get_images()[0].get_array())[:size, (size + 1) * column :][:, :size]


def pixels(data: Dataset, split: str = "test") -> np.ndarray:
    return torch.cat(list(getattr(data, split).pieces("image")))[:, 0].double().numpy() / 255


def among(figure: np.ndarray, figures: np.ndarray, tolerance: float = 1e-4) -> bool:
    return bool((np.abs(figures - figure).max((1, 2)) < tolerance).any())


def test_names_and_files_are_unique_and_every_figure_has_its_words() -> None:
    assert len({figure.name for figure in FIGURES}) == len({figure.file for figure in FIGURES}) == len(FIGURES)
    assert all(figure.title and figure.caption.endswith(".") for figure in FIGURES)


@pytest.mark.parametrize("net", NETS)
def test_every_figure_that_a_spec_declares_exists(net: str) -> None:
    assert set(NETS[net].figures) <= {figure.name for figure in FIGURES}


def test_a_figure_of_ones_own_enters_by_a_line_in_the_table(
    fresh: MakeRun, vectors: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
        assert (data.schema, split, scores) == (run.schema, "test", None)
        figure = new_figure(2.0, 1.0)
        figure.subplots().plot([0, 1], [0, 1])
        return figure

    own = RunFigure("my own", "Mine", "A line.", lambda run, data, scores: scores is None, draw)
    monkeypatch.setattr(table, "FIGURES", (*FIGURES, own))
    run = fresh(MLPSpec(hidden=(4,)), vectors)
    assert saved(run, vectors, None) == ["my-own"]
    (section,) = figure_sections(run.folder)
    assert section[:3] == ("figure-my-own", "Mine", "Mine")
    assert saved(run, vectors, measured("density")) == []


@pytest.mark.parametrize("error", [ZeroDivisionError, DataError("x", expected="a", got="b")])
def test_an_error_in_a_figure_is_not_hidden(
    error: Exception, fresh: MakeRun, vectors: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(run: Run, data: Dataset, split: str, scores: Scores | None) -> Figure:
        raise error

    monkeypatch.setattr(table, "FIGURES", (RunFigure("x", "x", "x.", lambda run, data, scores: True, draw),))
    with pytest.raises((ZeroDivisionError, DataError)):
        save_figures(fresh(MLPSpec(hidden=(4,)), vectors), vectors, "test", None)


def test_data_of_another_kind_are_refused(fresh: MakeRun, vectors: Dataset, images: Dataset) -> None:
    with pytest.raises(DataError, match="examples like those it learned from"):
        save_figures(fresh(MLPSpec(hidden=(4,)), vectors), images, "test", None)


@pytest.mark.parametrize(
    "spec", [AutoencoderSpec(latent_dim=3, hidden=()), ConvolutionalAutoencoderSpec(latent_dim=3, channels=2)]
)
def test_an_autoencoder_shows_examples_damage_and_what_comes_back(
    spec: NetSpec, fresh: MakeRun, images: Dataset
) -> None:
    run = fresh(replace(spec, corruption="salt-and-pepper", amount=0.3), images)
    assert isinstance(run.net, Reconstructing)
    assert saved(run, images, measured("reconstruction")) == ["reconstructions"]
    figure = drawn("reconstructions", run, images, measured("reconstruction"))
    given, damaged, back = figure.axes
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["given", "damaged", "reconstructed"]
    assert figure.get_suptitle() == "Through a code of 3 numbers"
    field = run.schema.input
    for column in (0, 9):
        assert among(tile(given, column), pixels(images))
        hit = np.abs(tile(damaged, column) - tile(given, column)) > 1e-3
        assert hit.mean() == pytest.approx(0.3, abs=0.06)
        seen = (torch.from_numpy(255 * tile(damaged, column)).float()[None, None] - field.mean[0]) / field.std[0]
        made = run.net(seen).detach()
        expected = (made[0, 0] * field.std[0] + field.mean[0]) / 255
        np.testing.assert_allclose(tile(back, column), expected.clamp(0, 1), atol=1e-3)


def test_without_noise_nothing_is_damaged(fresh: MakeRun, images: Dataset) -> None:
    run = fresh(AutoencoderSpec(latent_dim=3, hidden=()), images)
    figure = drawn("reconstructions", run, images, measured("reconstruction"))
    assert len(figure.axes) == 2
    assert among(tile(figure.axes[0], 0), pixels(images))


def test_without_a_known_range_the_given_examples_say_what_is_black_and_white(fresh: MakeRun, images: Dataset) -> None:
    schema = images.schema.with_fields(image=replace(images.schema.input, value_range=None))
    data = images.with_schema(schema)
    figure = drawn(
        "reconstructions", fresh(AutoencoderSpec(latent_dim=3, hidden=()), data), data, measured("reconstruction")
    )
    shown = np.concatenate([tile(figure.axes[0], k) for k in range(10)])
    assert (shown.min(), shown.max()) == (0, 1)


def test_a_boltzmann_machine_shows_filters_samples_and_reconstructions(fresh: MakeRun, images: Dataset) -> None:
    run = fresh(RBMSpec(hidden=6), images)
    names = ["filters-of-units", "gibbs-samples", "unit-reconstructions"]
    assert saved(run, images, measured("density")) == names
    # what needs no example is there without one
    assert saved(run, images, None) == names[:2]
    above = np.asarray(drawn("unit reconstructions", run, images, measured("density")).axes[0].images[0].get_array())
    assert among(above[:, :28], pixels(images), 1e-5)


def test_points_of_a_generator_beside_the_data_with_its_scores(fresh: MakeRun) -> None:
    data = load_ring()
    run = fresh(GANSpec(latent_dim=2, hidden=(4,)), data)
    scores = measured("generation", Metric("modes covered", 0.625, "", "%"), Metric("distance", 0.012345, ""))
    assert saved(run, data, scores) == ["samples"]
    left, right = drawn("samples", run, data, scores).axes
    assert [text.get_text() for text in right.texts] == ["modes covered 62.5 %, distance 0.0123"]
    real = np.asarray(left.collections[0].get_offsets())
    assert len(real) == 2000
    # in the units of the data: on the circle of radius 2
    np.testing.assert_allclose(np.linalg.norm(real, axis=1), 2.0, atol=0.12)
    made = unscaled(run.net.sample(2000), data.schema.input)  # type: ignore[operator]
    np.testing.assert_allclose(right.collections[0].get_offsets(), made, rtol=1e-5)
    assert saved(run, data, None) == ["samples"]


def test_pictures_of_a_generator(fresh: MakeRun, images: Dataset) -> None:
    run = fresh(GANSpec(latent_dim=2, hidden=(4,)), images)
    assert saved(run, images, measured("generation")) == ["samples"]
    figure = drawn("samples", run, images, measured("generation"))
    assert figure.get_suptitle() == "100 examples made of noise"
    shown = np.asarray(figure.axes[0].get_images()[0].get_array())
    assert shown.shape == (289, 289)
    first = unscaled(run.net.sample(100), images.schema.input)[0, 0] / 255  # type: ignore[operator]
    np.testing.assert_allclose(shown[:28, :28], first, atol=1e-5)


def test_vectors_of_a_generator_have_no_picture(fresh: MakeRun, vectors: Dataset) -> None:
    assert saved(fresh(GANSpec(latent_dim=2, hidden=(4,)), vectors), vectors, measured("generation")) == []


def across() -> Perceptron:
    """The hyperplane x + y = 1/2."""
    net = Perceptron(2)
    with torch.no_grad():
        net.weight.fill_(1.0)
        net.bias.fill_(-0.5)
    return net


def test_a_perceptron_shows_its_mistakes(fresh: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_toy((2,), 2, (40, 10, 10), seed=3)
    errors = (0.5, 0.25, 0.125)
    run = fresh(PerceptronSpec(), data, errors, net=across())
    scores = run.evaluate(data)
    assert saved(run, data, scores) == ["confusion", "hyperplane"]
    left, right = drawn("hyperplane", run, data, scores).axes
    assert right.get_lines()[0].get_ydata().tolist() == [20, 30, 35]
    places = np.concatenate([group.get_offsets() for group in left.collections[:2]])
    batch = data.train.gather(torch.arange(40))
    order = batch.labels.argsort(stable=True)
    np.testing.assert_allclose(places, batch.x[order], rtol=1e-6)
    assert [text.get_text() for text in left.get_legend().get_texts()][:2] == ["class 0", "class 1"]
    assert left.get_xlabel() == "first feature"
    monkeypatch.setattr(hyperplane, "_MOST_NUMBERS", 79)  # of 80
    assert saved(run, data, scores) == ["confusion"]


def test_the_axes_of_a_hyperplane_have_the_names_of_the_features(fresh: MakeRun) -> None:
    data = make_toy((2,), 2, (40, 10, 10), seed=3)
    named = replace(data.schema.input, names=("height", "width"))
    data = data.with_schema(data.schema.with_fields(features=named))
    left, _ = drawn("hyperplane", fresh(PerceptronSpec(), data, net=across()), data, None).axes
    assert (left.get_xlabel(), left.get_ylabel()) == ("height", "width")


def test_a_memory_shows_recalls(fresh: MakeRun, images: Dataset) -> None:
    run = fresh(HopfieldSpec(patterns=3, flip=0.1), images)
    assert isinstance(run.net, Memory)
    run.net.store(images.train.gather(torch.arange(3)).x)
    assert saved(run, images, measured("recall")) == ["recall"]
    figure = drawn("recall", run, images, measured("recall"))
    assert figure.get_suptitle() == "3 patterns stored (pseudo-inverse), 10 % of the units flipped"


@pytest.mark.parametrize(
    ("spec", "task"), [(RBMSpec(2, "gaussian"), "density"), (AutoencoderSpec(2), "reconstruction")]
)
def test_vectors_have_no_pictures(spec: NetSpec, task: str, fresh: MakeRun, vectors: Dataset) -> None:
    assert saved(fresh(spec, vectors), vectors, measured(task)) == []


def test_pictures_of_two_channels_cannot_be_drawn(fresh: MakeRun) -> None:
    data = make_toy((2, 4, 4), 2, (20, 4, 4))
    assert saved(fresh(AutoencoderSpec(latent_dim=2, hidden=()), data), data, measured("reconstruction")) == []
    assert saved(fresh(RBMSpec(2), data), data, measured("density")) == []


def test_a_convolutional_classifier_shows_filters_maps_and_saliency(fresh: MakeRun, images: Dataset) -> None:
    run = fresh(LeNet5Spec(), images, augmentation=Augmentation(shift=1))
    scores = run.evaluate(images)
    found = ["confusion", "mistakes", "filters", "feature-maps", "saliency", "augmented"]
    assert saved(run, images, scores) == found
    worst = int(scores.arrays["mistakes"][0])
    saliency = drawn("saliency", run, images, scores)
    said, truth = (run.classes[scores.arrays[name][worst]] for name in ("predicted", "targets"))
    sure = f"{min(99, round(100 * float(scores.arrays['confidence'][worst])))} %"
    assert saliency.axes[0].get_ylabel() == f"said {said} ({sure}), is {truth}"
    np.testing.assert_allclose(saliency.axes[0].images[0].get_array(), pixels(images)[worst], atol=1e-6)
    assert len(saliency.axes) == 24  # four mistakes and two that are right
    assert [", is " in axes.get_ylabel() for axes in saliency.axes[::4]] == [True] * 4 + [False] * 2
    mistakes = drawn("mistakes", run, images, scores)
    np.testing.assert_allclose(mistakes.axes[0].images[0].get_array(), pixels(images)[worst], atol=1e-6)
    assert mistakes.axes[0].get_title() == f"said {said} ({sure}),\nis {truth}"


def test_a_classifier_without_a_mistake_shows_right_answers(fresh: MakeRun, images: Dataset) -> None:
    run = fresh(LeNet5Spec(), images)
    known = run.evaluate(images)
    arrays = {**known.arrays, "targets": known.arrays["predicted"], "mistakes": np.zeros(0, dtype=np.int64)}
    scores = replace(known, arrays=arrays, details={**known.details, "mistakes": []})
    assert saved(run, images, scores) == ["confusion", "filters", "feature-maps", "saliency"]
    assert len(drawn("saliency", run, images, scores).axes) == 24


def test_what_was_not_measured_shows_no_answers(fresh: MakeRun, images: Dataset) -> None:
    run = fresh(LeNet5Spec(), images, augmentation=Augmentation(shift=1))
    assert saved(run, images, None) == ["augmented"]


@pytest.mark.parametrize(("shape", "names"), [((1, 8, 8), ["confusion", "mistakes"]), ((12,), ["confusion"])])
def test_a_net_without_convolutions_shows_none(shape: tuple[int, ...], names: list[str], fresh: MakeRun) -> None:
    data = make_toy(shape, 3, (30, 6, 6))
    run = fresh(MLPSpec(hidden=(4,)), data)
    assert saved(run, data, run.evaluate(data)) == names


@pytest.mark.parametrize(
    ("net", "make", "names"),
    [
        ("encoder-decoder", make_pairs, []),
        ("pointnet", make_points, ["confusion"]),
        ("pair-potential", make_molecules, ["energies-and-forces"]),
    ],
)
def test_other_kinds_of_examples(net: str, make: Callable[[], Dataset], names: list[str], fresh: MakeRun) -> None:
    data = make()
    run = fresh(NETS[net](), data)
    assert saved(run, data, run.evaluate(data)) == names


def test_energies_and_forces_are_in_the_units_of_the_data(fresh: MakeRun) -> None:
    data = make_molecules()
    run = fresh(NETS["pair-potential"](), data)
    scores = run.evaluate(data)
    left, right = drawn("energies and forces", run, data, scores).axes
    prediction = run.predict(data.test)
    std, mean = data.schema.targets["energy"].std[0], data.schema.targets["energy"].mean[0]
    energies = np.asarray(left.collections[0].get_offsets())
    np.testing.assert_allclose(energies[:, 0], data.test.target("energy").double() * std + mean, rtol=1e-6)
    np.testing.assert_allclose(energies[:, 1], prediction.values[:, 0], rtol=1e-5)
    forces = np.asarray(right.collections[0].get_offsets())
    np.testing.assert_allclose(forces[:, 0], data.test.target("forces").flatten() * std, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(forces[:, 1], prediction.others["forces"].flatten(), rtol=1e-4, atol=1e-6)


def test_old_pictures_leave_the_list(fresh: MakeRun, images: Dataset, tmp_path: Path) -> None:
    run = fresh(LeNet5Spec(), images)
    saved(run, images, run.evaluate(images))
    assert saved(run, images, None) == []
    assert figure_sections(tmp_path) == []
