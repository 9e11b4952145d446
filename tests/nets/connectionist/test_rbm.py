import itertools
from typing import get_args

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.integrate import quad
from sklearn.neural_network import BernoulliRBM

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.nets.connectionist.bernoulli import draw
from neurarium.nets.connectionist.rbm import (
    RBM,
    RBMWeights,
    Visible,
    check_unit_interval,
    contrastive_gradient,
    energy,
    free_energy,
    free_energy_gradient,
    gibbs,
    hidden_probabilities,
    sample_visible,
    visible_field,
    visible_mean,
)
from neurarium.nets.connectionist.rbm_likelihood import model_gradient


def machine(hidden: int, visible: int, scale: float = 1.0, seed: int = 0) -> RBMWeights:
    g = torch.Generator().manual_seed(seed)
    sizes = ((hidden, visible), (visible,), (hidden,))
    return RBMWeights(*(scale * torch.randn(size, generator=g, dtype=torch.float64) for size in sizes))


def states(units: int) -> np.ndarray:
    return np.array(list(itertools.product((0.0, 1.0), repeat=units)))


def joint(w: RBMWeights) -> np.ndarray:
    """P(v, h) of a Bernoulli machine, (states of v, states of h), from the definition alone."""
    W, b, c = (part.numpy() for part in w)
    weights = np.array([[np.exp(b @ v + c @ h + h @ W @ v) for h in states(len(c))] for v in states(len(b))])
    return weights / weights.sum()


def test_energy_is_the_sum_over_pairs() -> None:
    w = machine(3, 2)
    W, b, c = (part.numpy() for part in w)
    v, h = np.array([1.0, 0.0]), np.array([1.0, 0.0, 1.0])
    by_hand = -b[0] - c[0] - c[2] - W[0, 0] - W[2, 0]
    assert energy(w, torch.tensor(v[None]), torch.tensor(h[None])).item() == pytest.approx(by_hand)
    real = np.array([0.3, -1.2])
    by_hand = ((real - b) ** 2).sum() / 2 - c[0] - c[2] - (W[0] + W[2]) @ real
    assert energy(w, torch.tensor(real[None]), torch.tensor(h[None]), "gaussian").item() == pytest.approx(by_hand)


@pytest.mark.parametrize("visible", get_args(Visible))
def test_free_energy_sums_out_the_hidden_units(visible: Visible) -> None:
    w = machine(4, 3)
    v = torch.randn(5, 3, dtype=torch.float64).abs().clamp(max=1)
    total = sum((-energy(w, v, torch.tensor(h).expand(5, -1), visible)).exp() for h in states(4))
    assert isinstance(total, torch.Tensor)
    torch.testing.assert_close((-free_energy(w, v, visible)).exp(), total, rtol=1e-12, atol=0)


def test_free_energy_stays_finite_for_large_fields() -> None:
    w = RBMWeights(torch.full((2, 1), 1e4), torch.zeros(1), torch.zeros(2))
    torch.testing.assert_close(free_energy(w, torch.ones(1, 1)), torch.tensor([-2e4]))


def test_conditionals_are_those_of_the_joint_distribution() -> None:
    w = machine(3, 4)
    p, v, h = joint(w), states(4), states(3)
    given_v = (p @ h) / p.sum(1, keepdims=True)
    np.testing.assert_allclose(hidden_probabilities(w, torch.tensor(v)).numpy(), given_v, rtol=1e-12)
    given_h = (p.T @ v) / p.sum(0)[:, None]
    np.testing.assert_allclose(visible_mean(visible_field(w, torch.tensor(h))).numpy(), given_h, rtol=1e-12)


def test_gaussian_conditionals_by_numerical_integration() -> None:
    w = machine(2, 1)
    h = states(2)

    def weight(x: float, k: int) -> float:
        return float(
            (-energy(w, torch.tensor([[x]], dtype=torch.float64), torch.tensor(h[k : k + 1]), "gaussian")).exp()
        )

    for k in range(4):
        z, mean, square = (quad(lambda x, n=n, k=k: x**n * weight(x, k), -15, 15)[0] for n in (0, 1, 2))
        field = visible_field(w, torch.tensor(h[k : k + 1])).item()
        assert mean / z == pytest.approx(field, rel=1e-6)
        assert square / z - (mean / z) ** 2 == pytest.approx(1.0, rel=1e-6)
    x = 0.7
    weights = np.array([weight(x, k) for k in range(4)])
    found = hidden_probabilities(w, torch.tensor([[x]], dtype=torch.float64)).numpy()[0]
    np.testing.assert_allclose(found, weights @ h / weights.sum(), rtol=1e-10)


def test_gibbs_sampling_leaves_the_distribution_as_it_is() -> None:
    w, count = machine(2, 3), 40_000
    p = joint(w)
    g = torch.Generator().manual_seed(3)
    begin = torch.multinomial(torch.tensor(p.sum(0)), count, replacement=True, generator=g)
    v, _ = gibbs(w, visible_field(w, torch.tensor(states(2))[begin]), 3, generator=g)
    found = np.bincount((v.numpy() @ [4, 2, 1]).astype(int), minlength=8)
    assert stats.chisquare(found, count * p.sum(1)).pvalue > 1e-3


def test_gibbs_sampling_reaches_the_distribution_from_elsewhere() -> None:
    w, count = machine(2, 3, scale=0.7), 40_000
    g = torch.Generator().manual_seed(4)
    v, hidden = gibbs(w, visible_field(w, torch.ones(count, 2, dtype=torch.float64)), 30, generator=g)
    found = np.bincount((v.numpy() @ [4, 2, 1]).astype(int), minlength=8)
    assert stats.chisquare(found, count * joint(w).sum(1)).pvalue > 1e-3
    torch.testing.assert_close(hidden, hidden_probabilities(w, v))


def test_gaussian_chains_have_the_exact_moments() -> None:
    w, count = machine(2, 2, scale=0.5), 60_000
    W, b, c = (part.numpy() for part in w)
    h = states(2)
    log_p = h @ c + ((b + h @ W) ** 2).sum(1) / 2
    p = np.exp(log_p) / np.exp(log_p).sum()
    means = b + h @ W
    g = torch.Generator().manual_seed(5)
    v, _ = gibbs(w, visible_field(w, torch.zeros(count, 2, dtype=torch.float64)), 30, "gaussian", g)
    np.testing.assert_allclose(v.mean(0), p @ means, atol=0.03)
    second = sum(q * (np.outer(m, m) + np.eye(2)) for q, m in zip(p, means, strict=True))
    np.testing.assert_allclose((v.T @ v).numpy() / count, second, atol=0.05)


@pytest.mark.parametrize("visible", get_args(Visible))
def test_gibbs_sampling_begins_at_a_mean_that_is_known(visible: Visible) -> None:
    w = machine(3, 4)
    field = visible_field(w, torch.ones(5, 3, dtype=torch.float64))
    one, two = (
        gibbs(w, field, 2, visible, torch.Generator().manual_seed(7), mean)
        for mean in (None, visible_mean(field, visible))
    )
    assert all(a.equal(b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("visible", get_args(Visible))
def test_gradient_of_the_free_energy_is_that_of_autograd(visible: Visible) -> None:
    w = RBMWeights(*(part.requires_grad_() for part in machine(3, 5)))
    v = torch.rand(7, 5, dtype=torch.float64)
    expected = torch.autograd.grad(free_energy(w, v, visible).mean(), w)
    with torch.no_grad():
        found = free_energy_gradient(v, hidden_probabilities(w, v))
    torch.testing.assert_close(found.weight, expected[0])
    own = w.visible_bias.detach() if visible == "gaussian" else 0
    torch.testing.assert_close(found.visible_bias + own, expected[1])
    torch.testing.assert_close(found.hidden_bias, expected[2])


@pytest.mark.parametrize("visible", get_args(Visible))
def test_very_long_chains_give_the_exact_gradient(visible: Visible) -> None:
    w, count = machine(3, 4, scale=0.4), 100_000
    g = torch.Generator().manual_seed(6)
    data = torch.rand(20, 4, generator=g, dtype=torch.float64).round()
    at_data = free_energy_gradient(data, hidden_probabilities(w, data))
    exact = [a - b for a, b in zip(at_data, model_gradient(w, visible), strict=True)]
    begin = draw(hidden_probabilities(w, data.repeat(count // 20, 1)), g)
    found = contrastive_gradient(at_data, free_energy_gradient(*gibbs(w, visible_field(w, begin), 25, visible, g)))
    for ours, theirs in zip(found, exact, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0.02)


def test_formulas_are_those_of_scikit_learn() -> None:
    w = machine(6, 8)
    peer = BernoulliRBM(6)
    peer.components_, peer.intercept_visible_, peer.intercept_hidden_ = (part.numpy() for part in w)
    v = torch.rand(9, 8, dtype=torch.float64)
    np.testing.assert_allclose(hidden_probabilities(w, v), peer.transform(v.numpy()), rtol=1e-12)
    np.testing.assert_allclose(free_energy(w, v), peer._free_energy(v.numpy()), rtol=1e-12)


def test_module_brings_standardised_pixels_back() -> None:
    pixels = torch.randint(0, 256, (5, 2, 3, 3)).double()
    mean, std = torch.tensor([100.0, 50.0]), torch.tensor([30.0, 60.0])
    x = (pixels - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)
    spread = std.repeat_interleave(9).double()
    net = RBM(18, 4, factor=spread / 255, shift=mean.repeat_interleave(9) / 255).double()
    torch.testing.assert_close(net.units(x), pixels.flatten(1) / 255)
    inner = (pixels.flatten(1) / 255) @ net.weight.T + net.hidden_bias
    torch.testing.assert_close(net(x), 1 / (1 + (-inner).exp()))
    again = 1 / (1 + (-(net(x) @ net.weight + net.visible_bias)).exp())
    torch.testing.assert_close(net.reconstruct(x), again.detach())


def test_samples_follow_the_visible_distribution() -> None:
    w = machine(2, 3)
    net = RBM(3, 2).double()
    with torch.no_grad():
        for own, given in zip(net.weights, w, strict=True):
            own.copy_(given)
    made = sample_visible(net.weights, 20_000, 30, generator=torch.Generator().manual_seed(0)).detach()
    np.testing.assert_allclose(made.mean(0), joint(w).sum(1) @ states(3), atol=0.01)
    assert torch.equal(net.sample(20_000, 0, 30), made)


def test_samples_are_inputs_of_the_net() -> None:
    factor, shift = torch.rand(18, dtype=torch.float64) + 0.2, torch.rand(18, dtype=torch.float64)
    net = RBM(18, 4, factor=factor, shift=shift, shape=(2, 3, 3)).double()
    before = torch.get_rng_state()
    made = net.sample(5, seed=7, steps=3)
    assert torch.equal(torch.get_rng_state(), before)
    assert made.shape == (5, 2, 3, 3)
    assert not made.requires_grad
    v = sample_visible(net.weights, 5, 3, generator=torch.Generator().manual_seed(7)).detach()
    torch.testing.assert_close(net.units(made), v, rtol=1e-12, atol=1e-12)
    assert not torch.equal(net.sample(5, seed=8, steps=3), made)
    assert RBM(18, 4).sample(2, steps=1).shape == (2, 18)


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match="hidden: expected at least one unit, got 0"):
        RBM(4, 0)
    with pytest.raises(ConfigError, match="bernoulli"):
        RBM(4, 2, "bernouli")
    with pytest.raises(ShapeError, match="4 numbers each, got a tensor of shape"):
        RBM(4, 2)(torch.zeros(3, 5))
    with pytest.raises(ConfigError, match="k: expected at least one step"):
        RBM(4, 2).sample(3, steps=0)
    with pytest.raises(ConfigError, match="count: expected an integer >= 1, got 0"):
        RBM(4, 2).sample(0)
    with pytest.raises(DataError, match=r"numbers from -0\.5 to 1"):
        check_unit_interval(torch.tensor([[-0.5, 1.0]]))
    with pytest.raises(DataError, match="nan"):
        check_unit_interval(torch.tensor([[float("nan"), 1.0]]))
    check_unit_interval(torch.tensor([[-1e-6, 1 + 1e-6]]))
    check_unit_interval(torch.zeros(0, 3))
