import copy

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from neurarium.checks import ConfigError, DataError, NonFiniteError, ShapeError
from neurarium.nets.connectionist.associative_memory import AssociativeMemory, make_memory
from neurarium.nets.connectionist.patterns import CapacityWarning

SHAPE = (1, 6, 10)
STORAGES = ["hebbian", "pseudo-inverse", "storkey", "dense", "modern"]


def states(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice([-1.0, 1.0], (count, 60)).astype(np.float32)


def images(count: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy((states(count, seed) + 1) / 2).view(count, *SHAPE)


def damaged(x: torch.Tensor, units: int = 8) -> torch.Tensor:
    x = x.clone().flatten(1)
    x[:, :units] = 1 - x[:, :units]
    return x.view(-1, *SHAPE)


def make(storage: str = "pseudo-inverse", patterns: int = 4, order: int | None = None) -> AssociativeMemory:
    return AssociativeMemory(torch.full(SHAPE, 0.5), patterns, storage, order)


@pytest.mark.parametrize("storage", STORAGES)
def test_stored_pictures_come_back_in_their_shape(storage: str) -> None:
    net, x = make(storage), images(4)
    assert net.store(x) == 4
    answer = net(damaged(x))
    assert answer.shape == x.shape
    assert answer.dtype == torch.float32
    torch.testing.assert_close(answer, 2 * x - 1, rtol=0, atol=0.05 if storage == "modern" else 0)
    assert net.recall(net.kept).fixed.all()
    assert not any(p.requires_grad for p in net.parameters())
    assert not net(x.requires_grad_()).requires_grad


def test_energies_and_rest_are_those_of_the_projection() -> None:
    x, probes = states(12), states(30, seed=1)
    w = np.linalg.pinv(x.astype(float)) @ x  # projection onto the rows
    np.fill_diagonal(w, 0)
    net = make(patterns=12)
    net.store(torch.from_numpy((x + 1) / 2).view(12, *SHAPE))
    np.testing.assert_allclose(net.energy(torch.from_numpy(probes)), -((probes @ w) * probes).sum(1) / 2, rtol=1e-5)
    found = net.recall(torch.from_numpy(probes), seed=3)
    rest = found.states.double().numpy()
    assert found.fixed.all()
    assert ((rest @ w) * rest > -1e-5).all()


@pytest.mark.parametrize(("order", "exact"), [(2, False), (None, True)])
def test_the_order_of_the_dense_memory(order: int | None, exact: bool) -> None:
    # order 2 is Hebb's net, for which 20 patterns in 60 units are too many
    net, x = make("dense", 20, order), images(20)
    net.store(x)
    assert torch.equal(net(x), 2 * x - 1) is exact


def test_the_first_ones_are_stored_whatever_the_batches() -> None:
    x, whole, parts = images(9), make(patterns=7), make(patterns=7)
    assert whole.store(x) == 7
    assert [parts.store(part) for part in x.split(3)] == [3, 3, 1]
    assert parts.store(x) == 0
    for net in (whole, parts):
        np.testing.assert_array_equal(net.kept, states(9)[:7])


@pytest.mark.parametrize("storage", STORAGES)
def test_the_memory_follows_the_patterns(storage: str) -> None:
    x = images(4)
    net, other = make(storage), make(storage)
    net.store(x[:2])
    before = net(x)  # the memory is made
    net.store(x[2:])
    other.store(x)
    after = net(x)
    assert torch.equal(after, other(x))
    assert not torch.equal(after, before)
    fresh = make(storage)
    fresh.store(images(3, seed=5))
    fresh(x)
    fresh.load_state_dict(load(save(net.state_dict())))
    assert torch.equal(fresh(x), after)
    assert torch.equal(copy.deepcopy(net)(x), after)
    double = net.double()(damaged(x).double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), after, rtol=0, atol=1e-5)


def test_a_memory_that_is_filled_in_part_goes_on() -> None:
    x, net, again = images(4), make(), make()
    net.store(x[:3])
    again.load_state_dict(net.state_dict())
    assert (again.store(x[3:]), len(again.kept)) == (1, 4)
    assert len(net.kept) == 3
    assert set(net.state_dict()) == {"patterns", "stored"}
    assert net.state_dict()["patterns"].dtype == torch.int8


def test_an_empty_memory() -> None:
    net, x = make(), images(2)
    assert torch.equal(net(x), 2 * x - 1)
    with pytest.raises(DataError, match="at least one stored pattern"):
        net.recall(net.units(x))
    with pytest.raises(DataError, match="at least one stored pattern"):
        net.energy(net.units(x))


def test_recall_repeats_and_keeps_a_trace() -> None:
    net, probes = make("hebbian", 20), torch.from_numpy(states(10, seed=2))
    net.store(images(20))
    first, again, other = (net.recall(probes, seed=seed, trace=True) for seed in (1, 1, 2))
    assert torch.equal(first.states, again.states)
    assert not torch.equal(first.states, other.states)
    assert first.trace is not None
    assert (first.trace.energies.diff(dim=0) <= 1e-9).all()
    assert net.recall(probes, sweeps=1).sweeps.max() == 1


@pytest.mark.parametrize(
    ("storage", "order", "patterns"),
    [("hebbian", None, 9), ("pseudo-inverse", None, 60), ("storkey", None, 22), ("dense", 3, 150)],
)
def test_more_patterns_than_the_memory_holds(storage: str, order: int | None, patterns: int) -> None:
    with pytest.warns(CapacityWarning) as caught:
        make_memory(torch.from_numpy(states(patterns)), storage, order)
    net = make(storage, patterns, order)
    assert net.capacity_notice() == str(caught[0].message)
    assert f"{patterns} patterns in 60 neurons" in str(net.capacity_notice())
    assert net.capacity_notice(2) is None
    net.store(images(patterns))
    assert len(net.recall(net.kept[:1]).states) == 1  # no warning, which would be an error here


def test_memories_that_hold_as_much_as_one_likes() -> None:
    assert make("dense", 300).capacity_notice() is None
    assert make("modern", 300).capacity_notice() is None


@pytest.mark.parametrize("shape", [(4, 1, 5, 5), (60,), (4, 61)])
def test_examples_of_another_size(shape: tuple[int, ...]) -> None:
    net = make()
    for call in (net, net.store):
        with pytest.raises(ShapeError, match=r"layer units: .*60 numbers") as caught:
            call(torch.zeros(shape))
        assert str(shape) in caught.value.got
    assert dict(net.named_modules())["units"] is net.units


def test_what_is_no_picture() -> None:
    net, x = make(), images(3)
    x[1, 0, 2, 2] = float("nan")
    with pytest.raises(NonFiniteError, match="example 1 of the batch"):
        net.store(x)
    with pytest.raises(DataError, match=r"all -1 or all \+1; .*value range"):
        net.store(torch.rand(3, *SHAPE) / 255)
    assert len(net.kept) == 0
    net.store(x[:1])
    assert net.store(torch.zeros(1, *SHAPE)) == 1  # one blank image among others
    with pytest.raises(ConfigError, match="room for at least one, got 0"):
        make(patterns=0)
    with pytest.raises(ConfigError, match=r"storage: expected one of .*modern, got 'hebb'; did you mean hebbian"):
        make("hebb")
