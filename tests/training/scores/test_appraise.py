import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, r2_score
from torch import nn

from neurarium.checks import DataError
from neurarium.data.assemble import assemble_numbers
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense
from neurarium.data.mixtures import load_ring
from neurarium.learning.objective import Objective
from neurarium.learning.optimisers import Optimiser
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.feedforward.regression_specs import LinearSpec
from neurarium.nets.generative.gan import sample
from neurarium.nets.generative.specs import AutoencoderSpec, GANSpec
from neurarium.nets.spec import NetSpec
from neurarium.training.device import Placement
from neurarium.training.evaluation import Evaluation, criterion_of
from neurarium.training.recipe import Recipe
from neurarium.training.scores import appraise as appraising
from neurarium.training.scores import density
from neurarium.training.scores.appraise import appraise, damaged_by
from neurarium.training.scores.measure import Measured
from neurarium.training.seed import seed_everything
from neurarium.training.source import Source, build_net

from ...conftest import make_toy

CPU = Placement(torch.device("cpu"))


def fresh(spec: NetSpec, data: Dataset, objective: str = "own") -> tuple[nn.Module, Recipe]:
    recipe = Recipe(net=spec, objective=Objective(objective), optimiser=Optimiser("sgd", lr=1.0))
    seed_everything(3)
    return build_net(recipe, data.shape, data.classes, data.scaling), recipe


def judged(
    net: nn.Module, recipe: Recipe, data: Dataset, split: str = "test", judge: Source | None = None
) -> Evaluation | Measured:
    return appraise(net, recipe, data, split, criterion_of(recipe.objective, data, None, CPU), CPU, judge)


def scaled(data: Dataset, split: str = "test") -> tuple[np.ndarray, torch.Tensor]:
    """Raw examples, flat, and the same standardised by NumPy."""
    raw = torch.cat(list(getattr(data, split).pieces())).double().numpy()
    shape = (-1, 1, 1) if data.kind == "images" else (-1,)
    mean, std = (np.array(numbers).reshape(shape) for numbers in (data.scaling.mean, data.scaling.std))
    return raw.reshape(len(raw), -1), torch.from_numpy((raw - mean) / std).float()


def unscaled(data: Dataset, x: torch.Tensor) -> np.ndarray:
    shape = (-1, 1, 1) if data.kind == "images" else (-1,)
    mean, std = (np.array(numbers).reshape(shape) for numbers in (data.scaling.mean, data.scaling.std))
    return (x.detach().double().numpy() * std + mean).reshape(len(x), -1)


def decibels(a: np.ndarray, b: np.ndarray, peak: float) -> float:
    return 20 * math.log10(peak / np.sqrt(((a - b) ** 2).mean()))


def test_a_classifier_by_scikit_learn(vectors: Dataset) -> None:
    net, recipe = fresh(LinearSpec(), vectors, "cross-entropy")
    found = judged(net, recipe, vectors, "development")
    assert isinstance(found, Evaluation)
    _, x = scaled(vectors, "development")
    targets = vectors.development.targets.numpy()
    probabilities = net(x).detach().double().softmax(1).numpy()
    assert found.accuracy == pytest.approx(accuracy_score(targets, probabilities.argmax(1)))
    assert found.objective == pytest.approx(log_loss(targets, probabilities), rel=1e-5)


def test_numbers_by_scikit_learn_in_the_units_of_the_source() -> None:
    random = np.random.default_rng(0)
    x = torch.from_numpy(random.normal(size=(80, 3)))
    targets = torch.from_numpy(
        np.column_stack([1000 + 50 * x[:, 0], x[:, 1] * 0.01]) + 0.001 * random.normal(size=(80, 2))
    )
    data = assemble_numbers("toy", "vectors", {"train": Dense(x, targets)}, ("price", "share"), source="made up")
    net, recipe = fresh(LinearSpec(), data, "squared-error")
    found = judged(net, recipe, data)
    assert isinstance(found, Measured)
    assert (found.task, found.examples) == ("regression", len(data.test))
    _, inputs = scaled(data)
    answers, scaling = net(inputs).detach().double().numpy(), data.target_scaling
    said = answers * np.array(scaling.std) + np.array(scaling.mean)
    true = data.test.targets.double().numpy() * np.array(scaling.std) + np.array(scaling.mean)
    assert found.value("R²") == pytest.approx(r2_score(true, said), rel=1e-4)
    assert found.value("MAE of price") == pytest.approx(mean_absolute_error(true[:, 0], said[:, 0]), rel=1e-5)
    assert found.value("MAE of share") == pytest.approx(mean_absolute_error(true[:, 1], said[:, 1]), rel=1e-3)
    # squared error: half the sum over the outputs, mean over the examples
    assert found.objective == pytest.approx(((answers - data.test.targets.numpy()) ** 2).sum(1).mean() / 2, rel=1e-5)


def test_an_autoencoder_by_numpy_and_scikit_learn(images: Dataset) -> None:
    net, recipe = fresh(AutoencoderSpec(code=4, hidden=(16,)), images, "reconstruction")
    found = judged(net, recipe, images)
    assert isinstance(found, Measured)
    raw, x = scaled(images)
    made = net.eval()(x).detach()
    assert [m.name for m in found.measures] == ["PSNR", "variance explained"]
    assert found.value("PSNR") == pytest.approx(decibels(unscaled(images, made), raw, 255.0), rel=1e-5)
    assert found.objective == pytest.approx(float((made - x).square().mean()), rel=1e-5)
    train, _ = scaled(images, "train")
    peer = PCA(4, svd_solver="full").fit(train)
    linear = peer.inverse_transform(peer.transform(raw))
    assert found.measures[0].baseline == pytest.approx(decibels(linear, raw, 255.0), rel=1e-5)


def test_a_denoising_autoencoder_mends_the_same_damage_every_time(images: Dataset) -> None:
    net, recipe = fresh(
        AutoencoderSpec(code=4, hidden=(), noise="salt-and-pepper", amount=0.3), images, "reconstruction"
    )
    found = judged(net, recipe, images)
    assert isinstance(found, Measured)
    raw, x = scaled(images)
    seen = damaged_by(net, x)
    assert torch.equal(seen, damaged_by(net, x))
    pixels = unscaled(images, seen)
    hit = ~np.isclose(pixels, raw, atol=0.01)
    assert hit.mean() == pytest.approx(0.3, abs=0.02)
    assert np.isclose(pixels[hit], 0, atol=0.01).mean() == pytest.approx(0.5, abs=0.03)
    mended = found.measures[0]
    assert mended.name == "PSNR of mended examples"
    assert mended.baseline == pytest.approx(decibels(pixels, raw, 255.0), rel=1e-5)
    assert mended.value == pytest.approx(decibels(unscaled(images, net.eval()(seen)), raw, 255.0), rel=1e-5)


def test_vectors_are_measured_by_their_own_span(vectors: Dataset) -> None:
    net, recipe = fresh(AutoencoderSpec(code=2, hidden=()), vectors, "reconstruction")
    raw, x = scaled(vectors)
    found = judged(net, recipe, vectors)
    assert isinstance(found, Measured)
    expected = decibels(unscaled(vectors, net(x)), raw, raw.max() - raw.min())
    assert found.value("PSNR") == pytest.approx(expected, rel=1e-5)


def test_more_examples_than_a_baseline_needs_are_all_measured(
    vectors: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The baseline's limit on training examples cuts no split that is measured."""
    monkeypatch.setattr(appraising, "_MOST_TRAINING", 20)
    monkeypatch.setattr(density, "STEPS", 20)
    net, recipe = fresh(AutoencoderSpec(code=2, hidden=()), vectors, "reconstruction")
    raw, x = scaled(vectors, "train")
    found = judged(net, recipe, vectors, "train")
    assert isinstance(found, Measured)
    assert found.examples == 90
    expected = decibels(unscaled(vectors, net(x)), raw, raw.max() - raw.min())
    assert found.value("PSNR") == pytest.approx(expected, rel=1e-5)
    peer = PCA(2, svd_solver="full").fit(x.double().numpy())
    linear = unscaled(vectors, torch.from_numpy(peer.inverse_transform(peer.transform(x.double().numpy()))))
    of_all = decibels(linear, raw, raw.max() - raw.min())
    assert found.measures[0].baseline < of_all - 0.01  # components of 20 examples alone do less for the 90
    monkeypatch.setattr(appraising, "_MOST_TRAINING", 90)
    whole = judged(net, recipe, vectors, "train")
    assert isinstance(whole, Measured)
    assert whole.measures[0].baseline == pytest.approx(of_all, rel=1e-5)

    machine, recipe = fresh(RBMSpec(hidden=3), vectors)
    measured = judged(machine, recipe, vectors, "train")
    assert isinstance(measured, Measured)
    units, (w, b, c) = raw / 255, (p.detach().double().numpy() for p in machine.weights)
    down = 1 / (1 + np.exp(-(1 / (1 + np.exp(-(units @ w.T + c)))) @ w - b))
    assert measured.value("reconstruction error") == pytest.approx(((down - units) ** 2).mean(), rel=1e-4)


def test_a_boltzmann_machine_sees_values_from_0_to_1(vectors: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(density, "STEPS", 20)
    net, recipe = fresh(RBMSpec(hidden=3), vectors)
    found = judged(net, recipe, vectors)
    assert isinstance(found, Measured)
    assert (found.task, found.objective, found.examples) == ("density", None, 30)
    test, train = scaled(vectors)[0] / 255, scaled(vectors, "train")[0] / 255
    assert found.measures[1].baseline == pytest.approx(((train.mean(0) - test) ** 2).mean(), rel=1e-4)
    test, train = (test > 0.5).astype(float), (train > 0.5).astype(float)
    rates = (train.sum(0) + 1) / 92
    expected = (test * np.log(rates) + (1 - test) * np.log1p(-rates)).sum(1).mean()
    assert found.measures[0].baseline == pytest.approx(expected, rel=1e-5)


def test_a_memory_is_measured_on_what_it_stored(images: Dataset) -> None:
    net, recipe = fresh(HopfieldSpec(patterns=3, flip=0.2), images)
    net.store(scaled(images, "train")[1])
    found = judged(net, recipe, images)
    assert isinstance(found, Measured)
    assert (found.task, found.examples) == ("recall", 3)
    right = next(m for m in found.measures if m.name == "right units")
    assert right.baseline == pytest.approx(1 - round(0.2 * 784) / 784)


def test_points_of_a_generator_by_the_mixture_they_should_come_from() -> None:
    data = load_ring()
    net, recipe = fresh(GANSpec(noise=2, hidden=(8,)), data)
    found = judged(net, recipe, data)
    assert isinstance(found, Measured)
    points = unscaled(data, sample(net, 2000, 0))
    angles = 2 * np.pi * np.arange(8) / 8
    centres = 2 * np.column_stack([np.cos(angles), np.sin(angles)])
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).min(1)
    assert found.value("good points") == pytest.approx((nearest <= 0.06).mean(), abs=1e-3)
    # whatever they are called, other points have no known density
    assert judged(net, recipe, replace(data, name="mine")).measures == ()


def test_pictures_of_a_generator_by_a_judge_with_its_own_scaling(vectors: Dataset) -> None:
    net, recipe = fresh(GANSpec(noise=2, hidden=(8,)), vectors)
    assert judged(net, recipe, vectors).measures == ()
    torch.manual_seed(0)
    eye = nn.Sequential(nn.Linear(12, 4), nn.Tanh(), nn.Linear(4, 3))
    other = make_toy((12,), 3, (40, 0, 0), seed=9).scaling
    source = Source("lenet", eye, (12,), vectors.classes, other)
    found = judged(net, recipe, vectors, judge=source)
    assert isinstance(found, Measured)
    made = unscaled(vectors, sample(net, 90, 0))
    seen = torch.from_numpy((made - np.array(other.mean)) / np.array(other.std)).float()
    expected = eye(seen).softmax(1).max(1).values.mean().item()
    assert found.value("confidence") == pytest.approx(expected, rel=1e-4)
    assert found.measures[0].meaning.startswith("between 90 generated and 30 real examples")


@pytest.mark.parametrize(
    ("spec", "objective"),
    [
        (LinearSpec(), "cross-entropy"),
        (AutoencoderSpec(), "reconstruction"),
        (RBMSpec(), "own"),
        (GANSpec(), "own"),
        (HopfieldSpec(), "own"),
    ],
)
def test_an_empty_split_is_refused(spec: NetSpec, objective: str) -> None:
    data = make_toy((12,), 3, (30, 0, 0))
    net, recipe = fresh(spec, data, objective)
    with pytest.raises(DataError, match="evaluation: expected at least one example, got an empty split; name another"):
        judged(net, recipe, data, "development")
