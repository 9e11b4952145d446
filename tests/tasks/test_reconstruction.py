import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score
from torch import nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.learning.loss import Loss
from neurarium.nets.generative.specs import AutoencoderSpec
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks import reconstruction, sample_of
from neurarium.tasks.model import Model
from neurarium.tasks.reconstruction import (
    Reconstruction,
    principal_components,
    reconstruction_metrics,
    through_components,
)
from neurarium.tasks.scores import Scores
from neurarium.tasks.task import count_tensor


def task(shape: tuple[int, ...] = (4,)) -> Reconstruction:
    return Reconstruction(Field(shape))


def given(x: np.ndarray) -> Batch:
    return Batch((torch.from_numpy(x),), (), len(x))


# the loss


def test_loss_and_error_by_numpy() -> None:
    random = np.random.default_rng(0)
    made, seen = random.normal(size=(5, 2, 3, 4)), random.normal(size=(5, 2, 3, 4))
    expected = np.mean([np.sum((a - b) ** 2) / 24 for a, b in zip(made, seen, strict=True)])
    batch, outputs = given(seen), torch.from_numpy(made)
    counts = task((2, 3, 4)).counts(batch)
    assert counts.tolist() == [120.0, 5.0]
    assert task().loss(outputs, batch, counts).item() == pytest.approx(expected, rel=1e-12)
    assert task().errors(outputs, batch).item() == pytest.approx(5 * expected, rel=1e-12)
    parts = [
        task().errors(torch.from_numpy(made[part]), given(seen[part])).item() for part in (slice(0, 4), slice(4, 5))
    ]
    assert sum(parts) == pytest.approx(5 * expected, rel=1e-12)


def test_the_mean_is_off_by_one_variance() -> None:
    x = np.random.default_rng(0).normal(size=(1000, 7))
    x = (x - x.mean(0)) / x.std(0)
    batch = given(x)
    assert task().loss(torch.zeros_like(batch.x), batch, task().counts(batch)).item() == pytest.approx(1.0)


def test_bad_input() -> None:
    batch = given(np.zeros((3, 4)))
    message = r"outputs of the net: expected reconstructions of the inputs \(3, 4\), got \(3, 10\); choose an auto-enc"
    for call in (
        lambda outputs: task().check(outputs, batch),
        lambda outputs: task().loss(outputs, batch, count_tensor(batch.x, 1.0, 1.0)),
        lambda outputs: task().errors(outputs, batch),
    ):
        with pytest.raises(ShapeError, match=message):
            call(torch.zeros(3, 10))


@pytest.mark.parametrize(
    ("loss", "leaf"),
    [
        (Loss("hinge"), "loss.name: expected auto"),
        (Loss("squared-error"), "loss.name: expected auto"),
        (Loss(smoothing=0.1), "loss.smoothing: expected none"),
        (Loss(balanced=True), "loss.balanced: expected none"),
        (Loss(class_weights=(1.0, 2.0)), "loss.class_weights: expected none"),
        (Loss("distillation", temperature=2.0), "loss.name: expected auto"),
    ],
)
def test_an_loss_that_would_be_ignored_is_refused(loss: Loss, leaf: str) -> None:
    schema = Schema({"x": Field((4,))})
    with pytest.raises(ConfigError, match=rf"{leaf}, its default, as the task reconstruction has a loss of its own"):
        Reconstruction.build(NetSpec(), loss, schema, {})
    for welcome in (Loss(), Loss("custom")):
        Reconstruction.build(NetSpec(), welcome, schema, {})


def test_no_predictions() -> None:
    with pytest.raises(ConfigError, match=r"got a net for reconstruction; call its net: run\.net\(\*batch\.inputs\)"):
        task().predict(Model(nn.Identity(), torch.device("cpu")), given(np.zeros((3, 4))))


# what is measured


@pytest.fixture
def x() -> np.ndarray:
    random = np.random.default_rng(0)
    return random.normal(size=(60, 4)) @ random.normal(size=(4, 9)) + 0.1 * random.normal(size=(60, 9)) + 5.0


@pytest.mark.parametrize("count", [1, 3, 9])
def test_components_are_scikit_learns(x: np.ndarray, count: int) -> None:
    peer = PCA(count, svd_solver="full").fit(x)
    mean, axes = principal_components(torch.from_numpy(x).float(), count)
    np.testing.assert_allclose(mean, peer.mean_, rtol=1e-6)
    np.testing.assert_allclose(np.abs((axes.T.numpy() * peer.components_).sum(1)), 1.0, rtol=1e-5)
    new = np.random.default_rng(1).normal(5.0, 2.0, (7, 9))
    expected = peer.inverse_transform(peer.transform(new))
    np.testing.assert_allclose(through_components(torch.from_numpy(new), mean, axes), expected, rtol=1e-4)


def test_more_components_than_numbers_give_everything_back(x: np.ndarray) -> None:
    mean, axes = principal_components(torch.from_numpy(x), 40)
    assert axes.shape == (9, 9)
    np.testing.assert_allclose(through_components(torch.from_numpy(x), mean, axes), x, rtol=1e-12)


def decibels(a: np.ndarray, b: np.ndarray, peak: float) -> float:
    return 20 * math.log10(peak / np.sqrt(((a - b) ** 2).mean()))


def test_metrics_by_numpy(x: np.ndarray) -> None:
    random = np.random.default_rng(2)
    made, linear, seen, denoised = (x + random.normal(0, s, x.shape) for s in (0.3, 0.5, 2.0, 0.9))
    tensors = [torch.from_numpy(part) for part in (made, x, linear, seen, denoised)]
    found = reconstruction_metrics(tensors[0], tensors[1], 20.0, 3, tensors[2], (tensors[3], tensors[4]))
    assert [m.name for m in found] == ["PSNR of denoised examples", "PSNR", "variance explained"]
    assert found[0].value == pytest.approx(decibels(denoised, x, 20.0))
    assert found[0].baseline == pytest.approx(decibels(seen, x, 20.0))
    assert found[1].value == pytest.approx(decibels(made, x, 20.0))
    assert found[1].baseline == pytest.approx(decibels(linear, x, 20.0))
    assert "the first 3 principal components" in found[1].against
    weighted = r2_score(x, made, multioutput="variance_weighted")
    assert found[2].value == pytest.approx(weighted, rel=1e-12)


def test_nothing_to_compare_with(x: np.ndarray) -> None:
    original = torch.from_numpy(x)
    first, second = reconstruction_metrics(original, original, 1.0, 2)
    assert (first.name, first.value, first.baseline, first.against) == ("PSNR", math.inf, None, "")
    assert second.value == 1.0


# whole scores, in the units of the source


def scaled(data: Dataset, split: str = "test") -> tuple[np.ndarray, torch.Tensor]:
    """Raw examples, flat, and the same standardized by NumPy."""
    field = data.schema.input
    raw = torch.cat(list(getattr(data, split).pieces(next(iter(data.schema.inputs))))).double().numpy()
    mean, std = (np.array(numbers).reshape(-1, *[1] * (raw.ndim - 2)) for numbers in (field.mean, field.std))
    return raw.reshape(len(raw), -1), torch.from_numpy((raw - mean) / std).float()


def unscaled(data: Dataset, x: torch.Tensor) -> np.ndarray:
    field = data.schema.input
    mean, std = (np.array(numbers).reshape(-1, *[1] * (x.ndim - 2)) for numbers in (field.mean, field.std))
    return (x.detach().double().numpy() * std + mean).reshape(len(x), -1)


def score(spec: AutoencoderSpec | nn.Module, data: Dataset, split: str = "test") -> tuple[nn.Module, Scores]:
    torch.manual_seed(3)
    net = spec if isinstance(spec, nn.Module) else spec.build(data.schema)
    asked = Reconstruction.build(NetSpec(), Loss(), data.schema, {})
    return net.eval(), asked.score(Model(net, torch.device("cpu")), data, split)


def test_an_autoencoder_by_numpy_and_scikit_learn(images: Dataset) -> None:
    net, found = score(AutoencoderSpec(latent_dim=4, hidden=(16,)), images)
    raw, x = scaled(images)
    made = net(x).detach()
    assert [m.name for m in found.metrics] == ["PSNR", "variance explained"]
    assert (found.task, found.examples) == ("reconstruction", 50)
    assert found.value("PSNR") == pytest.approx(decibels(unscaled(images, made), raw, 255.0), rel=1e-5)
    assert found.loss == pytest.approx(float((made - x).square().mean()), rel=1e-5)
    train, _ = scaled(images, "train")
    peer = PCA(4, svd_solver="full").fit(train)
    linear = peer.inverse_transform(peer.transform(raw))
    assert found.metrics[0].baseline == pytest.approx(decibels(linear, raw, 255.0), rel=1e-5)


def test_a_denoising_autoencoder_mends_the_same_damage_every_time(images: Dataset) -> None:
    net, found = score(AutoencoderSpec(latent_dim=4, hidden=(), corruption="salt-and-pepper", amount=0.3), images)
    raw, x = scaled(images)
    seen = net.damaged(x, reconstruction.SEED)  # type: ignore[operator]
    pixels = unscaled(images, seen)
    hit = ~np.isclose(pixels, raw, atol=0.01)
    assert hit.mean() == pytest.approx(0.3, abs=0.02)
    assert np.isclose(pixels[hit], 0, atol=0.01).mean() == pytest.approx(0.5, abs=0.03)
    denoised = found.metrics[0]
    assert denoised.name == "PSNR of denoised examples"
    assert denoised.baseline == pytest.approx(decibels(pixels, raw, 255.0), rel=1e-5)
    assert denoised.value == pytest.approx(decibels(unscaled(images, net(seen)), raw, 255.0), rel=1e-5)
    # the reconstructions themselves are of undamaged examples
    assert found.value("PSNR") == pytest.approx(decibels(unscaled(images, net(x)), raw, 255.0), rel=1e-5)


def test_vectors_are_measured_by_their_own_range(vectors: Dataset) -> None:
    net, found = score(AutoencoderSpec(latent_dim=2, hidden=()), vectors)
    raw, x = scaled(vectors)
    expected = decibels(unscaled(vectors, net(x)), raw, raw.max() - raw.min())
    assert found.value("PSNR") == pytest.approx(expected, rel=1e-5)


def test_of_a_net_that_does_not_say_its_code_there_is_no_baseline(vectors: Dataset) -> None:
    net, found = score(nn.Sequential(nn.Linear(12, 2), nn.Linear(2, 12)), vectors)
    raw, x = scaled(vectors)
    expected = decibels(unscaled(vectors, net(x)), raw, raw.max() - raw.min())
    assert found.metrics[0].value == pytest.approx(expected, rel=1e-5)
    assert found.metrics[0].baseline is None
    assert "numbers" not in found.metrics[0].meaning


def test_more_examples_than_a_baseline_needs_are_all_measured(
    vectors: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The baseline's limit on training examples cuts no split that is measured."""
    monkeypatch.setattr(sample_of, "_MOST", 20)
    net, found = score(AutoencoderSpec(latent_dim=2, hidden=()), vectors, "train")
    raw, x = scaled(vectors, "train")
    assert found.examples == 90
    expected = decibels(unscaled(vectors, net(x)), raw, raw.max() - raw.min())
    assert found.value("PSNR") == pytest.approx(expected, rel=1e-5)
    peer = PCA(2, svd_solver="full").fit(x.double().numpy())
    linear = unscaled(vectors, torch.from_numpy(peer.inverse_transform(peer.transform(x.double().numpy()))))
    of_all = decibels(linear, raw, raw.max() - raw.min())
    assert found.metrics[0].baseline is not None
    assert found.metrics[0].baseline < of_all - 0.01  # components of 20 examples alone do less for the 90
    monkeypatch.setattr(sample_of, "_MOST", 90)
    _, whole = score(AutoencoderSpec(latent_dim=2, hidden=()), vectors, "train")
    assert whole.metrics[0].baseline == pytest.approx(of_all, rel=1e-5)


def test_large_examples_have_no_baseline(vectors: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconstruction, "MOST_NUMBERS", 11)
    _, found = score(AutoencoderSpec(latent_dim=2, hidden=()), vectors)
    assert found.metrics[0].baseline is None
    assert "from 2 numbers" in found.metrics[0].meaning


def test_images_without_a_known_range_are_measured_by_their_own(images: Dataset) -> None:
    unknown = replace(images.schema.input, value_range=None)
    data = images.with_schema(images.schema.with_fields(**{next(iter(images.schema.inputs)): unknown}))
    net, found = score(AutoencoderSpec(latent_dim=2, hidden=()), data)
    raw, x = scaled(data)
    expected = decibels(unscaled(data, net(x)), raw, raw.max() - raw.min())
    assert found.value("PSNR") == pytest.approx(expected, rel=1e-5)
