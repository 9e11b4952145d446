import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score

from neurarium.training.scores.reconstruction import (
    principal_components,
    reconstruction_measures,
    through_components,
)


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


def test_measures_by_numpy(x: np.ndarray) -> None:
    random = np.random.default_rng(2)
    made, linear, seen, mended = (x + random.normal(0, s, x.shape) for s in (0.3, 0.5, 2.0, 0.9))
    tensors = [torch.from_numpy(part) for part in (made, x, linear, seen, mended)]
    found = reconstruction_measures(*tensors[:2], 20.0, 3, tensors[2], (tensors[3], tensors[4]))
    assert [m.name for m in found] == ["PSNR of mended examples", "PSNR", "variance explained"]
    assert found[0].value == pytest.approx(decibels(mended, x, 20.0))
    assert found[0].baseline == pytest.approx(decibels(seen, x, 20.0))
    assert found[1].value == pytest.approx(decibels(made, x, 20.0))
    assert found[1].baseline == pytest.approx(decibels(linear, x, 20.0))
    assert "the first 3 principal components" in found[1].against
    weighted = r2_score(x, made, multioutput="variance_weighted")
    assert found[2].value == pytest.approx(weighted, rel=1e-12)


def test_nothing_to_compare_with(x: np.ndarray) -> None:
    original = torch.from_numpy(x)
    first, second = reconstruction_measures(original, original, 1.0, 2)
    assert (first.name, first.value, first.baseline, first.against) == ("PSNR", math.inf, None, "")
    assert second.value == 1.0
