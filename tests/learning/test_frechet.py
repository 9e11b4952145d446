import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.stats import entropy

from neurarium.checks import ConfigError, DataError
from neurarium.learning.frechet import Gaussian, class_coverage, frechet_distance, gaussian_of


def features(seed: int, count: int = 200, width: int = 6) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(count, width)) @ random.normal(size=(width, width)) + random.normal(size=width)


def by_sqrtm(one: np.ndarray, other: np.ndarray) -> float:
    a, b = np.cov(one.T), np.cov(other.T)
    root = sqrtm(a @ b).real
    return float(np.square(one.mean(0) - other.mean(0)).sum() + np.trace(a + b - 2 * root))


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return frechet_distance(gaussian_of(torch.from_numpy(one)), gaussian_of(torch.from_numpy(other)))


@pytest.mark.parametrize("seed", range(5))
def test_distance_against_scipy(seed: int) -> None:
    one, other = features(seed), features(100 + seed, count=300)
    assert distance(one, other) == pytest.approx(by_sqrtm(one, other), rel=1e-9)
    assert distance(other, one) == pytest.approx(distance(one, other), rel=1e-9)


def test_a_shift_and_a_stretch_by_hand() -> None:
    one = features(0)
    shift = np.arange(6.0)
    assert distance(one, one + shift) == pytest.approx(np.square(shift).sum())
    # C -> s^2 C about the mean: tr C (s - 1)^2
    assert distance(one, one.mean(0) + 3 * (one - one.mean(0))) == pytest.approx(4 * np.trace(np.cov(one.T)))
    assert distance(one, one) == pytest.approx(0, abs=1e-9)


def test_singular_covariances() -> None:
    # three examples of six features, against none at all: d^2 = |m|^2 + tr C
    few = features(3, count=3)
    still = Gaussian(torch.zeros(6, dtype=torch.float64), torch.zeros(6, 6, dtype=torch.float64))
    expected = np.square(few.mean(0)).sum() + np.trace(np.cov(few.T))
    assert frechet_distance(gaussian_of(torch.from_numpy(few)), still) == pytest.approx(expected)


def test_one_feature() -> None:
    one, other = features(1, width=1), features(2, width=1)
    expected = (one.mean() - other.mean()) ** 2 + (one.std(ddof=1) - other.std(ddof=1)) ** 2
    assert distance(one, other) == pytest.approx(expected)


def test_coverage_by_counting() -> None:
    answers = [0] * 60 + [1] * 39 + [2] * 1  # of 4 classes: at least 0.1 / 4 = 2.5 of 100 needed
    logits = torch.nn.functional.one_hot(torch.tensor(answers), 4) * np.log(7)
    found = class_coverage(logits.float())
    assert found.fractions == (0.60, 0.39, 0.01, 0.0)
    assert found.covered == 0.5
    assert found.effective == pytest.approx(np.exp(entropy([0.60, 0.39, 0.01])))
    assert found.confidence == pytest.approx(7 / 10)
    assert class_coverage(logits.float(), least=0.04).covered == 0.75


def test_bad_input() -> None:
    with pytest.raises(DataError, match="two examples"):
        gaussian_of(torch.zeros(1, 3))
    with pytest.raises(DataError, match="finite"):
        gaussian_of(torch.full((3, 3), torch.nan))
    with pytest.raises(DataError, match="6 of each"):
        distance(features(0), features(0, width=5))
    with pytest.raises(DataError, match="at least one"):
        class_coverage(torch.zeros(0, 3))
    with pytest.raises(ConfigError, match="least"):
        class_coverage(torch.zeros(2, 3), least=0.0)
