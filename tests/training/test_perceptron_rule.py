import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, DataError, NonFiniteError, ShapeError
from neurarium.data.batch import Batch
from neurarium.data.examples import Dense
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.objective import Objective
from neurarium.learning.optimisers import Optimiser
from neurarium.learning.schedules import Schedule
from neurarium.nets.connectionist.perceptron import learn
from neurarium.nets.connectionist.perceptron_spec import PerceptronSpec
from neurarium.nets.feedforward.mlp import MLP
from neurarium.record.events import EpochEnded
from neurarium.training import loop
from neurarium.training.checkpoint import pack, unpack
from neurarium.training.device import Placement
from neurarium.training.evaluation import evaluate
from neurarium.training.interrupt import StopRequest
from neurarium.training.perceptron_rule import PerceptronRule, separability_notice
from neurarium.training.progress import Progress
from neurarium.training.recipe import Recipe
from neurarium.training.rule import LearningRule

CPU = Placement(torch.device("cpu"))


def recipe(answers="last", lr: float = 1.0) -> Recipe:
    return Recipe(
        net=PerceptronSpec(answers), objective=Objective("perceptron"), optimiser=Optimiser("sgd", lr=lr), batch_size=16
    )


def make(answers="last", lr: float = 1.0, features: int = 6) -> PerceptronRule:
    chosen = recipe(answers, lr)
    net = chosen.net.build((features,), 2)
    return PerceptronRule(net, chosen, CPU, chosen.objective.build(), total_steps=10)


def rule_criterion():
    return Objective("perceptron").build()


def data(noise: float = 0.1, count: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    x = rng.integers(-5, 6, (count, 6)).astype(np.float32)
    t = (x @ rng.standard_normal(6) > 0).astype(np.int64)
    flipped = rng.random(count) < noise
    return torch.from_numpy(x), torch.from_numpy(np.where(flipped, 1 - t, t))


def batches(x: torch.Tensor, t: torch.Tensor, size: int) -> list[Batch]:
    return [Batch(a, b) for a, b in zip(x.split(size), t.split(size), strict=True)]


@pytest.mark.parametrize("size", [1, 7, 200])
@pytest.mark.parametrize("answers", ["last", "averaged"])
def test_any_batch_size_is_rosenblatts_rule(answers, size: int) -> None:
    x, t = data()
    rule, updates = make(answers, lr=0.5), []
    for step, batch in enumerate(batches(x, t, size) * 3):
        updates.append((len(batch), rule.step(batch, step)))
    peer = learn(x, t, epochs=3, answers=answers, rate=0.5)
    assert torch.equal(rule.net.weight.data, peer.weight)
    assert rule.net.bias.item() == pytest.approx(peer.bias)
    assert sum(u.errors for _, u in updates) == rule.mistakes == len(peer.mistakes)
    assert sum(n * u.objective for n, u in updates) == pytest.approx(peer.mistakes.losses.sum())
    assert isinstance(rule, LearningRule)


def test_one_example_by_hand() -> None:
    rule, batch = make(lr=2.0, features=2), Batch(torch.tensor([[3.0, 4.0]]), torch.tensor([0]))
    first = rule.step(batch, 0)  # y = -1, a = 0: w = -2 x, b = -2
    assert (first.objective, first.errors, first.learning_rate) == (0.0, 1.0, 2.0)
    assert first.gradient_norm == pytest.approx(26**0.5)  # |(x, 1)|
    assert rule.net.weight.tolist() == [-6.0, -8.0]
    assert rule.net.bias.item() == -2.0
    right = rule.step(batch, 1)
    assert (right.objective, right.errors, right.gradient_norm) == (0.0, 0.0, 0.0)
    other = Batch(batch.inputs, torch.tensor([1]))
    assert rule.measure(other) == (52.0, 1.0)  # -a = 18 + 32 + 2
    assert rule.step(other, 2).objective == 52.0


@pytest.mark.parametrize("answers", ["last", "pocket", "averaged"])
def test_a_saved_state_goes_on_bit_for_bit(answers) -> None:
    parts = batches(*data(), 16)
    straight, first = make(answers), make(answers)
    for step, batch in enumerate(parts):
        straight.step(batch, step)
    for step, batch in enumerate(parts[:5]):
        first.step(batch, step)
    again = make(answers)
    again.net.load_state_dict(first.net.state_dict())
    tensors: dict[str, torch.Tensor] = {}
    values = json.loads(json.dumps(pack(first.state_dict(), tensors, "rule")))
    again.load_state_dict(unpack(values, tensors))
    first.step(parts[0], 5)  # what was saved is a copy
    for step, batch in enumerate(parts[5:], 5):
        again.step(batch, step)
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
        for step, batch in enumerate(batches(x, t, 32)):
            rule.step(batch, step)
        rule.epoch_ended(0.0)
        epochs += 1
    assert epochs == learn(x, t).epochs
    assert rule.measure(Batch(x, t)) == (0.0, 0.0)
    score = evaluate(rule.net, Dense(x, t, None), rule_criterion(), ("no", "yes"), CPU)
    assert score.accuracy == 1.0
    assert score.objective == 0.0


def test_measuring_changes_nothing_and_agrees_with_the_objective() -> None:
    x, t = data()
    rule = make("averaged")
    rule.step(Batch(x, t), 0)
    before = rule.state_dict()
    objective, errors = rule.measure(Batch(x, t))
    outputs = rule.net(x)
    assert objective == pytest.approx(rule_criterion().loss(outputs, t, x).item() * len(x), rel=1e-5)
    assert errors == rule_criterion().error(outputs, t, x).item()
    after = rule.state_dict()
    assert all(torch.equal(torch.as_tensor(before[k]), torch.as_tensor(after[k])) for k in before)


def test_notices() -> None:
    x, t = data(noise=0.0)
    text = separability_notice(Dense(x, t, None))
    assert "a hyperplane separates the 200 training examples" in text
    allowed = int(text.split("at most ")[1].split(" mistakes")[0].replace(",", ""))
    assert len(learn(x, t).mistakes) <= allowed
    corners = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    text = separability_notice(Dense(corners, torch.tensor([1, 1, 0, 0]), None))
    assert "no hyperplane separates the 4 training examples" in text
    assert text.count("1/4 of example") == 4
    assert "--net.answers pocket or averaged" in text
    with pytest.raises(DataError, match="two classes"):
        separability_notice(Dense(corners, torch.tensor([0, 1, 2, 0]), None))


def test_examples_that_are_no_numbers_stop_before_the_update() -> None:
    x, t = data()
    rule = make()
    rule.step(Batch(x[:16], t[:16]), 0)
    before = rule.net.weight.detach().clone()
    x[20, 3] = float("inf")
    with pytest.raises(NonFiniteError, match="step 2, example 4 of the batch"):
        rule.step(Batch(x[16:32], t[16:32]), 1)
    assert torch.equal(rule.net.weight.data, before)


def test_batches_that_do_not_fit() -> None:
    x, t = data()
    rule = make()
    with pytest.raises(ShapeError, match="6 numbers"):
        rule.step(Batch(x[:, :5], t), 0)
    with pytest.raises(DataError, match="two classes"):
        rule.step(Batch(x, t + 1), 0)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"objective": Objective()}, "objective"),
        ({"optimiser": Optimiser("momentum", lr=1.0)}, "optimiser"),
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
    with pytest.raises(ConfigError, match=name):
        PerceptronRule(wrong.net.build((6,), 2), wrong, CPU, rule_criterion(), 10)


def test_another_net_is_refused() -> None:
    with pytest.raises(ConfigError, match="got MLP"):
        PerceptronRule(MLP((6, 2)), recipe(), CPU, rule_criterion(), 10)


def test_in_the_loop_of_the_trainer(vectors) -> None:
    def two(part: Dense) -> Dense:
        kept = part.targets < 2
        return Dense(part.inputs[kept], part.targets[kept], part.scaling)

    parts = {name: two(getattr(vectors, name)) for name in ("train", "development", "test")}
    dataset = replace(vectors, **parts, classes=vectors.classes[:2])
    chosen = replace(recipe("averaged"), epochs=4)
    net = chosen.net.build(dataset.shape, 2)
    rule = PerceptronRule(net, chosen, CPU, rule_criterion(), 16)
    events = list(loop.learn(rule, dataset, chosen, CPU, Progress(), loop.BestWeights(), StopRequest()))
    assert rule.finished
    ended = [event for event in events if isinstance(event, EpochEnded)]
    assert len(ended) == 4
    assert ended[-1].train == {"objective": 0.0, "error": 0.0}
    assert sum(event.train["error"] for event in ended) * len(dataset.train) == pytest.approx(rule.mistakes)
    found = separability_notice(dataset.train)
    assert rule.mistakes <= int(found.split("at most ")[1].split(" mistakes")[0].replace(",", ""))
