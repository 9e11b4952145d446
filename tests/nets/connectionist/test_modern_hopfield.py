import math

import numpy as np
import pytest
import scipy.special
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.nets.connectionist.modern_hopfield import ModernMemory, energy, update
from neurarium.nets.connectionist.patterns import flip, random_patterns


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_update_is_attention() -> None:
    state, memory = normal(2, 3, 5, 8), normal(2, 3, 11, 8, seed=1)
    attention = F.scaled_dot_product_attention(state, memory, memory)
    torch.testing.assert_close(update(state, memory, beta=1 / math.sqrt(8)), attention)
    mask = torch.rand(2, 1, 1, 11, generator=torch.Generator().manual_seed(2)) > 0.3
    masked = F.scaled_dot_product_attention(state, memory, memory, attn_mask=mask)
    torch.testing.assert_close(update(state, memory, 1 / math.sqrt(8), mask), masked)


def test_update_and_energy_in_numpy() -> None:
    state, memory, beta = normal(4, 6).numpy(), normal(9, 6, seed=1).numpy(), 0.7
    scores = beta * state @ memory.T
    expected = scipy.special.softmax(scores, axis=1) @ memory
    height = (state**2).sum(1) / 2 + np.log(9) / beta + (memory**2).sum(1).max() / 2
    height -= scipy.special.logsumexp(scores, axis=1) / beta
    tensors = torch.from_numpy(state), torch.from_numpy(memory)
    np.testing.assert_allclose(update(*tensors, beta).numpy(), expected)
    np.testing.assert_allclose(energy(*tensors, beta).numpy(), height)


@settings(max_examples=60, deadline=None)
@given(
    beta=st.floats(0.01, 50),
    count=st.integers(1, 9),
    d=st.integers(1, 9),
    scale=st.floats(0.1, 10),
    seed=st.integers(0, 999),
)
def test_energy_never_rises_nor_falls_below_zero(beta, count, d, scale, seed) -> None:
    memory = scale * normal(count, d, seed=seed)
    course = (
        ModernMemory(memory, beta).recall(2 * scale * normal(5, d, seed=seed + 1), steps=10, trace=True).trace.energies
    )
    assert (course.diff(dim=0) <= 1e-9 * (1 + course.abs().amax())).all()
    assert (course >= -1e-9 * scale**2).all()


def test_the_update_descends_the_gradient_of_the_energy() -> None:
    # E's gradient is xi - update(xi): the update is one step of length 1 against it
    state, memory = normal(3, 5).requires_grad_(), normal(7, 5, seed=1)
    (gradient,) = torch.autograd.grad(energy(state, memory, 0.8).sum(), state)
    torch.testing.assert_close(state - gradient, update(state, memory, 0.8))


def test_gradients() -> None:
    mask = torch.tensor([True, True, False, True])
    state, memory = normal(2, 3).requires_grad_(), normal(4, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda s, m: update(s, m, 0.9, mask), (state, memory))
    assert torch.autograd.gradcheck(lambda s, m: energy(s, m, 0.9, mask), (state, memory))


def test_small_beta_gives_the_mean_large_beta_the_nearest() -> None:
    memory = torch.eye(3, dtype=torch.float64)
    state = torch.tensor([[0.5, 0.4, 0.1]], dtype=torch.float64)
    torch.testing.assert_close(update(state, memory, 1e-9), torch.full((1, 3), 1 / 3, dtype=torch.float64))
    torch.testing.assert_close(update(state, memory, 1e4), memory[:1])


def test_a_state_without_memories_becomes_zero() -> None:
    mask = torch.tensor([[False, False], [True, False]])
    out = update(normal(2, 4), normal(2, 4, seed=1), 1.0, mask)
    assert out[0].tolist() == [0.0] * 4
    torch.testing.assert_close(out[1], normal(2, 4, seed=1)[0])


def test_binary_patterns_come_back_in_one_step() -> None:
    x = random_patterns(200, 100, torch.Generator().manual_seed(0))
    found = ModernMemory(x, beta=1.0).recall(flip(x, 0.2, torch.Generator().manual_seed(1)))
    assert found.fixed.all()
    torch.testing.assert_close(found.states, x, atol=1e-3, rtol=0)


def test_bad_input() -> None:
    for beta in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ConfigError, match="beta"):
            ModernMemory(torch.ones(2, 3), beta)
        with pytest.raises(ConfigError, match="beta"):
            update(torch.ones(1, 3), torch.ones(2, 3), beta)
    with pytest.raises(DataError, match="NaN"):
        ModernMemory(torch.tensor([[math.nan]]))
    with pytest.raises(DataError, match="at least one"):
        ModernMemory(torch.ones(0, 3))
    with pytest.raises(ShapeError, match=r"\(rows, 3\)"):
        ModernMemory(torch.ones(2, 3)).recall(torch.ones(1, 4))
