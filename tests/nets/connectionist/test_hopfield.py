import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.data.mnist_5k import load
from neurarium.nets.connectionist import hopfield_sweeps
from neurarium.nets.connectionist.couplings import from_matrix
from neurarium.nets.connectionist.hopfield import (
    HopfieldNet,
    energy,
    recall_asynchronously,
    recall_synchronously,
)
from neurarium.nets.connectionist.hopfield_storage import STORAGES, hebbian, pseudo_inverse
from neurarium.nets.connectionist.patterns import binarize, flip, overlap, random_patterns

pytestmark = pytest.mark.filterwarnings("ignore::neurarium.nets.connectionist.patterns.CapacityWarning")


def energy_by_hand(w: np.ndarray, x: np.ndarray, b: np.ndarray) -> float:
    return -0.5 * x @ w @ x + b @ x


def recall_by_hand(w, x, b, orders):
    """One unit after the other with the full sum for each; energy after every update."""
    x, course = x.copy(), [energy_by_hand(w, x, b)]
    for order in orders:
        for i in order:
            h = w[i] @ x - b[i]
            if abs(h) > 1e-9:
                x[i] = np.sign(h)
            course.append(energy_by_hand(w, x, b))
    return x, np.array(course)


def symmetric(n: int, seed: int, whole: bool) -> np.ndarray:
    random = np.random.default_rng(seed)
    w = random.integers(-3, 4, (n, n)).astype(float) if whole else random.normal(size=(n, n))
    w = np.triu(w, 1)
    return w + w.T


def test_three_units_by_hand() -> None:
    # w12 = 1, w13 = -2, w23 = 0.5; E(x) = -(w12 x1 x2 + w13 x1 x3 + w23 x2 x3)
    w = torch.tensor([[0.0, 1.0, -2.0], [1.0, 0.0, 0.5], [-2.0, 0.5, 0.0]])
    states = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0], [1.0, -1.0, -1.0]])
    assert energy(from_matrix(w), states).tolist() == [0.5, -2.5, -2.5, -1.5]
    # from (+++): h1 = 1 - 2 < 0, so (-++); h2 = -1 + 0.5 < 0, so (--+); h3 = 2 - 0.5 > 0; at rest
    found = recall_asynchronously(from_matrix(w), states[:1], order="fixed", trace=True)
    assert found.states.tolist() == [[-1.0, -1.0, 1.0]]
    assert found.trace.energies[:, 0].tolist() == [0.5, -1.5, -2.5, -2.5, -2.5, -2.5, -2.5]
    assert (found.sweeps.item(), found.flips.item(), found.fixed.item()) == (1, 2, True)


def test_a_bias_decides_where_nothing_else_does() -> None:
    couplings = from_matrix(torch.zeros(3, 3))
    found = recall_asynchronously(couplings, torch.ones(1, 3), torch.tensor([1.0, -1.0, 0.0]))
    assert found.states.tolist() == [[-1.0, 1.0, 1.0]]
    assert energy(couplings, found.states, torch.tensor([1.0, -1.0, 0.0])).item() == -2


def test_a_field_of_zero_keeps_either_state() -> None:
    for state in itertools.product((-1.0, 1.0), repeat=3):
        for recall in (recall_asynchronously, recall_synchronously):
            assert recall(from_matrix(torch.zeros(3, 3)), torch.tensor([state])).states.tolist() == [list(state)]
    # two patterns that differ in every second unit: the others' fields cancel to 0 exactly, in factors as in the matrix
    x = torch.tensor([[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0]])
    state = torch.tensor([[1.0, 1.0, -1.0, -1.0]])
    assert recall_asynchronously(hebbian(x), state, order="fixed").states.tolist() == [[-1.0, -1.0, -1.0, -1.0]]


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(2, 70),
    seed=st.integers(0, 10_000),
    whole=st.booleans(),
    biased=st.booleans(),
    order=st.sampled_from(["random", "fixed"]),
)
def test_energy_never_rises_and_the_dynamics_is_unit_by_unit(n, seed, whole, biased, order) -> None:
    w = symmetric(n, seed, whole)
    random = np.random.default_rng(seed + 1)
    b = random.integers(-2, 3, n).astype(float) if biased else np.zeros(n)
    x = random.choice([-1.0, 1.0], (3, n))
    bias = torch.from_numpy(b) if biased else None
    found = recall_asynchronously(
        from_matrix(torch.from_numpy(w)), torch.from_numpy(x), bias, order=order, seed=seed, trace=True
    )
    course = found.trace.energies.numpy()
    assert (np.diff(course, axis=0) <= 1e-9 * (1 + np.abs(course).max())).all()
    assert found.fixed.all()
    for probe in range(3):
        state, expected = recall_by_hand(w, x[probe], b, found.trace.orders.numpy())
        np.testing.assert_array_equal(found.states[probe].numpy(), state)
        np.testing.assert_allclose(course[:, probe], expected, atol=1e-9)
        h = w @ state - b
        assert (state * h >= -1e-9).all()


@settings(max_examples=25, deadline=None)
@given(
    storage=st.sampled_from(sorted(STORAGES)),
    n=st.integers(10, 80),
    count=st.integers(1, 9),
    seed=st.integers(0, 1000),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_factors_recall_as_the_matrix_does(storage, n, count, seed, dtype) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = random_patterns(count, n, generator).to(dtype)
    probes = flip(x, 0.3, generator)
    factored = STORAGES[storage](x)
    matrix = factored.matrix().double()
    found = recall_asynchronously(factored, probes, seed=seed, trace=True)
    course = found.trace.energies
    assert (course.diff(dim=0) <= 1e-5).all()
    torch.testing.assert_close(course[-1], energy(factored, found.states), rtol=1e-5, atol=1e-5)
    for probe, state in zip(probes, found.states, strict=True):
        ties = 1e-5  # float32 sums over up to 80 units
        x_hand = probe.double().numpy().copy()
        for order in found.trace.orders.numpy():
            for i in order:
                h = matrix[i].numpy() @ x_hand
                if abs(h) > ties:
                    x_hand[i] = np.sign(h)
        np.testing.assert_array_equal(state.numpy(), x_hand)


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(2, 90),
    seed=st.integers(0, 10_000),
    kind=st.sampled_from(["whole", "real", "factors"]),
    order=st.sampled_from(["random", "fixed"]),
    few=st.sampled_from([0, hopfield_sweeps.FEW, 1000]),
    traced=st.sampled_from([0, hopfield_sweeps._WRITTEN_OUT]),
)
def test_going_from_one_turning_unit_to_the_next_is_the_same_dynamics(n, seed, kind, order, few, traced) -> None:
    random = np.random.default_rng(seed)
    w = symmetric(n, seed, kind == "whole")
    couplings, b = from_matrix(torch.from_numpy(w)), random.integers(-2, 3, n).astype(float)
    if kind == "factors":
        couplings = hebbian(torch.from_numpy(random.choice([-1.0, 1.0], (max(2, n // 5), n))))
        w, b = couplings.matrix().numpy(), np.zeros(n)
    x = random.choice([-1.0, 1.0], (9, n))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hopfield_sweeps, "FEW", few)
        patch.setattr(hopfield_sweeps, "_WRITTEN_OUT", traced)
        found = recall_asynchronously(
            couplings, torch.from_numpy(x), torch.from_numpy(b), order=order, seed=seed, sweeps=50
        )
    generator = torch.Generator().manual_seed(seed)
    units = np.arange(n)
    orders = [torch.randperm(n, generator=generator).numpy() if order == "random" else units for _ in range(50)]
    for probe in range(len(x)):
        state, before = x[probe], None
        sweeps = flips = 0
        while before is None or (state != before).any():
            before, (state, _) = state, recall_by_hand(w, state, b, [orders[sweeps]])
            flips += int((state != before).sum())
            sweeps += 1
        np.testing.assert_array_equal(found.states[probe].numpy(), state)
        assert found.flips[probe] == flips
        assert found.sweeps[probe] == sweeps - 1
        assert found.fixed[probe]


def test_trace_gives_the_states_between_sweeps() -> None:
    x = random_patterns(5, 60, torch.Generator().manual_seed(0)).double()
    net = HopfieldNet.storing(x)
    found = net.recall(flip(x, 0.4, torch.Generator().manual_seed(1)), trace=True)
    for update in (0, 1, 17, 60, 61, len(found.trace.energies) - 1):
        torch.testing.assert_close(net.energy(found.trace.states(update)), found.trace.energies[update])


def test_synchronous_recall_ends_at_rest_or_in_a_pair_of_states() -> None:
    w = torch.from_numpy(symmetric(12, 5, whole=False))
    probes = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=12))).double()
    found = recall_synchronously(from_matrix(w), probes)
    assert (found.fixed ^ found.cycle).all()
    assert found.cycle.any()
    one = torch.sign(found.states @ w)
    two = torch.sign(one @ w)
    assert (one == found.states).all(1).equal(found.fixed)
    assert (two == found.states).all()


def test_synchronous_steps_are_matrix_products() -> None:
    w = torch.from_numpy(symmetric(9, 3, whole=False))
    x = random_patterns(4, 9, torch.Generator().manual_seed(2)).double()
    found = recall_synchronously(from_matrix(w), x, sweeps=3, trace=True)
    for update in range(1, len(found.trace.kept)):
        x = torch.sign(x @ w)
        torch.testing.assert_close(found.trace.states(update), x)
        torch.testing.assert_close(found.trace.energies[update], -((x @ w) * x).sum(1) / 2)


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_pseudo_inverse_keeps_independent_patterns(fraction: float) -> None:
    n = 60
    x = random_patterns(int(fraction * n), n, torch.Generator().manual_seed(4)).double()
    assert torch.linalg.matrix_rank(x) == len(x)
    couplings = pseudo_inverse(x)
    assert ((couplings.fields(x) * x) > 0).all()
    for recall in (recall_asynchronously, recall_synchronously):
        found = recall(couplings, x)
        assert found.states.equal(x)
        assert not found.sweeps.any()


def test_the_printed_diagonal_pins_units() -> None:
    # errata E30, E63: random states beyond the load that the net can hold; with w_ii = s/n many more are at rest
    generator = torch.Generator().manual_seed(0)
    x, states = random_patterns(60, 100, generator), random_patterns(200, 100, generator)
    moved = {
        d: recall_asynchronously(hebbian(x, diagonal=d), states, sweeps=1).flips.sum().item() for d in (True, False)
    }
    assert moved[True] < 0.6 * moved[False]
    kept = {
        d: recall_asynchronously(hebbian(x, diagonal=d), x, sweeps=1).flips.eq(0).sum().item() for d in (True, False)
    }
    assert kept[True] > kept[False] + 5


@pytest.fixture(scope="module")
def digits() -> torch.Tensor:
    images = torch.cat(list(load().train.pieces("image")))[:100]
    return binarize(images.flatten(1), 127.0)


@pytest.mark.parametrize(
    ("storage", "count", "least", "most"),
    [
        ("pseudo-inverse", 20, 1.0, 1.0),
        ("pseudo-inverse", 50, 1.0, 1.0),
        ("pseudo-inverse", 100, 0.3, 0.9),
        ("storkey", 20, 0.0, 0.3),
        ("hebbian", 5, 0.0, 0.0),
    ],
)
def test_which_storage_recalls_real_digits_with_a_quarter_of_their_pixels_turned(
    digits, storage, count, least, most
) -> None:
    x = digits[:count]
    found = HopfieldNet.storing(x, storage).recall(flip(x, 0.25, torch.Generator().manual_seed(0)))
    assert found.fixed.all()
    fraction = (overlap(found.states, x) == 1).double().mean().item()
    assert least <= fraction <= most


def test_same_seed_same_recall() -> None:
    x = random_patterns(30, 100, torch.Generator().manual_seed(0))
    net = HopfieldNet.storing(x)
    noisy = flip(x, 0.4, torch.Generator().manual_seed(1))
    one, two, other = (net.recall(noisy, seed=seed).states for seed in (7, 7, 8))
    assert one.equal(two)
    assert not one.equal(other)


def test_a_net_is_saved_and_loaded() -> None:
    x = random_patterns(3, 30, torch.Generator().manual_seed(0))
    net, other = HopfieldNet.storing(x), HopfieldNet.storing(-x.flip(1))
    other.load_state_dict(net.state_dict())
    assert other(x).equal(net(x))
    assert not list(net.parameters())


def test_bad_input() -> None:
    net = HopfieldNet.storing(torch.tensor([[1.0, -1.0, 1.0]]))
    with pytest.raises(DataError, match=r"probes: expected only -1 and \+1, got the values 0, 1"):
        net.recall(torch.tensor([[0.0, 1.0, 1.0]]))
    with pytest.raises(ShapeError, match=r"\(rows, 3\)"):
        net.recall(torch.ones(2, 4))
    with pytest.raises(ConfigError, match="random or fixed"):
        recall_asynchronously(net.couplings, torch.ones(1, 3), order="any")
    with pytest.raises(ConfigError, match="sweeps"):
        net.recall(torch.ones(1, 3), sweeps=0)
    with pytest.raises(ConfigError, match="did you mean storkey"):
        HopfieldNet.storing(torch.ones(1, 3), "storky")
    with pytest.raises(ShapeError, match="bias"):
        recall_synchronously(net.couplings, torch.ones(1, 3), torch.zeros(2))
