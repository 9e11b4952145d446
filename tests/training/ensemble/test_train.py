"""Members of a group against the single runs of their seeds."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.dataset import Dataset
from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer, OptimizerName
from neurarium.learning.schedules import Schedule
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.generative.specs import AutoencoderSpec
from neurarium.record.events import EpochEnded, Event, Notice, Stepped, Stopped
from neurarium.record.run_record import read_record
from neurarium.training.checkpoint import load_checkpoint
from neurarium.training.ensemble import stack
from neurarium.training.ensemble.train import train_ensemble
from neurarium.training.interrupt import StopRequest
from neurarium.training.recipe import Recipe
from neurarium.training.session import Session, build_session, resume, start

PLAN = Recipe(name="toy", net=MLPSpec(hidden=(8,)), batch_size=32, epochs=2, device="cpu")
SEEDS = (0, 1, 5)


def alone(plan: Recipe, data: Dataset, net: nn.Module | None = None) -> tuple[Session, list[Event]]:
    session = build_session(plan, data, net)
    return session, list(session.events())


def group(plan: Recipe, data: Dataset, seeds: Sequence[int] = SEEDS) -> list[Session]:
    return [build_session(replace(plan, seed=seed), data) for seed in seeds]


def told(news: Sequence[tuple[Session, Any]], session: Session, kind: type) -> list[Any]:
    return [event for whose, event in news if whose is session and isinstance(event, kind)]


def assert_same_epochs(joint: list[EpochEnded], single: list[EpochEnded], tolerance: float) -> None:
    assert len(joint) == len(single)
    for ours, theirs in zip(joint, single, strict=True):
        assert (ours.epoch, ours.step, ours.best) == (theirs.epoch, theirs.step, theirs.best)
        assert ours.learning_rate == theirs.learning_rate
        assert ours.gradient_norm == pytest.approx(theirs.gradient_norm, rel=tolerance)
        for mine, other in ((ours.train, theirs.train), (ours.validation, theirs.validation)):
            assert mine == pytest.approx(other, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "adamw"])
def test_members_equal_single_runs(vectors: Dataset, name: OptimizerName) -> None:
    plan = replace(PLAN, optimizer=Optimizer(name, lr=0.02), schedule=Schedule("cosine", warmup=0.2), clip_norm=0.8)
    sessions = group(plan, vectors)
    news = list(train_ensemble(sessions))
    for session in sessions:
        single, events = alone(session.recipe, vectors)
        assert_same_epochs(
            told(news, session, EpochEnded), [e for e in events if isinstance(e, EpochEnded)], tolerance=1e-4
        )
        for ours, theirs in zip(session.net.parameters(), single.net.parameters(), strict=True):
            assert torch.allclose(ours, theirs, atol=1e-4, rtol=1e-4)


OTHERS = {
    "weighted": {"loss": Loss(class_weights=(0.5, 1.0, 4.0))},
    "balanced": {"loss": Loss(balanced=True, smoothing=0.1)},
    "reconstruction": {"net": AutoencoderSpec(hidden=(8,), latent_dim=3)},
}


@pytest.mark.parametrize("change", OTHERS)
def test_other_losses_equal_single_runs(vectors: Dataset, change: str) -> None:
    plan = replace(PLAN, optimizer=Optimizer("momentum", lr=0.02), **OTHERS[change])  # type: ignore[arg-type]
    sessions = group(plan, vectors)
    news = list(train_ensemble(sessions))
    for session in sessions:
        _, events = alone(session.recipe, vectors)
        assert_same_epochs(
            told(news, session, EpochEnded), [e for e in events if isinstance(e, EpochEnded)], tolerance=1e-4
        )


class Double(nn.Module):
    """An MLP that computes in 64 bits; its frozen first layer differs by seed."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(12, 8).double(), nn.Linear(8, 3).double()
        self.first.weight.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.first(x.double())))


def double(seed: int) -> Double:
    torch.manual_seed(seed)
    return Double()


def test_equal_to_1e_5_in_float64_written_out_or_not(vectors: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    for worth in (1, 10**9):
        monkeypatch.setattr(stack, "WORTH_WRITING_OUT", worth)
        sessions = [build_session(replace(PLAN, seed=seed), vectors, double(seed)) for seed in SEEDS]
        list(train_ensemble(sessions))
        for session in sessions:
            single, _ = alone(session.recipe, vectors, double(session.recipe.seed))
            for ours, theirs in zip(session.net.parameters(), single.net.parameters(), strict=True):
                assert torch.allclose(ours, theirs, atol=1e-10, rtol=1e-10)


def test_first_weights_and_batches_are_those_of_the_seed(vectors: Dataset) -> None:
    sessions = group(replace(PLAN, epochs=1), vectors, seeds=(3, 4))
    torch.manual_seed(4)
    fresh = MLPSpec(hidden=(8,)).build(vectors.schema)
    for ours, theirs in zip(sessions[1].net.parameters(), fresh.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    list(train_ensemble(sessions))
    differences = [
        float((a - b).detach().abs().max()) for a, b in zip(*(s.net.parameters() for s in sessions), strict=True)
    ]
    assert min(differences) > 1e-3  # the members are not one net


def test_early_stopping_and_best_weights_are_each_members_own(vectors: Dataset) -> None:
    # at so high a rate float32's rounding would grow to other epochs
    early = EarlyStopping(patience=2, monitor="loss")
    plan = replace(PLAN, optimizer=Optimizer("adam", lr=0.3), epochs=30, early_stopping=early)
    sessions = [build_session(replace(plan, seed=seed), vectors, double(seed)) for seed in range(6)]
    news = list(train_ensemble(sessions))
    ends = []
    for session in sessions:
        single, events = alone(session.recipe, vectors, double(session.recipe.seed))
        ours, theirs = told(news, session, Stopped)[-1], events[-1]
        assert isinstance(theirs, Stopped)
        assert (ours.reason, ours.epoch, ours.best_epoch) == (theirs.reason, theirs.epoch, theirs.best_epoch)
        ends.append(ours.epoch)
        for mine, other in zip(session.net.parameters(), single.net.parameters(), strict=True):
            assert torch.allclose(mine, other, atol=1e-8, rtol=1e-8)
    assert len(set(ends)) > 2  # they left one after the other, and the stack was made anew


def test_folders_are_those_of_single_runs(vectors: Dataset, tmp_path: Path) -> None:
    plans = [replace(PLAN, seed=seed) for seed in (0, 1)]
    sessions = [start(plan, tmp_path / f"joint-{plan.seed}", vectors) for plan in plans]
    list(train_ensemble(sessions))
    for plan in plans:
        joint, single = tmp_path / f"joint-{plan.seed}", tmp_path / f"single-{plan.seed}"
        list(start(plan, single, vectors).events())
        assert {p.name for p in joint.iterdir()} == {p.name for p in single.iterdir()}
        assert (joint / "config.toml").read_text() == (single / "config.toml").read_text()
        ours, theirs = (load_checkpoint(f / "weights") for f in (joint, single))
        assert ours.values == theirs.values
        assert all(torch.allclose(t, theirs.tensors[n], atol=1e-4) for n, t in ours.tensors.items())
        records = [
            [e for e in read_record(f / "record.jsonl") if e["event"] not in ("notice", "checkpoint")]
            for f in (joint, single)
        ]
        assert [(e["event"], e.get("step")) for e in records[0]] == [(e["event"], e.get("step")) for e in records[1]]


def test_a_member_can_be_resumed_alone(vectors: Dataset, tmp_path: Path) -> None:
    plan = replace(PLAN, optimizer=Optimizer("adam", lr=0.02))
    sessions = [start(replace(plan, seed=seed), tmp_path / str(seed), vectors) for seed in (0, 1)]
    list(train_ensemble(sessions))
    longer = replace(plan, seed=1, epochs=4)
    list(resume(tmp_path / "1", longer, vectors).events())
    single, _ = alone(longer, vectors)
    ours = load_checkpoint(tmp_path / "1" / "weights").tensors
    assert all(torch.allclose(ours[n], t, atol=1e-4) for n, t in single.net.state_dict().items())


def test_interrupted_group_goes_on_together(vectors: Dataset, tmp_path: Path) -> None:
    plans = [replace(PLAN, seed=seed, optimizer=Optimizer("momentum", lr=0.05)) for seed in (0, 1)]
    stop = StopRequest()
    sessions = [start(plan, tmp_path / str(plan.seed), vectors) for plan in plans]
    for _, event in train_ensemble(sessions, stop):
        if isinstance(event, EpochEnded):
            stop()
    assert not (tmp_path / "0" / "weights.json").exists()
    again = [resume(tmp_path / str(plan.seed), plan, vectors) for plan in plans]
    assert again[0].progress.step > 0
    list(train_ensemble(again))
    for plan in plans:
        single, _ = alone(plan, vectors)
        ours = load_checkpoint(tmp_path / str(plan.seed) / "weights").tensors
        assert all(torch.allclose(ours[n], t, atol=1e-4) for n, t in single.net.state_dict().items())


def test_a_diverged_member_leaves_and_the_others_go_on(vectors: Dataset, tmp_path: Path) -> None:
    sessions = [start(replace(PLAN, seed=seed), tmp_path / str(seed), vectors) for seed in SEEDS]
    with torch.no_grad():
        next(iter(sessions[1].net.parameters())).fill_(1e30)
    before = {name: t.clone() for name, t in sessions[1].net.state_dict().items()}
    news = list(train_ensemble(sessions))
    errors = told(news, sessions[1], NonFiniteError)
    assert len(errors) == 1
    assert errors[0].subject.startswith("step 1, ")
    assert all(torch.equal(t, before[n]) for n, t in sessions[1].net.state_dict().items())  # no update
    assert not told(news, sessions[1], Stopped)
    for session in (sessions[0], sessions[2]):
        single, _ = alone(session.recipe, vectors)
        for ours, theirs in zip(session.net.parameters(), single.net.parameters(), strict=True):
            assert torch.allclose(ours, theirs, atol=1e-4)


def test_dropout_draws_differ_by_member(vectors: Dataset) -> None:
    plan = replace(PLAN, net=MLPSpec(hidden=(64,), dropout=0.5), epochs=1)
    sessions = group(plan, vectors, seeds=(0, 0))  # one seed twice: only the draws of dropout can tell them apart
    list(train_ensemble(sessions))
    first, second = (next(iter(s.net.parameters())) for s in sessions)
    assert float((first - second).detach().abs().max()) > 1e-4


def test_says_that_it_was_trained_together(vectors: Dataset) -> None:
    sessions = group(replace(PLAN, epochs=1), vectors)
    news = list(train_ensemble(sessions))
    assert "seeds 0, 1, 5" in told(news, sessions[0], Notice)[0].message


def test_other_rates_are_other_groups(vectors: Dataset) -> None:
    sessions = [build_session(replace(PLAN, optimizer=Optimizer(lr=lr)), vectors) for lr in (0.1, 0.2)]
    with pytest.raises(ConfigError, match="differ in optimizer"):
        next(iter(train_ensemble(sessions)))


def test_seconds_are_shares_of_the_groups(vectors: Dataset, tmp_path: Path) -> None:
    sessions = [start(replace(PLAN, seed=seed), tmp_path / str(seed), vectors) for seed in (0, 1)]
    list(train_ensemble(sessions))
    lines = [json.loads(line) for line in (tmp_path / "0" / "record.jsonl").read_text().splitlines()]
    seconds = [line["seconds"] for line in lines if line["event"] in ("step", "epoch", "stopped")]
    assert seconds == sorted(seconds)
    assert seconds[-1] == sessions[1].progress.seconds > 0


def test_a_member_whose_weights_overflow_in_an_update_leaves_unsaved(vectors: Dataset, tmp_path: Path) -> None:
    sessions = [start(replace(PLAN, seed=seed), tmp_path / str(seed), vectors) for seed in SEEDS]
    news = []
    for session, event in train_ensemble(sessions):
        news.append((session, event))
        if isinstance(event, Stepped) and session is sessions[1]:  # told between the last update and the epoch's end
            with torch.no_grad():
                next(iter(session.net.parameters())).fill_(torch.inf)
    assert [type(e) for s, e in news if s is sessions[1]][-1] is NonFiniteError
    assert not any((tmp_path / str(SEEDS[1]) / "checkpoints").iterdir())
    for session in (sessions[0], sessions[2]):
        assert len(told(news, session, Stopped)) == 1
