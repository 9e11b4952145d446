import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, DataError, NonFiniteError, ShapeError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.table import Table
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.loss import Loss
from neurarium.learning.losses import one_vs_rest, perceptron, zero_one
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.connectionist.perceptron import learn
from neurarium.nets.connectionist.perceptron_spec import PerceptronSpec
from neurarium.nets.feedforward.mlp import MLP
from neurarium.record.events import EpochEnded
from neurarium.record.schema import Field
from neurarium.tasks.model import Model
from neurarium.tasks.table import task_of
from neurarium.training.checkpoint import pack, unpack
from neurarium.training.recipe import Recipe
from neurarium.training.rules.perceptron import PerceptronRule, separability_notice
from neurarium.training.session import build_session

from .setups import CPU, batch_of, classes, step, sums
from .setups import make as rule_of

TWO = classes((6,), 2)


def recipe(answers="last", lr: float = 1.0) -> Recipe:
    return Recipe(
        net=PerceptronSpec(answers), loss=Loss("perceptron"), optimizer=Optimizer("sgd", lr=lr), batch_size=16
    )


def make(answers="last", lr: float = 1.0, features: int = 6) -> PerceptronRule:
    rule = rule_of(recipe(answers, lr), classes((features,), 2))
    assert isinstance(rule, PerceptronRule)
    return rule


def data(noise: float = 0.1, count: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    x = rng.integers(-5, 6, (count, 6)).astype(np.float32)
    t = (x @ rng.standard_normal(6) > 0).astype(np.int64)
    flipped = rng.random(count) < noise
    return torch.from_numpy(x), torch.from_numpy(np.where(flipped, 1 - t, t))


def batches(x: torch.Tensor, t: torch.Tensor, size: int) -> list[Batch]:
    return [batch_of(a, b) for a, b in zip(x.split(size), t.split(size), strict=True)]


@pytest.mark.parametrize("size", [1, 7, 200])
@pytest.mark.parametrize("answers", ["last", "averaged"])
def test_any_batch_size_is_rosenblatts_rule(answers, size: int) -> None:
    x, t = data()
    rule, updates = make(answers, lr=0.5), []
    for number, batch in enumerate(batches(x, t, size) * 3):
        updates.append(step(rule, batch, number))
    peer = learn(x, t, epochs=3, answers=answers, rate=0.5)
    assert torch.equal(rule.net.weight.data, peer.weight)
    assert rule.net.bias.item() == pytest.approx(peer.bias)
    assert sum(u.errors for u in updates) == rule.mistakes == len(peer.mistakes)
    assert sum(u.count * u.loss for u in updates) == pytest.approx(peer.mistakes.losses.sum())
    assert sum(u.count for u in updates) == 3 * 200


def test_one_example_by_hand() -> None:
    rule, batch = make(lr=2.0, features=2), batch_of(torch.tensor([[3.0, 4.0]]), torch.tensor([0]))
    first = step(rule, batch)  # y = -1, a = 0: w = -2 x, b = -2
    assert (first.loss, first.errors, first.learning_rate) == (0.0, 1.0, 2.0)
    assert first.gradient_norm == pytest.approx(26**0.5)  # |(x, 1)|
    assert rule.net.weight.tolist() == [-6.0, -8.0]
    assert rule.net.bias.item() == -2.0
    right = step(rule, batch, 1)
    assert (right.loss, right.errors, right.gradient_norm) == (0.0, 0.0, 0.0)
    other = batch_of(batch.x, torch.tensor([1]))
    assert sums(rule, other) == (52.0, 1.0)  # -a = 18 + 32 + 2
    assert step(rule, other, 2).loss == 52.0


@pytest.mark.parametrize("answers", ["last", "pocket", "averaged"])
def test_a_saved_state_goes_on_bit_for_bit(answers) -> None:
    parts = batches(*data(), 16)
    straight, first = make(answers), make(answers)
    for number, batch in enumerate(parts):
        step(straight, batch, number)
    for number, batch in enumerate(parts[:5]):
        step(first, batch, number)
    again = make(answers)
    again.net.load_state_dict(first.net.state_dict())
    tensors: dict[str, torch.Tensor] = {}
    values = json.loads(json.dumps(pack(first.state_dict(), tensors, "rule")))
    again.load_state_dict(unpack(values, tensors))
    step(first, parts[0], 5)  # what was saved is a copy
    for number, batch in enumerate(parts[5:], 5):
        step(again, batch, number)
    for rule in (straight, again):
        rule.epoch_ended(0.0)
    ours, theirs = again.state_dict(), straight.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(torch.as_tensor(ours[k]), torch.as_tensor(theirs[k])) for k in ours)
    for a, b in zip(again.net.parameters(), straight.net.parameters(), strict=True):
        assert torch.equal(a, b)


def test_finished_after_an_epoch_without_a_mistake() -> None:
    x, t = data(noise=0.0)
    rule, epochs = make(), 0
    while not rule.finished:
        for number, batch in enumerate(batches(x, t, 32)):
            step(rule, batch, number)
        rule.epoch_ended(0.0)
        epochs += 1
    assert epochs == learn(x, t).epochs
    assert sums(rule, batch_of(x, t)) == (0.0, 0.0)
    table = Table((x,), (t,), TWO)
    scores = task_of(recipe(), TWO).score(Model(rule.net, CPU.device), Dataset("six", *(table,) * 3, TWO), "test")
    assert scores.details["accuracy"] == 1.0
    assert scores.loss == 0.0


def test_measuring_changes_nothing_and_agrees_with_the_loss() -> None:
    x, t = data()
    rule = make("averaged")
    step(rule, batch_of(x, t))
    before = rule.state_dict()
    loss, errors = sums(rule, batch_of(x, t))
    outputs = rule.net(x)
    assert loss == pytest.approx(one_vs_rest(perceptron, outputs, t).item() * len(x), rel=1e-5)
    assert errors == zero_one(outputs, t).item()
    after = rule.state_dict()
    assert all(torch.equal(torch.as_tensor(before[k]), torch.as_tensor(after[k])) for k in before)


def test_notices() -> None:
    x, t = data(noise=0.0)
    text = separability_notice(Table((x,), (t,), TWO))
    assert "a hyperplane separates the 200 training examples" in text
    allowed = int(text.split("at most ")[1].split(" mistakes")[0].replace(",", ""))
    assert len(learn(x, t).mistakes) <= allowed
    corners = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    text = separability_notice(Table((corners,), (torch.tensor([1, 1, 0, 0]),), classes((2,), 2)))
    assert "no hyperplane separates the 4 training examples" in text
    assert text.count("1/4 of example") == 4
    assert "--net.answers pocket or averaged" in text
    with pytest.raises(DataError, match="two classes"):
        separability_notice(Table((corners,), (torch.tensor([0, 1, 2, 0]),), classes((2,), 3)))


def test_examples_that_are_no_numbers_stop_before_the_update() -> None:
    x, t = data()
    rule = make()
    step(rule, batch_of(x[:16], t[:16]))
    before = rule.net.weight.detach().clone()
    x[20, 3] = float("inf")
    with pytest.raises(NonFiniteError, match="step 2, example 4 of the batch"):
        step(rule, batch_of(x[16:32], t[16:32]), 1)
    assert torch.equal(rule.net.weight.data, before)


def test_batches_that_do_not_fit() -> None:
    x, t = data()
    rule = make()
    with pytest.raises(ShapeError, match="6 numbers"):
        step(rule, batch_of(x[:, :5], t))
    with pytest.raises(DataError, match="two classes"):
        step(rule, batch_of(x, t + 1))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"loss": Loss("cross-entropy")}, r"loss\.name"),
        ({"loss": Loss("perceptron", smoothing=0.1)}, r"loss\.smoothing"),
        ({"optimizer": Optimizer("momentum", lr=1.0)}, r"optimizer\.name"),
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
    with pytest.raises(ConfigError, match=f"^{name}: .* for the rule perceptron of the net perceptron"):
        rule_of(replace(recipe(), **change), TWO)


def test_its_own_loss_goes_without_saying() -> None:
    rule_of(replace(recipe(), loss=Loss()), TWO)


def test_another_net_is_refused() -> None:
    with pytest.raises(ConfigError, match="net: expected a net of the kind Hyperplane for Rosenblatt's rule, got MLP"):
        rule_of(recipe(), TWO, MLP((6, 2)))


def test_in_the_loop_of_the_trainer(vectors: Dataset) -> None:
    schema = vectors.schema.with_fields(label=Field((), vectors.schema.classes[:2]))

    def two(part: Table) -> Table:
        kept = part.targets[0] < 2
        return Table((part.inputs[0][kept],), (part.targets[0][kept],), schema)

    parts = {name: two(part) for name, part in vectors.parts().items()}
    dataset = replace(vectors, schema=schema, **parts)
    session = build_session(replace(recipe("averaged"), epochs=4), dataset)
    rule = session.rule
    events = list(session.events())
    assert rule.finished
    ended = [event for event in events if isinstance(event, EpochEnded)]
    assert len(ended) == 4
    assert ended[-1].train == {"loss": 0.0, "error": 0.0}
    assert sum(event.train["error"] for event in ended) * len(dataset.train) == pytest.approx(rule.mistakes)
    found = separability_notice(dataset.train)
    assert rule.mistakes <= int(found.split("at most ")[1].split(" mistakes")[0].replace(",", ""))
