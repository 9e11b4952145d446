import numpy as np
import pytest
from scipy.stats import binomtest

from neurarium.tasks.interval import ratio_interval, wilson_interval


@pytest.mark.parametrize(("hits", "trials"), [(484, 500), (0, 7), (7, 7), (1, 1), (9137, 10_000), (3, 10)])
def test_interval_is_that_of_scipy(hits, trials):
    peer = binomtest(hits, trials).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson_interval(hits, trials) == pytest.approx((peer.low, peer.high), abs=1e-12)


def test_no_mistake_in_n_trials_leaves_z_squared_over_n_plus_z_squared():
    low, high = wilson_interval(100, 100, z=2.0)
    assert (low, high) == pytest.approx((100 / 104, 1.0))


def test_interval_of_a_ratio_covers_as_often_as_it_says() -> None:
    """Errors of an example come in clusters: an interval of single letters would be too narrow."""
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(1000):
        counts = generator.integers(3, 20, 80)
        errors = counts * (generator.random(80) < 0.2)
        low, high = ratio_interval(errors.tolist(), counts.tolist())
        hits += low <= 0.2 <= high
    assert 920 <= hits <= 970


def test_interval_of_a_ratio_by_hand() -> None:
    """r = 1/2, residuals 1/2 and -1/2: sqrt(2/1 * 1/2) / 4 = 1/4."""
    assert ratio_interval([1, 1], [1, 3], z=1.0) == pytest.approx((0.25, 0.75))
    assert ratio_interval([2], [4]) == (0.5, 0.5)
