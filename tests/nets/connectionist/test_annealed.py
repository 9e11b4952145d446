import math
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.connectionist.annealed import base_rates, estimate_log_partition, schedule
from neurarium.nets.connectionist.rbm import RBMWeights, Visible
from neurarium.nets.connectionist.rbm_likelihood import log_partition


def machine(hidden: int, visible: int, scale: float, seed: int = 0) -> RBMWeights:
    g = torch.Generator().manual_seed(seed)
    sizes = ((hidden, visible), (visible,), (hidden,))
    return RBMWeights(*(scale * torch.randn(size, generator=g) for size in sizes))


@pytest.mark.parametrize("visible", get_args(Visible))
@pytest.mark.parametrize("hidden", [10, 16])
def test_estimate_encloses_the_exact_value(hidden: int, visible: Visible) -> None:
    w = machine(hidden, 25, 0.4 if visible == "bernoulli" else 0.15)
    exact = log_partition(w, visible)
    base = torch.linspace(-0.5, 0.5, 25)
    found = estimate_log_partition(
        w, visible, base=base, chains=100, steps=1000, generator=torch.Generator().manual_seed(1)
    )
    assert found.low <= exact <= found.high
    assert found.value == pytest.approx(exact, abs=0.2)
    assert found.high - found.low < 1.0
    assert 10 < found.effective_chains <= 100


@pytest.mark.parametrize("visible", get_args(Visible))
def test_mean_of_the_weights_has_no_bias_even_in_one_step(visible: Visible) -> None:
    w = machine(4, 5, 0.2)
    found = estimate_log_partition(w, visible, chains=50_000, steps=1, generator=torch.Generator().manual_seed(0))
    assert found.value == pytest.approx(log_partition(w, visible), abs=0.03)


def test_no_couplings_no_error() -> None:
    w = RBMWeights(torch.zeros(3, 4), torch.tensor([1.0, -2.0, 0.5, 0.0]), torch.zeros(3))
    found = estimate_log_partition(w, base=w.visible_bias, chains=5, steps=10)
    expected = 3 * math.log(2) + np.log1p(np.exp([1.0, -2.0, 0.5, 0.0])).sum()
    assert [found.low, found.value, found.high] == pytest.approx([expected] * 3, rel=1e-6)
    assert found.effective_chains == pytest.approx(5)


def test_interval_is_three_standard_errors_of_the_mean_weight() -> None:
    w = machine(6, 8, 0.6)
    found = estimate_log_partition(w, chains=400, steps=100, generator=torch.Generator().manual_seed(2))
    weights = np.exp(found.log_weights.numpy())
    mean, error = weights.mean(), weights.std(ddof=1) / 20
    assert found.value == pytest.approx(np.log(mean))
    assert found.low == pytest.approx(np.log(mean - 3 * error))
    assert found.high == pytest.approx(np.log(mean + 3 * error))
    assert found.effective_chains == pytest.approx(weights.sum() ** 2 / (weights**2).sum())


@pytest.mark.parametrize("steps", [1, 2, 7, 29, 14_500])
def test_schedule_rises_from_nought_to_one(steps: int) -> None:
    betas = schedule(steps)
    assert len(betas) == steps + 1
    assert (betas[0], betas[-1]) == (0.0, 1.0)
    assert all(a < b for a, b in pairwise(betas))
    if steps == 14_500:  # the paper's: 500 to 0.5, 4,000 to 0.9, 10,000 to 1
        assert [betas[500], betas[4500]] == pytest.approx([0.5, 0.9])


def test_base_rates_are_log_odds_of_the_data() -> None:
    v = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(base_rates(v), [math.log(3 / 2), math.log(1 / 4)], rtol=1e-6)
    np.testing.assert_allclose(base_rates(v, "gaussian"), [2 / 3, 0], rtol=1e-6)


def test_mistakes_are_named() -> None:
    w = machine(2, 3, 1.0)
    with pytest.raises(ConfigError, match="1 chains, 5 steps"):
        estimate_log_partition(w, chains=1, steps=5)
    with pytest.raises(ShapeError, match=r"base: expected \(3,\), got \(2,\)"):
        estimate_log_partition(w, base=torch.zeros(2))
