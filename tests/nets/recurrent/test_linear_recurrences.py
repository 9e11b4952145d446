"""minGRU, minLSTM and LRU: steps in NumPy, the dense linear system, the ring and the stationary state, blocks."""

import numpy as np
import pytest
import torch
from scipy import stats

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.recurrent.encoder import stepped
from neurarium.nets.recurrent.linear_specs import LRUSpec, MinGRUSpec
from neurarium.nets.recurrent.lru import LRU, ring
from neurarium.nets.recurrent.min_gru import MinGRU
from neurarium.nets.recurrent.min_lstm import MinLSTM
from neurarium.nets.recurrent.recurrent_block import RecurrentBlock, RecurrentStack


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def affine(layer: torch.nn.Linear, x: np.ndarray) -> np.ndarray:
    return x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def test_min_gru_is_its_sequential_form() -> None:
    torch.manual_seed(0)
    net, x = MinGRU(3, 5).double(), torch.randn(2, 7, 3, dtype=torch.float64)
    h = np.zeros((2, 5))
    for t, found in enumerate(net(x).detach().numpy().swapaxes(0, 1)):
        z = logistic(affine(net.gate, x[:, t].numpy()))
        h = (1 - z) * h + z * affine(net.value, x[:, t].numpy())
        np.testing.assert_allclose(found, h, rtol=1e-12)


def test_min_lstm_is_its_sequential_form() -> None:
    torch.manual_seed(0)
    net, x = MinLSTM(3, 5).double(), torch.randn(2, 7, 3, dtype=torch.float64)
    h = np.zeros((2, 5))
    for t, found in enumerate(net(x).detach().numpy().swapaxes(0, 1)):
        f, i = (logistic(affine(gate, x[:, t].numpy())) for gate in (net.forget, net.enter))
        h = f / (f + i) * h + i / (f + i) * affine(net.value, x[:, t].numpy())
        np.testing.assert_allclose(found, h, rtol=1e-12)


@pytest.mark.parametrize(("p", "q", "share"), [(-200.0, -200.0, 0.5), (-200.0, 200.0, 1.0), (200.0, -200.0, 0.0)])
def test_gates_of_min_lstm_that_are_shut_give_no_nan(p: float, q: float, share: float) -> None:
    net = MinLSTM(1, 1)
    with torch.no_grad():
        net.forget.bias.fill_(p)
        net.enter.bias.fill_(q)
    x = torch.zeros(1, 1, requires_grad=True)
    found = net.share(x)
    found.sum().backward()
    assert found.item() == share
    assert net.forget.bias.grad is not None
    assert net.forget.bias.grad.isfinite().all()


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
    # the share of the ring's area within radius r
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


def test_block_and_stack_in_numpy() -> None:
    torch.manual_seed(0)
    stack = RecurrentStack(3, 6, 1, lambda features: MinGRU(features, 4), dropout=0.5).double().eval()
    x = torch.randn(2, 5, 3, dtype=torch.float64)

    def normed(v: np.ndarray) -> np.ndarray:
        return (v - v.mean(-1, keepdims=True)) / np.sqrt(v.var(-1, keepdims=True) + 1e-5)

    (block,) = stack.blocks.layers
    y = affine(stack.input, x.numpy())
    h = block.recurrence(torch.from_numpy(normed(y))).detach().numpy()
    u = h * stats.norm.cdf(h)
    y = y + affine(block.output, u) * logistic(affine(block.gate, u))
    np.testing.assert_allclose(stack(x).detach().numpy(), normed(y), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("recurrence", [lambda n: MinGRU(n, 5), lambda n: MinLSTM(n, 5), lambda n: LRU(n, 5)])
def test_one_step_at_a_time_over_a_long_sequence(recurrence) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    stack = RecurrentStack(2, 4, 2, recurrence)
    x = torch.randn(1, 500, 2)
    with torch.no_grad():
        torch.testing.assert_close(stepped(stack, x), stack(x), rtol=1e-4, atol=1e-4)


def test_what_cannot_be_is_refused() -> None:
    for words, wrong in (
        ("width", {"width": 1}),
        ("states", {"states": 0}),
        ("layers", {"layers": 0}),
        ("smallest", {"smallest": 0.9, "largest": 0.9}),
        ("smallest", {"largest": 1.1}),
        ("largest_phase", {"largest_phase": 0.0}),
    ):
        with pytest.raises(ConfigError, match=words):
            LRUSpec(**wrong)
    with pytest.raises(ConfigError, match="states"):
        MinGRUSpec(states=0)
    with pytest.raises(ConfigError, match="ring"):
        ring(3, 0.5, 0.4)
    with pytest.raises(ConfigError, match="phase"):
        ring(3, largest_phase=0.0)
    with pytest.raises(ShapeError, match="4 features"):
        LRU(4, 3)(torch.zeros(1, 2, 5))


def test_blocks_keep_the_width() -> None:
    block = RecurrentBlock(MinGRU(6, 9), 6)
    assert block.features == 6
    assert block(torch.randn(2, 3, 6)).shape == (2, 3, 6)
