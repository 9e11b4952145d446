"""The LRU: the dense linear system, the ring its eigenvalues begin on, the stationary state, stability."""

import numpy as np
import pytest
import torch
from scipy import stats

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.recurrent.lru import LRU, ring


def test_lru_is_a_dense_linear_system_with_conjugate_pairs() -> None:
    """z_t = A z_(t-1) + B x_t with a dense real A whose eigenvalues are lambda and their conjugates."""
    torch.manual_seed(0)
    features, states, time = 3, 4, 9
    net = LRU(features, states, smallest=0.3, largest=0.9).double()
    x = torch.randn(2, time, features, dtype=torch.float64)
    lam = net.eigenvalues().detach().numpy()
    gamma = np.exp(net.log_gamma.detach().numpy())
    b = net.input.detach().numpy()
    b = gamma[:, None] * (b[:, 0] + 1j * b[:, 1])
    c = net.output.detach().numpy() @ np.array([1, 1j])
    basis = np.random.default_rng(0).normal(size=(states, 2, 2 * states)) @ np.eye(2 * states)
    columns = basis[:, 0] + 1j * basis[:, 1]
    p = np.concatenate([columns, columns.conj()]).T  # real z = P zeta for zeta in conjugate pairs
    dense_a = p @ np.diag(np.concatenate([lam, lam.conj()])) @ np.linalg.inv(p)
    dense_b = p @ np.concatenate([b, b.conj()])
    dense_c = np.concatenate([c, c.conj()], 1) / 2 @ np.linalg.inv(p)
    for matrix in (dense_a, dense_b, dense_c):
        assert abs(matrix.imag).max() < 1e-9
    z = np.zeros((2, 2 * states))
    found = net(x).detach().numpy()
    for t in range(time):
        z = z @ dense_a.real.T + x[:, t].numpy() @ dense_b.real.T
        expected = z @ dense_c.real.T + net.straight.detach().numpy() * x[:, t].numpy()
        np.testing.assert_allclose(found[:, t], expected, rtol=1e-8, atol=1e-8)


def test_eigenvalues_are_uniform_on_the_ring() -> None:
    torch.manual_seed(0)
    smallest, largest, phase = 0.5, 0.95, np.pi / 2
    lam = LRU(2, 4000, smallest=smallest, largest=largest, largest_phase=phase).eigenvalues().detach().numpy()
    modulus, angle = abs(lam), np.angle(lam)
    assert smallest <= modulus.min() < modulus.max() <= largest
    # the fraction of the ring's area within radius r
    within = (modulus**2 - smallest**2) / (largest**2 - smallest**2)
    assert stats.kstest(within, "uniform").pvalue > 0.01
    assert stats.kstest(angle / phase, "uniform").pvalue > 0.01
    # a modulus drawn uniformly, as the notes have it, is told apart
    assert stats.kstest((modulus - smallest) / (largest - smallest), "uniform").pvalue < 1e-6


def test_gamma_keeps_the_stationary_state_at_the_size_of_what_comes_in() -> None:
    torch.manual_seed(0)
    net = LRU(8, 200, smallest=0.0, largest=0.99)
    x = torch.randn(20, 1500, 8)
    with torch.no_grad():
        h = net.entering(x)
        gamma = torch.exp(net.log_gamma)
        states = torch.zeros(20, 200, dtype=torch.complex64)
        total = torch.zeros(200)
        for t in range(1500):
            states = net.eigenvalues() * states + h[:, t]
            total += states.abs().square().mean(0) * (t >= 500)
    expected = net.input.detach().square().sum((1, 2))  # |B_k|^2
    assert ((total / 1000) / expected).mean().item() == pytest.approx(1, abs=0.02)
    assert gamma.min() < 0.3  # there are slow ones among them, whose state would be ten times larger without


def test_any_parameters_are_stable() -> None:
    net = LRU(2, 64)
    with torch.no_grad():
        for parameter in (net.log_decay, net.log_phase):
            parameter.copy_(torch.linspace(-30, 30, 64))
    net.log_phase.data.clamp_(max=20)
    lam = net.eigenvalues()
    assert (lam.abs() <= 1 + 1e-6).all()
    assert net(torch.randn(1, 4096, 2)).isfinite().all()


def test_the_ring_s_ends_are_never_drawn() -> None:
    torch.manual_seed(0)
    modulus, phase = ring(100_000)
    assert torch.log(-torch.log(modulus)).isfinite().all()
    assert torch.log(phase).isfinite().all()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="ring"):
        ring(3, 0.5, 0.4)
    with pytest.raises(ConfigError, match="phase"):
        ring(3, largest_phase=0.0)
    with pytest.raises(ShapeError, match="4 features"):
        LRU(4, 3)(torch.zeros(1, 2, 5))
