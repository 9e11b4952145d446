import math

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.stats

from neurarium.checks import ConfigError
from neurarium.nets.connectionist.hopfield_theory import (
    critical_load,
    dense_capacity,
    flip_probability,
    hebbian_capacity,
    mean_field_overlap,
    storkey_capacity,
)


def residuals(unknown, load):
    """The three equations of Amit, Gutfreund and Sompolinsky at T = 0, in m, r and C."""
    m, r, c = unknown
    spread = 2 * load * r
    return (
        m - math.erf(m / math.sqrt(spread)),
        r - 1 / (1 - c) ** 2,
        c - math.sqrt(4 / (math.pi * spread)) * math.exp(-m * m / spread),
    )


@pytest.mark.parametrize("load", [0.01, 0.05, 0.1, 0.13, 0.137])
def test_overlap_solves_the_three_equations(load: float) -> None:
    found = scipy.optimize.root(residuals, (1.0, 1.2, 0.1), args=(load,), tol=1e-12)
    assert found.success
    assert found.x[0] > 0.9
    assert mean_field_overlap(load) == pytest.approx(found.x[0], abs=1e-9)


def test_critical_load_is_where_the_retrieval_state_ends() -> None:
    # There the equations' Jacobian is singular: four equations for m, r, C and the load.
    def at_the_end(unknown):
        state, load = np.array(unknown[:3]), unknown[3]
        steps = [np.array(residuals(state + d, load)) - residuals(state - d, load) for d in 1e-5 * np.eye(3)]
        jacobian = np.stack(steps) / 2e-5
        return (*residuals(state, load), np.linalg.det(jacobian))

    m, _, _, load = scipy.optimize.fsolve(at_the_end, (0.96, 1.6, 0.2, 0.135))
    assert load == pytest.approx(0.1379, abs=5e-5)
    assert critical_load() == pytest.approx(load, abs=1e-6)
    assert m == pytest.approx(0.967, abs=5e-4)
    assert mean_field_overlap(critical_load()) == pytest.approx(m, abs=1e-3)


def test_above_the_critical_load_nothing_is_retrieved() -> None:
    assert mean_field_overlap(0.138) == 0
    assert mean_field_overlap(0.1379) > 0.96


@pytest.mark.parametrize(("patterns", "neurons"), [(50, 1000), (138, 1000), (400, 1000)])
def test_single_unit_errors_are_the_normal_tail(patterns: int, neurons: int) -> None:
    fraction = neurons / patterns
    expected = scipy.stats.norm.cdf(-math.sqrt(fraction))
    integral, _ = scipy.integrate.quad(
        lambda z: math.sqrt(fraction / (2 * math.pi)) * math.exp(-fraction * z * z / 2), 1, np.inf
    )
    assert flip_probability(patterns / neurons) == pytest.approx(expected, rel=1e-10)
    assert flip_probability(patterns / neurons) == pytest.approx(integral, rel=1e-7)


def test_single_unit_errors_are_met_in_random_patterns() -> None:
    x = np.random.default_rng(0).choice([-1.0, 1.0], (150, 500))
    own = x * (x @ x.T @ x / 500 - 150 / 500 * x)
    wrong = int((own < 0).sum())
    # 75,000 units, about 370 wrong; five standard deviations, and the ties (own == 0) left out of both counts
    assert wrong / x.size == pytest.approx(
        flip_probability(0.3), abs=5 * math.sqrt(flip_probability(0.3) / x.size) + 2e-3
    )


def test_capacities() -> None:
    assert hebbian_capacity(1000) == pytest.approx(1000 / 2 / 6.907755279)
    assert hebbian_capacity(1000, all_patterns=True) == pytest.approx(36.19, abs=5e-3)
    assert storkey_capacity(1000) == pytest.approx(269.04, abs=5e-3)
    assert dense_capacity(1000, 2) == pytest.approx(hebbian_capacity(1000))
    # (2 * 4 - 3)!! = 15
    assert dense_capacity(1000, 4) == pytest.approx(1e9 / (2 * 15 * math.log(1000)))


def test_loads_are_positive() -> None:
    for function in (flip_probability, mean_field_overlap):
        with pytest.raises(ConfigError, match="above 0"):
            function(0.0)
