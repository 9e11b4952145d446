import itertools
import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from neurarium.checks import ConfigError
from neurarium.nets.connectionist.rbm import RBM
from neurarium.nets.connectionist.rbm_density import density_of, independent_log_likelihood, normal_log_likelihood


def machine(visible: str, scale: float = 0.8) -> RBM:
    net = RBM(6, 4, visible)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    return net


def parameters(net: RBM) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    w, b, c = (p.detach().double().numpy() for p in net.weights)
    return w, b, c


def states(units: int) -> np.ndarray:
    return np.array(list(itertools.product([0.0, 1.0], repeat=units)))


def test_independent_units_by_scipy() -> None:
    v = states(3)[[0, 3, 5, 7]]
    odds = np.array([-1.0, 0.3, 2.0])
    expected = stats.bernoulli.logpmf(v.astype(int), special.expit(odds)).sum(1).mean()
    got = independent_log_likelihood(torch.from_numpy(v), torch.from_numpy(odds))
    assert got == pytest.approx(expected, rel=1e-12)
    random = np.random.default_rng(2)
    x, mean = random.normal(size=(7, 3)), random.normal(size=3)
    by_scipy = stats.norm.logpdf(x, mean).sum(1).mean()
    assert normal_log_likelihood(torch.from_numpy(x), torch.from_numpy(mean)) == pytest.approx(by_scipy, rel=1e-12)


@pytest.mark.more
def test_bernoulli_machine_against_counting_every_state() -> None:
    net = machine("bernoulli")
    w, b, c = parameters(net)
    h = states(4)

    def log_weights(v: np.ndarray) -> np.ndarray:
        """log sum_h exp(-E(v, h)), all hidden states counted."""
        return special.logsumexp(v @ b[:, None] + h @ c + v @ w.T @ h.T, axis=1)

    log_z = special.logsumexp(log_weights(states(6)))
    random = np.random.default_rng(0)
    v, train = (random.integers(0, 2, (count, 6)).astype(np.float64) for count in (9, 30))
    found = net.density(torch.from_numpy(v).float(), torch.from_numpy(train).float())
    assert found.log_likelihood == pytest.approx(log_weights(v).mean() - log_z, abs=0.02)
    assert found.low < log_z < found.high
    assert found.chains == 100
    assert 50 < found.effective_chains <= 100
    frequencies = (train.sum(0) + 1) / 32
    expected = stats.bernoulli.logpmf(v.astype(int), frequencies).sum(1).mean()
    assert found.independent_log_likelihood == pytest.approx(expected, rel=1e-5)
    down = special.expit(special.expit(v @ w.T + c) @ w + b)
    assert found.reconstruction_error == pytest.approx(((down - v) ** 2).mean(), rel=1e-5)
    assert found.error_of_mean == pytest.approx(((train.mean(0) - v) ** 2).mean(), rel=1e-5)


def test_gray_values_are_made_binary_for_the_likelihood_alone() -> None:
    net = machine("bernoulli")
    gray = torch.rand(9, 6, generator=torch.Generator().manual_seed(1))
    sharp = (gray > 0.5).float()
    one, other = (density_of(net.weights, v, sharp, steps=20) for v in (gray, sharp))
    assert one.log_likelihood == other.log_likelihood
    assert one.reconstruction_error != other.reconstruction_error


@pytest.mark.more
def test_inputs_are_measured_as_the_units_take_them() -> None:
    net = RBM(6, 4, factor=torch.full((6,), 0.5), shift=torch.full((6,), 0.25))
    v, train = (torch.from_numpy(states(6)[start::7]).float() for start in (0, 3))
    assert net.density((v - 0.25) / 0.5, (train - 0.25) / 0.5) == density_of(net.weights, v, train)


def test_the_same_every_time_and_the_generator_stands_still() -> None:
    net, v = machine("bernoulli"), torch.from_numpy(states(6)[::7]).float()
    before = torch.get_rng_state()
    first, again, other = (density_of(net.weights, v, v, steps=50, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert torch.equal(torch.get_rng_state(), before)


def test_gaussian_machine_is_a_mixture_of_normals() -> None:
    net = machine("gaussian", 0.4)
    w, b, c = parameters(net)
    h = states(4)
    means = b + h @ w
    # summing h out leaves normals of variance 1 about b + h W, their weights exp(c.h + (|b + h W|^2 - |b|^2) / 2)
    weights = special.log_softmax(h @ c + ((means**2).sum(1) - (b**2).sum()) / 2)
    random = np.random.default_rng(1)
    v, train = random.normal(size=(8, 6)), random.normal(0.3, 1.0, (20, 6))
    each = np.array([[stats.norm.logpdf(x, m).sum() for m in means] for x in v])
    expected = special.logsumexp(each + weights, axis=1).mean()
    found = net.density(torch.from_numpy(v).float(), torch.from_numpy(train).float())
    assert found.log_likelihood == pytest.approx(expected, abs=0.02)
    by_scipy = stats.norm.logpdf(v, train.mean(0)).sum(1).mean()
    assert found.independent_log_likelihood == pytest.approx(by_scipy, rel=1e-5)
    down = special.expit(v @ w.T + c) @ w + b
    assert found.reconstruction_error == pytest.approx(((down - v) ** 2).mean(), rel=1e-5)


def test_a_machine_without_couplings_is_its_own_baseline() -> None:
    net = RBM(5, 3)
    train = torch.from_numpy(states(5)[3::4]).float()
    with torch.no_grad():
        net.weight.zero_()
        net.visible_bias.copy_(torch.logit((train.sum(0) + 1) / (len(train) + 2)))
    found = density_of(net.weights, train, train, steps=5)  # there is no way to go: every step is exact
    assert found.log_likelihood == pytest.approx(found.independent_log_likelihood, abs=1e-4)
    assert math.isfinite(found.log_likelihood)


def test_too_few_chains() -> None:
    with pytest.raises(ConfigError, match="at least 2 chains"):
        density_of(RBM(5, 3).weights, torch.zeros(2, 5), torch.zeros(2, 5), chains=1)
