from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense, Examples
from neurarium.learning.early_stopping import EarlyStopping
from neurarium.nets.generative.specs import GANSpec
from neurarium.record.events import EpochEnded, Event, Notice, Started, Stepped, Stopped
from neurarium.training.device import Placement
from neurarium.training.interrupt import StopRequest
from neurarium.training.loop import BestWeights, learn, measure
from neurarium.training.progress import Progress
from neurarium.training.recipe import Recipe
from neurarium.training.rule import LearningRule, Update

from ..conftest import make_toy

CPU = Placement(torch.device("cpu"))
RECIPE = Recipe(name="scripted", epochs=3, batch_size=4)


class Scripted:
    """A rule that learns nothing and says what it is told: its one weight counts the updates."""

    def __init__(
        self,
        measured: Callable[[int], tuple[float, float]] = lambda epoch: (1.0, 0.5),
        ends_after: int | None = None,
        says: dict[int, list[str]] | None = None,
    ) -> None:
        self.net: nn.Module = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.net.weight)
        self.finished = False
        self.says = says or {}
        self.notices: list[str] = []
        self.measured, self.ends_after = measured, ends_after
        self.looked, self.epochs, self.scores = 0, 0, []
        self.seen: list[torch.Tensor] = []
        self.modes: list[bool] = []

    def look_at(self, examples: Examples) -> None:
        self.looked += 1
        self.notices += self.says.get(0, [])

    def step(self, batch: Batch, step: int) -> Update:
        assert self.net.training
        self.seen.append(batch.inputs)
        with torch.no_grad():
            self.net.weight += 1
        return Update(objective=10.0 + step, errors=1.0, gradient_norm=2.0 + step, learning_rate=0.1)

    def measure(self, batch: Batch) -> tuple[float, float]:
        self.modes.append(self.net.training)
        objective, error = self.measured(self.epochs + 1)
        return objective * len(batch), error * len(batch)

    def epoch_ended(self, score: float) -> None:
        self.epochs += 1
        self.scores.append(score)
        self.finished = self.epochs == self.ends_after
        self.notices += self.says.get(self.epochs, [])

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


def data(development: int = 4) -> Dataset:
    """10 examples, two batches of 4 and one of 2."""
    return make_toy((3,), 2, (10, development, 0))


def events_of(
    rule: Scripted,
    recipe: Recipe = RECIPE,
    dataset: Dataset | None = None,
    progress: Progress | None = None,
    best: BestWeights | None = None,
    stop: StopRequest | None = None,
) -> list[Event]:
    stream = learn(
        rule, dataset or data(), recipe, CPU, progress or Progress(), best or BestWeights(), stop or StopRequest()
    )
    return list(stream)


def kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events]


EPOCH = [Stepped, Stepped, Stepped, EpochEnded]


def test_it_is_a_rule() -> None:
    assert isinstance(Scripted(), LearningRule)


def test_events_come_in_order_with_their_numbers() -> None:
    rule = Scripted()
    events = events_of(rule)
    assert kinds(events) == [Started, *EPOCH * 3, Stopped]
    first, last = events[0], events[-1]
    assert (first.name, first.epochs, first.steps_per_epoch, first.step) == ("scripted", 3, 3, 0)
    assert (first.parameters, first.task) == (1, "classification")
    steps = [event for event in events if isinstance(event, Stepped)]
    assert [(s.step, s.epoch, s.position) for s in steps] == [
        (3 * e + p, e + 1, p) for e in range(3) for p in (1, 2, 3)
    ]
    assert [s.objective for s in steps] == [10.0 + k for k in range(9)]
    assert (last.reason, last.epoch, last.step, last.best_epoch) == ("finished", 4, 9, 1)
    ended = [event for event in events if isinstance(event, EpochEnded)]
    # batches of 4, 4 and 2 examples, a mistake each
    assert ended[0].train == pytest.approx({"objective": (4 * 10 + 4 * 11 + 2 * 12) / 10, "error": 0.3})
    assert ended[1].gradient_norm == pytest.approx((5 + 6 + 7) / 3)
    assert ended[0].development == pytest.approx({"objective": 1.0, "error": 0.5})
    assert rule.modes == [False] * 3


def test_each_epoch_sees_every_example_once() -> None:
    rule, dataset = Scripted(), data()
    events_of(rule, dataset=dataset)
    everything = dataset.train.gather(torch.arange(10)).inputs
    for epoch in range(3):
        seen = torch.cat(rule.seen[3 * epoch : 3 * epoch + 3])
        assert sorted(seen.tolist()) == sorted(everything.tolist())
    assert not torch.equal(rule.seen[0], rule.seen[3])


def test_notices_are_passed_on_once_and_before_the_first_step() -> None:
    rule = Scripted(says={0: ["looked", "twice"], 2: ["half way"]})
    events = events_of(rule)
    assert kinds(events) == [Started, Notice, Notice, *EPOCH * 2, Notice, *EPOCH, Stopped]
    assert [e.message for e in events if isinstance(e, Notice)] == ["looked", "twice", "half way"]
    assert rule.notices == []


def test_a_rule_looks_at_the_examples_before_the_first_step_alone() -> None:
    rule, progress, stop = Scripted(says={0: ["looked"]}), Progress(), StopRequest()
    stop()
    events = events_of(rule, progress=progress, stop=stop)
    assert kinds(events) == [Started, Notice, Stepped, Stopped]
    assert (events[-1].reason, events[-1].step) == ("interrupted", 1)
    again = events_of(rule, progress=progress)
    assert kinds(again) == [Started, Stepped, Stepped, EpochEnded, *EPOCH * 2, Stopped]
    assert again[0].step == 1
    assert rule.looked == 1
    everything = data().train.gather(torch.arange(10)).inputs
    assert sorted(torch.cat(rule.seen[:3]).tolist()) == sorted(everything.tolist())


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_rule_that_has_finished_stops_the_run(after: int) -> None:
    events = events_of(Scripted(ends_after=after, says={after: ["nothing left"]}))
    assert kinds(events) == [Started, *EPOCH * after, Notice, Stopped]
    assert (events[-1].reason, events[-1].step) == ("converged", 3 * after)


def test_a_rule_that_had_finished_before_learns_no_more() -> None:
    rule = Scripted()
    rule.finished = True
    events = events_of(rule)
    assert kinds(events) == [Started, Stopped]
    assert events[-1].reason == "converged"


def test_early_stopping_by_the_development_set() -> None:
    course = {1: 0.5, 2: 0.3, 3: 0.4, 4: 0.35, 5: 0.1}
    recipe = replace(RECIPE, epochs=9, early_stopping=EarlyStopping(patience=2))
    rule, best = Scripted(lambda epoch: (1.0, course[epoch])), BestWeights()
    events = events_of(rule, recipe, best=best)
    ended = [event for event in events if isinstance(event, EpochEnded)]
    assert [event.best for event in ended] == [True, True, False, False]
    assert (events[-1].reason, events[-1].best_epoch) == ("early", 2)
    assert rule.scores == pytest.approx([0.5, 0.3, 0.4, 0.35])
    # a copy of the weights after epoch 2, which later updates have not touched
    assert best.state["weight"].item() == 6
    assert rule.net.weight.item() == 12


def test_another_score_may_be_watched() -> None:
    recipe = replace(RECIPE, early_stopping=EarlyStopping(monitor="objective"))
    rule = Scripted(lambda epoch: (4.0 - epoch, 0.1 * epoch))
    assert events_of(rule, recipe)[-1].best_epoch == 3
    assert rule.scores == pytest.approx([3.0, 2.0, 1.0])


def test_where_no_score_is_watched_no_epoch_is_the_best() -> None:
    best, rule = BestWeights(), Scripted(lambda epoch: (4.0 - epoch, 0.5))
    events = events_of(rule, replace(RECIPE, early_stopping=EarlyStopping(monitor="nothing")), best=best)
    assert not any(event.best for event in events if isinstance(event, EpochEnded))
    assert (events[-1].reason, events[-1].best_epoch, best.state) == ("finished", None, {})
    assert rule.scores == pytest.approx([3.0, 2.0, 1.0])


def test_without_a_development_set_the_training_scores_decide() -> None:
    rule = Scripted(lambda epoch: pytest.fail("nothing to measure"))
    recipe = replace(RECIPE, early_stopping=EarlyStopping(monitor="objective"))
    events = events_of(rule, recipe, data(development=0))
    ended = [event for event in events if isinstance(event, EpochEnded)]
    assert [event.development for event in ended] == [{}, {}, {}]
    assert rule.scores == pytest.approx([event.train["objective"] for event in ended])
    assert events[-1].best_epoch == 1  # the scripted objective rises


def test_the_start_names_what_the_net_is_for() -> None:
    assert events_of(Scripted(), replace(RECIPE, net=GANSpec()))[0].task == "generation"


def test_measuring_weighs_batches_by_their_examples() -> None:
    class Counting(Scripted):
        def measure(self, batch: Batch) -> tuple[float, float]:
            return float(batch.inputs.sum()), float((batch.inputs > 0).sum())

    x = torch.randn(2300, 1, generator=torch.Generator().manual_seed(0))
    rule = Counting()
    rule.net.train()
    found = measure(rule, Dense(x, torch.zeros(2300, dtype=torch.int64)), CPU.device)
    assert found == pytest.approx({"objective": x.mean().item(), "error": (x > 0).double().mean().item()}, rel=1e-4)
    assert not rule.net.training
    assert measure(rule, Dense(x[:0], torch.zeros(0, dtype=torch.int64)), CPU.device) == {}
