import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.data.mnist_5k import load
from neurarium.nets.connectionist.dense_memory import DenseMemory, polynomial_differences
from neurarium.nets.connectionist.hopfield import HopfieldNet
from neurarium.nets.connectionist.patterns import CapacityWarning, binarize, flip, random_patterns

pytestmark = pytest.mark.filterwarnings("ignore::neurarium.nets.connectionist.patterns.CapacityWarning")


def made(count: int, neurons: int, seed: int = 0) -> torch.Tensor:
    return random_patterns(count, neurons, torch.Generator().manual_seed(seed))


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 8), n=st.integers(3, 40), seed=st.integers(0, 1000))
def test_order_two_is_the_classic_net(count, n, seed) -> None:
    x, probes = made(count, n, seed), made(4, n, seed + 1)
    classic, dense = HopfieldNet.storing(x), DenseMemory(x, 2)
    one, two = (memory.recall(probes, seed=seed, trace=True) for memory in (classic, dense))
    assert two.states.equal(one.states)
    assert two.sweeps.equal(one.sweeps)
    torch.testing.assert_close(two.trace.energies, one.trace.energies - count / 2)


@settings(max_examples=40, deadline=None)
@given(
    steepness=st.sampled_from([2, 3, 4, 7, "exponential"]),
    rectified=st.booleans(),
    count=st.integers(1, 8),
    n=st.integers(2, 14),
    seed=st.integers(0, 1000),
)
def test_every_update_takes_the_sign_of_lower_energy(steepness, rectified, count, n, seed) -> None:
    rectified = rectified and steepness != "exponential"
    x = made(count, n, seed)
    probes = made(2, n, seed + 1)
    found = DenseMemory(x, steepness, rectified=rectified).recall(probes, seed=seed, trace=True)
    patterns = x.numpy().astype(int)

    def energy(state):
        overlaps = [int(m) for m in patterns @ state]
        if steepness == "exponential":
            return -math.fsum(math.exp(m) for m in overlaps)
        return -sum(max(m, 0) ** steepness if rectified else m**steepness for m in overlaps)

    for probe in range(2):
        state = probes[probe].numpy().astype(int)
        for order in found.trace.orders.tolist():
            for i in order:
                other = state.copy()
                other[i] *= -1
                gain = energy(other) - energy(state)
                if gain < 0 and not math.isclose(energy(other), energy(state), rel_tol=1e-13):
                    state = other
        np.testing.assert_array_equal(found.states[probe].numpy(), state)
    course = found.trace.energies
    assert (course.diff(dim=0) <= 1e-12 * (1 + course.abs().amax())).all()
    assert found.fixed.all()


def test_differences_are_exact_and_energies_finite_for_large_nets() -> None:
    # (a + 1)^3 - (a - 1)^3 = 6 a^2 + 2, over 2^(2 * 10)
    a = np.arange(-999, 1000)
    np.testing.assert_array_equal(polynomial_differences(1000, 3).numpy(), (6 * a**2 + 2) / 2**20)
    x = made(5, 2000)
    for steepness in (30, "exponential"):
        memory = DenseMemory(x, steepness)
        found = memory.recall(flip(x, 0.3, torch.Generator().manual_seed(1)), sweeps=3)
        assert found.states.equal(x)
        assert memory.energy(x).isfinite().all()
    # one overlap of 2000 and four of the order of 45: the sum is its first term
    torch.testing.assert_close(DenseMemory(x).energy(x), torch.full((5,), -2000.0).double())


def test_steeper_memories_hold_more_random_patterns() -> None:
    # 4 n patterns: 29 times the critical load of the classic net
    x = made(400, 100)
    kept = {s: DenseMemory(x, s).recall(x[:50], sweeps=1).flips.eq(0).sum().item() for s in (2, 3, "exponential")}
    assert kept[2] == 0
    assert kept[3] < 50
    assert kept["exponential"] == 50


def test_two_thousand_patterns_in_forty_units() -> None:
    # against exp(39) stand 2,000 terms of mean cosh(1)^40 = 3.4e7 each
    x = made(2000, 40)
    assert DenseMemory(x).recall(x[:100], sweeps=1).flips.sum() == 0
    noisy = flip(x[:100], 0.1, torch.Generator().manual_seed(1))
    assert (DenseMemory(x)(noisy) == x[:100]).all(1).float().mean() > 0.9


def test_even_orders_keep_the_negative_unless_rectified() -> None:
    x = made(1, 20)
    assert DenseMemory(x, 4)(-x).equal(-x)
    assert DenseMemory(x, 4, rectified=True).energy(-x).item() == 0
    # all ties but for a state that has some agreement
    near = flip(-x, 0.2, torch.Generator().manual_seed(0))
    assert DenseMemory(x, 3)(near).equal(x)


def test_real_digits_with_a_quarter_of_their_pixels_turned() -> None:
    x = binarize(torch.cat(list(load().train.pieces("image")))[:500].flatten(1), 127.0)
    noisy = flip(x[:20], 0.25, torch.Generator().manual_seed(0))
    assert DenseMemory(x).recall(noisy, sweeps=5).states.equal(x[:20])


def test_bad_input_and_capacity() -> None:
    x = made(2, 10)
    for bad in (1, "quadratic"):
        with pytest.raises(ConfigError, match="order >= 2 or exponential"):
            DenseMemory(x, bad)
    with pytest.raises(ConfigError, match="rectified"):
        DenseMemory(x, rectified=True)
    with pytest.raises(DataError, match="at least one"):
        DenseMemory(x[:0])
    with pytest.raises(ShapeError, match=r"\(rows, 10\)"):
        DenseMemory(x).recall(torch.ones(1, 9))
    with pytest.raises(DataError, match="the values 0"):
        DenseMemory(x).recall(torch.zeros(1, 10))
    # 50^2 / (2 * 3!! ln 50) = 106.5
    with pytest.warns(CapacityWarning, match="107 patterns in 50 neurons: a memory of order 3 holds about 106"):
        DenseMemory(made(107, 50), 3)
    with pytest.warns(CapacityWarning, match="about 32"):
        DenseMemory(made(33, 10))
