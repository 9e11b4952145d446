import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, DataError, NonFiniteError
from neurarium.data.batch import Batch
from neurarium.data.batches import permutation
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.criterion import Criterion
from neurarium.learning.objective import Objective
from neurarium.learning.optimisers import Optimiser
from neurarium.learning.schedules import Schedule
from neurarium.nets.connectionist.associative_memory import AssociativeMemory
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.feedforward.mlp import MLP
from neurarium.record.events import EpochEnded, Notice, Stepped
from neurarium.training import loop
from neurarium.training.checkpoint import pack, unpack
from neurarium.training.device import Placement
from neurarium.training.interrupt import StopRequest
from neurarium.training.progress import Progress
from neurarium.training.recipe import Recipe
from neurarium.training.rule import LearningRule
from neurarium.training.storage_rule import StorageRule

CPU = Placement(torch.device("cpu"))
NEURONS = 48


def recipe(**fields) -> Recipe:
    return Recipe(
        net=HopfieldSpec(**fields),
        objective=Objective("own"),
        optimiser=Optimiser("sgd", lr=1.0),
        epochs=1,
        batch_size=16,
        seed=3,
    )


def criterion() -> Criterion:
    def never(*args):
        raise AssertionError("the rule has its own")

    return Criterion(loss=never, error=never)


def make(shape: tuple[int, ...] = (1, 6, 8), scaling=(None, None), **fields) -> StorageRule:
    chosen = recipe(**fields)
    return StorageRule(chosen.net.build(shape, 5, *scaling), chosen, CPU, criterion(), total_steps=10)


def batch(count: int, seed: int = 0) -> Batch:
    x = torch.rand(count, 1, 6, 8, generator=torch.Generator().manual_seed(seed))
    return Batch(x, torch.zeros(count, dtype=torch.int64))


def states(part: Batch) -> np.ndarray:
    return np.where(part.inputs.flatten(1).numpy() > 0.5, 1.0, -1.0)


def hebb(x: np.ndarray) -> np.ndarray:
    w = x.T @ x / NEURONS
    np.fill_diagonal(w, 0)
    return w


def test_energy_a_neuron_by_numpy() -> None:
    rule, known, unknown = make(storage="hebbian", patterns=6), batch(6), batch(9, seed=1)
    update, w = rule.step(known, 0), hebb(states(known))

    def energies(x: np.ndarray) -> np.ndarray:
        return -((x @ w) * x).sum(1) / 2 / NEURONS

    assert update.objective == pytest.approx(energies(states(known)).mean())
    assert (update.gradient_norm, update.learning_rate) == (6.0, 1.0)
    objective, _ = rule.measure(unknown)
    assert objective == pytest.approx(energies(states(unknown)).sum())
    assert objective / 9 > update.objective


def test_wrong_units_of_a_memory_that_knows_one_pattern() -> None:
    # with M = x . y the fields are x_i (M - x_i y_i) / n: every state ends in x where M >= 2, in -x where M <= -2
    rule, known, unknown = make(patterns=1, flip=0.0), batch(1), batch(40, seed=1)
    assert rule.step(known, 0).errors == 0.0
    x, y = states(known)[0], states(unknown)
    m = y @ x
    sure = torch.from_numpy(m != 0)
    _, errors = rule.measure(Batch(unknown.inputs[sure], unknown.targets[sure]))
    assert (m < 0).any()
    assert (m > 0).any()
    assert errors == pytest.approx(sum(1 / 2 - abs(overlap) / NEURONS / 2 for overlap in m[m != 0]))


def test_damage_is_done_before_the_recall() -> None:
    # more than half of the units turned round: the net recalls the opposite
    rule, known = make(patterns=1, flip=0.75), batch(1)
    assert rule.step(known, 0).errors == 1.0
    assert rule.measure(known)[1] == 1.0


def test_errors_are_a_share_of_units_times_the_batch_size() -> None:
    rule, known = make(storage="hebbian", patterns=30, flip=0.0), batch(30)
    update, w, x = rule.step(known, 0), hebb(states(known)), states(known)
    moved = ((x @ w) * x < 0).any(1)
    assert moved.any()  # beyond its capacity: not every pattern rests
    assert 0 < update.errors < 30 * moved.mean()
    again = rule.step(batch(5, seed=1), 1)  # nothing is added: the memory is what it was
    assert again.gradient_norm == 0.0
    assert again.errors / 5 == pytest.approx(update.errors / 30)
    assert again.objective == update.objective


@pytest.mark.parametrize("size", [1, 7, 40])
def test_any_batch_size_stores_the_same(size: int) -> None:
    rule, known = make(patterns=20), batch(40)
    parts = zip(known.inputs.split(size), known.targets.split(size), strict=True)
    updates = [rule.step(Batch(*part), step) for step, part in enumerate(parts)]
    assert sum(update.gradient_norm for update in updates) == 20
    np.testing.assert_array_equal(rule.net.kept, states(known)[:20])
    assert isinstance(rule, LearningRule)


def test_a_saved_state_goes_on_bit_for_bit() -> None:
    parts = [batch(8, seed) for seed in range(4)]
    straight, first, again = (make(storage="storkey", patterns=20) for _ in range(3))
    for step, part in enumerate(parts):
        expected = straight.step(part, step)
    for step, part in enumerate(parts[:2]):
        first.step(part, step)
    again.net.load_state_dict(first.net.state_dict())
    tensors: dict[str, torch.Tensor] = {}
    again.load_state_dict(unpack(json.loads(json.dumps(pack(first.state_dict(), tensors, "rule"))), tensors))
    for step, part in enumerate(parts[2:], 2):
        update = again.step(part, step)
    assert update == expected
    assert torch.equal(again.net.kept, straight.net.kept)
    assert again.measure(parts[0]) == straight.measure(parts[0])
    again.epoch_ended(0.0)
    straight.load_state_dict(again.state_dict())
    assert straight.finished


def test_nothing_is_stored_twice_where_examples_are_few() -> None:
    rule, known = make(patterns=20), batch(12)
    rule.step(known, 0)
    assert not rule.finished
    rule.epoch_ended(0.0)
    assert rule.finished
    assert rule.step(known, 1).gradient_norm == 0.0
    assert len(rule.net.kept) == 12


def test_measuring_changes_nothing() -> None:
    rule, known = make(patterns=10), batch(10)
    rule.step(known, 0)
    kept, drawn = rule.net.kept, torch.get_rng_state()
    assert rule.measure(batch(7, seed=1)) == rule.measure(batch(7, seed=1))
    assert torch.equal(rule.net.kept, kept)
    assert torch.equal(torch.get_rng_state(), drawn)


@pytest.mark.parametrize("storage", ["pseudo-inverse", "dense", "modern"])
def test_in_the_loop_of_the_trainer(images, storage) -> None:
    chosen = replace(recipe(patterns=20, storage=storage), epochs=3)
    net = chosen.net.build(images.shape, 5, images.scaling.mean, images.scaling.std)
    assert isinstance(net, AssociativeMemory)
    rule = StorageRule(net, chosen, CPU, criterion(), 30)
    events = list(loop.learn(rule, images, chosen, CPU, Progress(), loop.BestWeights(), StopRequest()))
    ended = [event for event in events if isinstance(event, EpochEnded)]
    assert len(ended) == 1
    assert sum(event.gradient_norm for event in events if isinstance(event, Stepped)) == 20
    assert not any(isinstance(event, Notice) for event in events)
    first = permutation(len(images.train), seed=3, epoch=1)[:20]
    raw = images.train.inputs[first].flatten(1).numpy()
    np.testing.assert_array_equal(net.kept, np.where(raw > 127, 1.0, -1.0))
    assert ended[0].train["error"] == 0.0
    assert ended[0].train["objective"] < ended[0].development["objective"]
    assert 0 < ended[0].development["error"] < 0.5


def test_notices(images) -> None:
    rule = make((1, 28, 28), storage="hebbian", patterns=200)
    rule.look_at(images.train)
    assert rule.notices[0] == "only 150 training examples: all of them are stored, 200 were wanted"
    assert rule.notices[1].startswith("150 patterns in 784 neurons: Hebb's rule holds about 108.1 random ones")
    assert len(rule.notices) == 2
    modest = make((1, 28, 28), storage="hebbian", patterns=100)
    modest.look_at(images.train)
    assert modest.notices == []


def test_what_cannot_be_stored() -> None:
    rule, known = make(patterns=5), batch(3)
    known.inputs[2, 0, 0, 0] = float("inf")
    with pytest.raises(NonFiniteError, match="example 2 of the batch"):
        rule.step(known, 0)
    with pytest.raises(DataError, match="all -1"):
        rule.step(Batch(known.inputs[:2] / 255, known.targets[:2]), 0)
    assert len(rule.net.kept) == 0


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"objective": Objective()}, "objective"),
        ({"optimiser": Optimiser("adam", lr=1.0)}, "optimiser"),
        ({"optimiser": Optimiser("sgd", lr=1.0, l2=0.1)}, "optimiser"),
        ({"schedule": Schedule("cosine")}, "schedule"),
        ({"augmentation": Augmentation(noise=0.1)}, "augmentation"),
        ({"clip_norm": 1.0}, "clip_norm"),
        ({"accumulate": 2}, "accumulate"),
        ({"compile": True}, "compile"),
        ({"precision": "bfloat16"}, "precision"),
        ({"gradients": "explicit"}, "gradients"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_settings_of_gradient_descent_are_refused(change, name: str) -> None:
    wrong = replace(recipe(), **change)
    with pytest.raises(ConfigError, match=f"{name}: .* for a Hopfield network"):
        StorageRule(wrong.net.build((6,), 2), wrong, CPU, criterion(), 10)


def test_another_net_is_refused() -> None:
    with pytest.raises(ConfigError, match="got MLP"):
        StorageRule(MLP((6, 2)), recipe(), CPU, criterion(), 10)
