import pytest
from scipy.stats import binomtest

from neurarium.tasks.interval import wilson_interval


@pytest.mark.parametrize(("hits", "trials"), [(484, 500), (0, 7), (7, 7), (1, 1), (9137, 10_000), (3, 10)])
def test_interval_is_that_of_scipy(hits, trials):
    peer = binomtest(hits, trials).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson_interval(hits, trials) == pytest.approx((peer.low, peer.high), abs=1e-12)


def test_no_mistake_in_n_trials_leaves_z_squared_over_n_plus_z_squared():
    low, high = wilson_interval(100, 100, z=2.0)
    assert (low, high) == pytest.approx((100 / 104, 1.0))
