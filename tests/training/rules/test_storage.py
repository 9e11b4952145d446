import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, DataError, NonFiniteError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.plan import permutation
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.connectionist.associative_memory import AssociativeMemory
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.feedforward.mlp import MLP
from neurarium.record.events import EpochEnded, Notice, Stepped
from neurarium.training.checkpoint import pack, unpack
from neurarium.training.recipe import Recipe
from neurarium.training.rules.storage import StorageRule
from neurarium.training.session import build_session

from .setups import batch_of, classes, step, sums
from .setups import make as rule_of

NEURONS = 48


def recipe(**fields) -> Recipe:
    return Recipe(net=HopfieldSpec(**fields), optimizer=Optimizer("sgd", lr=1.0), epochs=1, batch_size=16, seed=3)


def make(shape: tuple[int, ...] = (1, 6, 8), **fields) -> StorageRule:
    rule = rule_of(recipe(**fields), classes(shape, 5))
    assert isinstance(rule, StorageRule)
    return rule


def batch(count: int, seed: int = 0) -> Batch:
    x = torch.rand(count, 1, 6, 8, generator=torch.Generator().manual_seed(seed))
    return batch_of(x)


def states(part: Batch) -> np.ndarray:
    return np.where(part.x.flatten(1).numpy() > 0.5, 1.0, -1.0)


def hebb(x: np.ndarray) -> np.ndarray:
    w = x.T @ x / NEURONS
    np.fill_diagonal(w, 0)
    return w


def test_energy_a_neuron_by_numpy() -> None:
    rule, known, unknown = make(storage="hebbian", patterns=6), batch(6), batch(9, seed=1)
    update, w = step(rule, known), hebb(states(known))

    def energies(x: np.ndarray) -> np.ndarray:
        return -((x @ w) * x).sum(1) / 2 / NEURONS

    assert update.loss == pytest.approx(energies(states(known)).mean())
    assert (update.gradient_norm, update.learning_rate) == (6.0, 1.0)
    loss, _ = sums(rule, unknown)
    assert loss == pytest.approx(energies(states(unknown)).sum())
    assert loss / 9 > update.loss


def test_wrong_units_of_a_memory_that_knows_one_pattern() -> None:
    # with M = x . y the fields are x_i (M - x_i y_i) / n: every state ends in x where M >= 2, in -x where M <= -2
    rule, known, unknown = make(patterns=1, flip=0.0), batch(1), batch(40, seed=1)
    assert step(rule, known).errors == 0.0
    x, y = states(known)[0], states(unknown)
    m = y @ x
    sure = torch.from_numpy(m != 0)
    _, errors = sums(rule, batch_of(unknown.x[sure]))
    assert (m < 0).any()
    assert (m > 0).any()
    assert errors == pytest.approx(sum(1 / 2 - abs(overlap) / NEURONS / 2 for overlap in m[m != 0]))


def test_damage_is_done_before_the_recall() -> None:
    # more than half of the units flipped: the net recalls the opposite
    rule, known = make(patterns=1, flip=0.75), batch(1)
    assert step(rule, known).errors == 1.0
    assert sums(rule, known)[1] == 1.0


def test_errors_are_a_share_of_units_times_the_batch_size() -> None:
    rule, known = make(storage="hebbian", patterns=30, flip=0.0), batch(30)
    update, w, x = step(rule, known), hebb(states(known)), states(known)
    moved = ((x @ w) * x < 0).any(1)
    assert moved.any()  # beyond its capacity: not every pattern rests
    assert 0 < update.errors < 30 * moved.mean()
    again = step(rule, batch(5, seed=1), 1)  # nothing is added: the memory is what it was
    assert again.gradient_norm == 0.0
    assert again.errors / 5 == pytest.approx(update.errors / 30)
    assert again.loss == update.loss


@pytest.mark.parametrize("size", [1, 7, 40])
def test_any_batch_size_stores_the_same(size: int) -> None:
    rule, known = make(patterns=20), batch(40)
    updates = [step(rule, batch_of(part), number) for number, part in enumerate(known.x.split(size))]
    assert sum(update.count for update in updates) == 40
    assert sum(update.gradient_norm for update in updates) == 20
    np.testing.assert_array_equal(rule.net.kept, states(known)[:20])


def test_a_saved_state_goes_on_bit_for_bit() -> None:
    parts = [batch(8, seed) for seed in range(4)]
    straight, first, again = (make(storage="storkey", patterns=20) for _ in range(3))
    for number, part in enumerate(parts):
        expected = step(straight, part, number)
    for number, part in enumerate(parts[:2]):
        step(first, part, number)
    again.net.load_state_dict(first.net.state_dict())
    tensors: dict[str, torch.Tensor] = {}
    again.load_state_dict(unpack(json.loads(json.dumps(pack(first.state_dict(), tensors, "rule"))), tensors))
    for number, part in enumerate(parts[2:], 2):
        update = step(again, part, number)
    assert update == expected
    assert torch.equal(again.net.kept, straight.net.kept)
    assert again.measure(parts[0]) == straight.measure(parts[0])
    again.epoch_ended(0.0)
    straight.load_state_dict(again.state_dict())
    assert straight.finished


def test_nothing_is_stored_twice_where_examples_are_few() -> None:
    rule, known = make(patterns=20), batch(12)
    step(rule, known)
    assert not rule.finished
    rule.epoch_ended(0.0)
    assert rule.finished
    assert step(rule, known, 1).gradient_norm == 0.0
    assert len(rule.net.kept) == 12


def test_measuring_changes_nothing() -> None:
    rule, known = make(patterns=10), batch(10)
    step(rule, known)
    kept, drawn = rule.net.kept, torch.get_rng_state()
    assert rule.measure(batch(7, seed=1)) == rule.measure(batch(7, seed=1))
    assert torch.equal(rule.net.kept, kept)
    assert torch.equal(torch.get_rng_state(), drawn)


@pytest.mark.parametrize("storage", ["pseudo-inverse", "dense", "modern"])
def test_in_the_loop_of_the_trainer(images: Dataset, storage) -> None:
    session = build_session(replace(recipe(patterns=20, storage=storage), epochs=3), images)
    net = session.net
    assert isinstance(net, AssociativeMemory)
    events = list(session.events())
    ended = [event for event in events if isinstance(event, EpochEnded)]
    assert len(ended) == 1
    assert sum(event.gradient_norm for event in events if isinstance(event, Stepped)) == 20
    assert not any(isinstance(event, Notice) for event in events)
    first = permutation(len(images.train), seed=3, epoch=1)[:20]
    raw = images.train.inputs[0][first].flatten(1).numpy()
    np.testing.assert_array_equal(net.kept, np.where(raw > 127, 1.0, -1.0))
    assert ended[0].train["error"] == 0.0
    assert ended[0].train["loss"] < ended[0].validation["loss"]
    assert 0 < ended[0].validation["error"] < 0.5


def test_notices(images) -> None:
    rule = make((1, 28, 28), storage="hebbian", patterns=200)
    rule.start(images.train)
    assert rule.notices[0] == "only 150 training examples: all of them are stored, 200 were wanted"
    assert rule.notices[1].startswith("150 patterns in 784 neurons: Hebb's rule holds about 108.1 random ones")
    assert len(rule.notices) == 2
    modest = make((1, 28, 28), storage="hebbian", patterns=100)
    modest.start(images.train)
    assert modest.notices == []


def test_what_cannot_be_stored() -> None:
    rule, known = make(patterns=5), batch(3)
    known.x[2, 0, 0, 0] = float("inf")
    with pytest.raises(NonFiniteError, match="example 2 of the batch"):
        step(rule, known)
    with pytest.raises(DataError, match="all -1"):
        step(rule, batch_of(known.x[:2] / 255))
    assert len(rule.net.kept) == 0


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"loss": Loss("cross-entropy")}, r"loss\.name"),
        ({"loss": Loss(smoothing=0.1)}, r"loss\.smoothing"),
        ({"optimizer": Optimizer("adam", lr=1.0)}, r"optimizer\.name"),
        ({"optimizer": Optimizer("sgd", lr=1.0, l2=0.1)}, r"optimizer\.l2"),
        ({"schedule": Schedule("cosine")}, r"schedule\.name"),
        ({"augmentation": Augmentation(noise=0.1)}, r"augmentation\.noise"),
        ({"clip_norm": 1.0}, "clip_norm"),
        ({"micro_batches": 2}, "micro_batches"),
        ({"compile": True}, "compile"),
        ({"precision": "bfloat16"}, "precision"),
        ({"gradients": "explicit"}, "gradients"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_settings_of_gradient_descent_are_refused(change, name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: .* for the rule storage of the net hopfield"):
        rule_of(replace(recipe(), **change), classes((6,), 2))


def test_another_net_is_refused() -> None:
    with pytest.raises(ConfigError, match="net: expected a net of the kind Memory for storing patterns, got MLP"):
        rule_of(recipe(), classes((6,), 2), MLP((6, 2)))
