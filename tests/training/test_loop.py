from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.ragged import Ragged
from neurarium.data.table import Table
from neurarium.learning.early_stopping import EarlyStopping
from neurarium.record.events import EpochEnded, Event, Notice, Started, Stepped, Stopped
from neurarium.record.schema import Field, Schema
from neurarium.tasks.task import Context
from neurarium.training.device import DeviceConfig
from neurarium.training.interrupt import StopRequest
from neurarium.training.loop import BestWeights, learn, means_of, measure, steps_per_epoch
from neurarium.training.progress import Progress
from neurarium.training.recipe import Recipe
from neurarium.training.rules.rule import LearningRule, Sums, Update

from ..conftest import make_toy

CPU = DeviceConfig(torch.device("cpu"))
RECIPE = Recipe(name="scripted", epochs=3, batch_size=4)


class Scripted(LearningRule):
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
        self.parts: list[tuple[int, ...]] = []
        self.contexts: list[Context] = []
        self.modes: list[bool] = []

    def start(self, examples: Examples) -> None:
        self.looked += 1
        self.notices += self.says.get(0, [])

    def step(self, parts: tuple[Batch, ...], context: Context) -> Update:
        assert self.net.training
        self.contexts.append(context)
        self.parts.append(tuple(part.size for part in parts))
        self.seen.append(torch.cat([part.x for part in parts]))
        step, count = context.step, float(sum(part.size for part in parts))
        with torch.no_grad():
            self.net.weight += 1
        return Update(10.0 + step, errors=1.0, gradient_norm=2.0 + step, learning_rate=0.1, count=count)

    def measure(self, batch: Batch) -> Sums:
        self.modes.append(self.net.training)
        loss, error = self.measured(self.epochs + 1)
        return Sums.of_examples(loss, error * len(batch), len(batch))

    def epoch_ended(self, score: float) -> None:
        self.epochs += 1
        self.scores.append(score)
        self.finished = self.epochs == self.ends_after
        self.notices += self.says.get(self.epochs, [])


def data(validation: int = 4) -> Dataset:
    """10 examples, two batches of 4 and one of 2."""
    return make_toy((3,), 2, (10, validation, 0))


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
    assert [s.loss for s in steps] == [10.0 + k for k in range(9)]
    assert (last.reason, last.epoch, last.step, last.best_epoch) == ("finished", 4, 9, 1)
    ended = [event for event in events if isinstance(event, EpochEnded)]
    # batches of 4, 4 and 2 examples, a mistake each
    assert ended[0].train == pytest.approx({"loss": (4 * 10 + 4 * 11 + 2 * 12) / 10, "error": 0.3})
    assert ended[1].gradient_norm == pytest.approx((5 + 6 + 7) / 3)
    assert ended[0].validation == pytest.approx({"loss": 1.0, "error": 0.5})
    assert rule.modes == [False] * 3
    assert rule.contexts == [Context(0, e + 1, 3 * e + p, training=True) for e in range(3) for p in range(3)]
    assert rule.parts == [(4,), (4,), (2,)] * 3


def test_each_epoch_sees_every_example_once() -> None:
    rule, dataset = Scripted(), data()
    events_of(rule, dataset=dataset)
    everything = dataset.train.gather(torch.arange(10)).x
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
    everything = data().train.gather(torch.arange(10)).x
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


def test_early_stopping_by_the_validation_set() -> None:
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
    recipe = replace(RECIPE, early_stopping=EarlyStopping(monitor="loss"))
    rule = Scripted(lambda epoch: (4.0 - epoch, 0.1 * epoch))
    assert events_of(rule, recipe)[-1].best_epoch == 3
    assert rule.scores == pytest.approx([3.0, 2.0, 1.0])


def test_where_no_score_is_watched_no_epoch_is_the_best() -> None:
    best, rule = BestWeights(), Scripted(lambda epoch: (4.0 - epoch, 0.5))
    events = events_of(rule, replace(RECIPE, early_stopping=EarlyStopping(monitor="nothing")), best=best)
    assert not any(event.best for event in events if isinstance(event, EpochEnded))
    assert (events[-1].reason, events[-1].best_epoch, best.state) == ("finished", None, {})
    assert rule.scores == pytest.approx([3.0, 2.0, 1.0])


def test_without_a_validation_set_the_training_scores_decide() -> None:
    rule = Scripted(lambda epoch: pytest.fail("nothing to measure"))
    recipe = replace(RECIPE, early_stopping=EarlyStopping(monitor="loss"))
    events = events_of(rule, recipe, data(validation=0))
    ended = [event for event in events if isinstance(event, EpochEnded)]
    assert [event.validation for event in ended] == [{}, {}, {}]
    assert rule.scores == pytest.approx([event.train["loss"] for event in ended])
    assert events[-1].best_epoch == 1  # the scripted loss rises


def test_the_start_names_what_the_net_is_asked() -> None:
    rule = Scripted()
    stream = learn(rule, data(), RECIPE, CPU, Progress(), BestWeights(), StopRequest(), "generation")
    assert next(stream).task == "generation"


@pytest.mark.parametrize(("parts", "sizes"), [(2, [(2, 2), (2, 2), (1, 1)]), (4, [(1,) * 4, (1,) * 4, (1, 1)])])
def test_a_batch_comes_in_as_many_parts_as_the_recipe_says(parts: int, sizes: list[tuple[int, ...]]) -> None:
    whole, cut = Scripted(), Scripted()
    events_of(whole)
    events = events_of(cut, replace(RECIPE, micro_batches=parts))
    assert cut.parts == sizes * 3
    assert kinds(events) == [Started, *EPOCH * 3, Stopped]
    assert all(torch.equal(a, b) for a, b in zip(whole.seen, cut.seen, strict=True))


# batches by length


def rows() -> Dataset:
    """Rows of 1, 2, ..., 10 numbers, each of its own length."""
    lengths = torch.arange(1, 11)
    schema = Schema({"x": Field((None,), axis="time")}, {"label": Field((), ("a", "b"))})
    columns = {"x": lengths.repeat_interleave(lengths).float(), "label": lengths % 2}
    train = Ragged(columns, {"time": lengths}, schema)
    none = train.select(torch.arange(0))
    return Dataset("rows", train, none, none, schema)


class OfRows(Scripted):
    """Notes which rows come together: each holds its own length."""

    def step(self, parts: tuple[Batch, ...], context: Context) -> Update:
        self.parts.append(tuple(sorted(int(n) for part in parts for n in part.inputs[1])))
        assert all(part.x.numel() <= 12 for part in parts)
        return Update(1.0, 0.0, 0.0, 0.1, count=float(len(self.parts[-1])))


def test_batches_hold_so_many_units_at_most_and_every_example_once() -> None:
    rule, recipe, dataset = OfRows(), replace(RECIPE, max_units=12), rows()
    events = events_of(rule, recipe, dataset)  # type: ignore[arg-type]
    steps = steps_per_epoch(dataset.train, recipe)
    # by length: 1 2 3 (4 would make 16), 4 5 (10; 6 would make 18), 6, 7, ... 10 alone
    expected = sorted([(1, 2, 3), (4, 5), (6,), (7,), (8,), (9,), (10,)])
    assert steps == events[0].steps_per_epoch == len(expected)
    epochs = [rule.parts[steps * e : steps * (e + 1)] for e in range(3)]
    assert all(sorted(epoch) == expected for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3  # in an order of its own in each epoch


def test_a_run_that_was_stopped_goes_on_with_the_rows_it_has_not_seen() -> None:
    recipe, whole, cut = replace(RECIPE, max_units=12), OfRows(), OfRows()
    events_of(whole, recipe, rows())
    progress = Progress()
    for _ in range(4):
        stop = StopRequest()
        stop()
        events_of(cut, recipe, rows(), progress, stop=stop)
    assert (progress.step, progress.position, len(cut.parts)) == (4, 4, 4)
    events_of(cut, recipe, rows(), progress)
    assert cut.parts == whole.parts


# measuring


def table(x: torch.Tensor) -> Table:
    schema = Schema({"x": Field((1,))}, {"label": Field((), ("a", "b"))})
    return Table((x,), (torch.zeros(len(x), dtype=torch.int64),), schema)


def test_measuring_weighs_batches_by_their_examples() -> None:
    class Counting(Scripted):
        def measure(self, batch: Batch) -> Sums:
            return Sums.of_examples(float(batch.x.mean()), float((batch.x > 0).sum()), batch.size)

    x = torch.randn(2300, 1, generator=torch.Generator().manual_seed(0))
    rule = Counting()
    rule.net.train()
    found = measure(rule, table(x), CPU.device)
    assert found == pytest.approx({"loss": x.mean().item(), "error": (x > 0).double().mean().item()}, rel=1e-4)
    assert not rule.net.training
    assert measure(rule, table(x[:0]), CPU.device) == {}


def test_each_term_is_a_mean_over_its_own_units() -> None:
    """Two batches, of energies over 3 and 1 molecules and of forces over 6 and 9 atoms, by hand."""
    parts = [Sums((1.0, 4.0), 2.0, (3.0, 6.0, 6.0)), Sums((5.0, 1.0), 4.0, (1.0, 9.0, 9.0))]
    found = means_of(parts)
    assert found["loss"] == pytest.approx((3 * 1 + 1 * 5) / 4 + (6 * 4 + 9 * 1) / 15)
    assert found["error"] == pytest.approx(6 / 15)
    assert means_of(parts[:1]) == pytest.approx({"loss": 5.0, "error": 2 / 6})
