import itertools

import numpy as np
import pytest
import torch
from scipy import stats

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.nets.connectionist.boltzmann import (
    BoltzmannMachine,
    conditional,
    distribution,
    energy,
    likelihood_gradient,
    log_likelihood,
    states_of,
    sweep,
)
from neurarium.nets.connectionist.rbm import RBMWeights
from neurarium.nets.connectionist.rbm_likelihood import log_likelihood as rbm_log_likelihood
from neurarium.nets.connectionist.rbm_likelihood import log_partition


def machine(units: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    upper = torch.randn(units, units, generator=g, dtype=torch.float64).triu(1)
    return upper + upper.T, torch.randn(units, generator=g, dtype=torch.float64)


def all_states(units: int) -> np.ndarray:
    return np.array(list(itertools.product((0.0, 1.0), repeat=units)))


def boltzmann(weight: torch.Tensor, bias: torch.Tensor) -> np.ndarray:
    """P(x) of all states, pair by pair."""
    W, b, n = weight.numpy(), bias.numpy(), len(bias)
    pairs = list(itertools.combinations(range(n), 2))
    weights = np.array([np.exp(b @ x + sum(W[i, j] * x[i] * x[j] for i, j in pairs)) for x in all_states(n)])
    return weights / weights.sum()


def test_states_are_counted_like_binary_numbers() -> None:
    np.testing.assert_array_equal(states_of(4), all_states(4))
    assert states_of(0).shape == (1, 0)


def test_energy_counts_each_pair_once() -> None:
    weight, bias = machine(3)
    x = torch.tensor([[1.0, 0.0, 1.0]], dtype=torch.float64)
    assert energy(weight, bias, x).item() == pytest.approx(float(-weight[0, 2] - bias[0] - bias[2]))


def test_distribution_is_that_of_the_definition() -> None:
    weight, bias = machine(4)
    np.testing.assert_allclose(distribution(weight, bias), boltzmann(weight, bias), rtol=1e-12)


def test_conditional_is_that_of_the_joint_distribution() -> None:
    weight, bias = machine(4)
    p, x = boltzmann(weight, bias), all_states(4)
    order = (x @ [8, 4, 2, 1]).astype(int)
    for i in range(4):
        on = order | (8 >> i)
        expected = p[on] / (p[on] + p[on ^ (8 >> i)])
        np.testing.assert_allclose(conditional(weight, bias, torch.tensor(x), i), expected, rtol=1e-12)


def test_a_sweep_leaves_the_distribution_as_it_is() -> None:
    (weight, bias), count = machine(3), 40_000
    p = boltzmann(weight, bias)
    g = torch.Generator().manual_seed(1)
    begin = torch.multinomial(torch.tensor(p), count, replacement=True, generator=g)
    x = sweep(weight, bias, torch.tensor(all_states(3))[begin], generator=g)
    found = np.bincount((x.numpy() @ [4, 2, 1]).astype(int), minlength=8)
    assert stats.chisquare(found, count * p).pvalue > 1e-3


def test_clamped_units_stay_and_the_others_follow_them() -> None:
    (weight, bias), count = machine(3), 40_000
    x = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64).repeat(count, 1)
    g = torch.Generator().manual_seed(2)
    for _ in range(10):
        x = sweep(weight, bias, x, clamped=1, generator=g)
    assert bool((x[:, 0] == 1).all())
    given = boltzmann(weight, bias)[4:]
    found = np.bincount((x[:, 1:].numpy() @ [2, 1]).astype(int), minlength=4)
    assert stats.chisquare(found, count * given / given.sum()).pvalue > 1e-3


def test_likelihood_sums_out_the_hidden_units() -> None:
    weight, bias = machine(5)
    expected = boltzmann(weight, bias).reshape(8, 4).sum(1)
    found = log_likelihood(weight, bias, torch.tensor(all_states(3))).exp()
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_gradient_by_finite_differences() -> None:
    (weight, bias), step = machine(4), 1e-5
    v = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    pairs, biases = likelihood_gradient(weight, bias, v)
    for i, j in itertools.combinations(range(4), 2):
        ends = []
        for sign in (1, -1):
            moved = weight.clone()
            moved[i, j] += sign * step
            moved[j, i] = moved[i, j]
            ends.append(float(log_likelihood(moved, bias, v).mean()))
        slope = (ends[0] - ends[1]) / (2 * step)
        assert [float(pairs[i, j]), float(pairs[j, i])] == pytest.approx([slope, slope], abs=1e-8)
    for i in range(4):
        ends = [
            float(log_likelihood(weight, bias + sign * step * torch.eye(4, dtype=torch.float64)[i], v).mean())
            for sign in (1, -1)
        ]
        assert float(biases[i]) == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)
    assert not pairs.diagonal().any()


def test_without_couplings_inside_the_layers_it_is_the_restricted_machine() -> None:
    g = torch.Generator().manual_seed(7)
    w = RBMWeights(*(torch.randn(size, generator=g, dtype=torch.float64) for size in ((2, 3), (3,), (2,))))
    weight = torch.zeros(5, 5, dtype=torch.float64)
    weight[3:, :3] = w.weight
    weight[:3, 3:] = w.weight.T
    v = torch.tensor(all_states(3))
    found = log_likelihood(weight, torch.cat([w.visible_bias, w.hidden_bias]), v)
    torch.testing.assert_close(found, rbm_log_likelihood(w, v, log_partition(w)))


def test_machine_without_hidden_units_matches_the_moments_of_the_data() -> None:
    torch.manual_seed(0)
    v = torch.tensor(
        [[0.0, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 1], [0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 1]]
    )
    net = BoltzmannMachine(3)
    net.learn(v, rate=1.0, steps=300)
    p, x = torch.tensor(boltzmann(net.weight.detach(), net.bias.detach())).float(), torch.tensor(all_states(3)).float()
    torch.testing.assert_close(x.T @ (p[:, None] * x), v.T @ v / 9, rtol=0, atol=1e-4)


def test_hidden_units_learn_parity_which_pairs_alone_cannot() -> None:
    torch.manual_seed(0)
    v = states_of(3)[states_of(3).sum(1) % 2 == 0]
    flat, deep = BoltzmannMachine(3), BoltzmannMachine(3, hidden=2)
    for net in (flat, deep):
        net.learn(v, rate=1.0, steps=1000)
    assert float(flat(v).mean().detach()) == pytest.approx(np.log(1 / 8), abs=1e-3)
    assert float(deep(v).mean().detach()) > np.log(1 / 5)


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match=r"at most 20 units, 1,048,576 states, got 30 units, 1.07e\+09 states"):
        distribution(torch.zeros(30, 30), torch.zeros(30))
    with pytest.raises(ConfigError, match="0 and 2"):
        BoltzmannMachine(0, 2)
    with pytest.raises(ShapeError, match=r"\(batch, 2\), got shape \(4, 3\)"):
        BoltzmannMachine(2)(torch.zeros(4, 3))
    with pytest.raises(DataError, match="only 0 and 1"):
        BoltzmannMachine(2).learn(torch.full((1, 2), 0.5))
