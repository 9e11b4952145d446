import itertools
import math
from typing import get_args

import numpy as np
import pytest
import torch
from scipy.integrate import dblquad

from neurarium.checks import ConfigError
from neurarium.nets.connectionist.rbm import RBMWeights, Visible, free_energy_gradient, hidden_probabilities
from neurarium.nets.connectionist.rbm_likelihood import (
    log_likelihood,
    log_partition,
    model_gradient,
)


def machine(hidden: int, visible: int, scale: float = 1.0, seed: int = 0) -> RBMWeights:
    g = torch.Generator().manual_seed(seed)
    sizes = ((hidden, visible), (visible,), (hidden,))
    return RBMWeights(*(scale * torch.randn(size, generator=g, dtype=torch.float64) for size in sizes))


def states(units: int) -> np.ndarray:
    return np.array(list(itertools.product((0.0, 1.0), repeat=units)))


def weights_of_pairs(w: RBMWeights) -> np.ndarray:
    """exp(-E(v, h)) for all pairs of states, (v, h)."""
    W, b, c = (part.numpy() for part in w)
    v, h = states(len(b)), states(len(c))
    return np.exp((v @ b)[:, None] + h @ c + v @ W.T @ h.T)


@pytest.mark.parametrize(("hidden", "visible"), [(3, 5), (5, 3), (4, 4), (1, 1)])
def test_partition_sums_all_pairs_of_states(hidden: int, visible: int) -> None:
    w = machine(hidden, visible)
    assert log_partition(w) == pytest.approx(math.log(weights_of_pairs(w).sum()), rel=1e-12)


@pytest.mark.parametrize(("hidden", "visible"), [(14, 15), (16, 14)])
def test_layers_that_are_counted_out_in_parts(hidden: int, visible: int) -> None:
    w = machine(hidden, visible, scale=0.3)
    W, b, c = (part.numpy() for part in w)
    v = states(visible)
    expected = np.logaddexp.reduce(v @ b + np.logaddexp(0, v @ W.T + c).sum(1))
    assert log_partition(w) == pytest.approx(expected, rel=1e-12)


def test_probabilities_of_all_visible_states_sum_to_one() -> None:
    w = machine(3, 6)
    v = torch.tensor(states(6))
    expected = weights_of_pairs(w)
    found = log_likelihood(w, v, log_partition(w)).exp()
    np.testing.assert_allclose(found, expected.sum(1) / expected.sum(), rtol=1e-10)


def test_gaussian_partition_by_numerical_integration() -> None:
    w = machine(2, 2, scale=0.6)
    W, b, c = (part.numpy() for part in w)

    def weight(y: float, x: float) -> float:
        v = np.array([x, y])
        return sum(float(np.exp(-((v - b) ** 2).sum() / 2 + h @ c + h @ W @ v)) for h in states(2))

    integral = dblquad(weight, -9, 9, -9, 9, epsabs=1e-6, epsrel=1e-6)[0]
    assert log_partition(w, "gaussian") == pytest.approx(math.log(integral), rel=1e-5)


@pytest.mark.parametrize(("hidden", "visible"), [(2, 4), (4, 2)])
def test_expectations_of_the_model_by_enumeration(hidden: int, visible: int) -> None:
    w = machine(hidden, visible)
    p = weights_of_pairs(w)
    p /= p.sum()
    v, h = states(visible), states(hidden)
    found = model_gradient(w)
    np.testing.assert_allclose(found.weight, -(h.T @ p.T @ v), rtol=1e-10)
    np.testing.assert_allclose(found.visible_bias, -(p.sum(1) @ v), rtol=1e-10)
    np.testing.assert_allclose(found.hidden_bias, -(p.sum(0) @ h), rtol=1e-10)


@pytest.mark.parametrize("visible", get_args(Visible))
def test_gradient_of_the_likelihood_by_finite_differences(visible: Visible) -> None:
    w, step = machine(3, 4, scale=0.5), 1e-5
    data = torch.tensor(states(4))[[1, 6, 6, 11]]
    at_data = free_energy_gradient(data, hidden_probabilities(w, data))
    gradient = [a - b for a, b in zip(at_data, model_gradient(w, visible), strict=True)]

    def loss(moved: RBMWeights) -> float:
        return -float(log_likelihood(moved, data, log_partition(moved, visible), visible).mean())

    for part, exact in enumerate(gradient):
        for index in np.ndindex(*exact.shape):
            ends = []
            for sign in (1, -1):
                parts = [p.clone() for p in w]
                parts[part][index] += sign * step
                ends.append(loss(RBMWeights(*parts)))
            assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(float(exact[index]), abs=1e-8)


def test_too_many_units_are_refused_with_their_number_of_states() -> None:
    w = RBMWeights(torch.zeros(40, 50), torch.zeros(50), torch.zeros(40))
    with pytest.raises(ConfigError, match=r"at most 22 units.*40 units, 2\^40 = 1.1e\+12 states; estimate it"):
        log_partition(w)
    with pytest.raises(ConfigError, match="2 units"):
        model_gradient(machine(2, 3), largest=1)
    with pytest.raises(ConfigError, match=r"5 units, 2\^5 = 32 states"):
        log_partition(machine(5, 1), "gaussian", largest=4)
