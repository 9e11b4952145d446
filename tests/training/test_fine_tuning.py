"""A net that stands on another's weights and learns them on: freezing, rates by depth, and resuming in every phase."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from neurarium.checks import ConfigError
from neurarium.data.dataset import Dataset
from neurarium.learning.fine_tuning import FineTuning
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.feedforward.linear_probe_spec import LinearProbeSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.events import EpochEnded, Stepped
from neurarium.training.interrupt import StopRequest
from neurarium.training.pretrained import Pretrained, copy_run, pretrained_folder, read_pretrained
from neurarium.training.recipe import Checkpoints, Recipe
from neurarium.training.run import load_run
from neurarium.training.session import Session, build_session, resume, start

COMMON = {"batch_size": 30, "threads": 1, "checkpoints": Checkpoints(seconds=1e9)}
SGD = Optimizer("sgd", lr=0.1)
BELOW = Recipe(name="below", net=MLPSpec(hidden=(6, 5), dropout=0.2), optimizer=SGD, epochs=1, **COMMON)
TUNED = Recipe(
    name="tuned",
    net=LinearProbeSpec(frozen=False),
    pretrained="below",
    optimizer=SGD,
    epochs=4,
    **COMMON,
)


@pytest.fixture
def below(vectors: Dataset, tmp_path: Path) -> Path:
    list(start(BELOW, tmp_path / "below", vectors).events())
    return tmp_path / "below"


def begin(below: Path, data: Dataset, plan: Recipe) -> Session:
    return build_session(plan, data, pretrained=read_pretrained(below))


def trunk_of(session: Session) -> dict[str, Tensor]:
    return {name: t.detach().clone() for name, t in session.net.named_parameters() if name.startswith("trunk.")}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> list[bool]:
    assert a.keys() == b.keys()
    return [torch.equal(a[name], b[name]) for name in a]


@pytest.mark.parametrize("optimizer", [SGD, Optimizer("adamw", lr=0.01, weight_decay=0.1)], ids=["sgd", "adamw"])
def test_the_backbone_stands_still_and_then_goes(below: Path, vectors: Dataset, optimizer: Optimizer) -> None:
    """Two epochs of the head alone; weight decay does not reach what stands still either."""
    plan = replace(TUNED, optimizer=optimizer, fine_tuning=FineTuning(freeze_epochs=2))
    session = begin(below, vectors, plan)
    before, head = trunk_of(session), session.net.output.weight.detach().clone()  # type: ignore[union-attr]
    assert len(before) == 4
    for event in session.events():
        if isinstance(event, Stepped):
            assert same(trunk_of(session), before) == [event.epoch <= 2] * 4
            assert not torch.equal(session.net.output.weight, head)  # type: ignore[union-attr]
            head = session.net.output.weight.detach().clone()  # type: ignore[union-attr]
            before = before if event.epoch <= 2 else trunk_of(session)


def test_while_it_stands_the_head_learns_as_on_a_frozen_backbone(below: Path, vectors: Dataset) -> None:
    """Without dropout in it, a frozen probe and one that is tuned later are the same run."""
    still = replace(BELOW, net=MLPSpec(hidden=(6, 5)))
    source = build_session(still, vectors)
    nets = []
    for spec, tuning in ((LinearProbeSpec(), FineTuning()), (LinearProbeSpec(frozen=False), FineTuning(2))):
        plan = replace(TUNED, net=spec, fine_tuning=tuning, epochs=2)
        session = build_session(plan, vectors, pretrained=Pretrained("below", source.net, vectors.schema))
        list(session.events())
        nets.append(session.net.state_dict())
    assert all(same(*nets))


def first_moves(below: Path, data: Dataset, plan: Recipe) -> list[Tensor]:
    """How far each parameter goes in the first update."""
    session = begin(below, data, plan)
    before = [p.detach().clone() for p in session.net.parameters()]
    events = session.events()
    while not isinstance(next(events), Stepped):
        pass
    return [p.detach() - old for p, old in zip(session.net.parameters(), before, strict=True)]


@pytest.mark.parametrize(
    ("tuning", "factors"),
    [
        (FineTuning(), [1, 1, 1, 1, 1, 1]),
        (FineTuning(backbone_factor=0.1), [0.1, 0.1, 0.1, 0.1, 1, 1]),
        # first weight and bias, second weight and bias: L - l = 3, 2, 1, 0
        (FineTuning(layer_decay=0.5), [1 / 8, 1 / 4, 1 / 2, 1, 1, 1]),
        (FineTuning(backbone_factor=0.2, layer_decay=0.5), [0.2 / 8, 0.2 / 4, 0.2 / 2, 0.2, 1, 1]),
    ],
)
def test_rates_are_those_of_the_formula(
    vectors: Dataset, tmp_path: Path, tuning: FineTuning, factors: list[float]
) -> None:
    """Plain descent goes eta_l g: against the moves at one rate, which are eta g. Nothing is dropped: g is the same."""
    list(start(replace(BELOW, net=MLPSpec(hidden=(6, 5))), tmp_path / "below", vectors).events())
    plain = first_moves(tmp_path / "below", vectors, TUNED)
    moves = first_moves(tmp_path / "below", vectors, replace(TUNED, fine_tuning=tuning))
    for move, whole, factor in zip(moves, plain, factors, strict=True):
        torch.testing.assert_close(move, factor * whole, rtol=1e-3, atol=1e-7)
        assert whole.any()


def test_schedules_and_groups_multiply(below: Path, vectors: Dataset) -> None:
    tuning = FineTuning(backbone_factor=0.5, layer_decay=0.8)
    plan = replace(TUNED, fine_tuning=tuning, schedule=Schedule("cosine"), optimizer=Optimizer("momentum", lr=0.2))
    session = begin(below, vectors, plan)
    (optimizer,) = session.rule.optimizers  # type: ignore[attr-defined]
    total = 4 * 3
    for event in session.events():
        if isinstance(event, Stepped):
            eta = 0.2 * (1 + np.cos(np.pi * (event.step - 1) / total)) / 2
            rates = [group["lr"] for group in optimizer.param_groups for _ in group["params"]]
            expected = [0.5 * 0.8**3, 0.5 * 0.8**2, 0.5 * 0.8, 0.5, 1, 1]
            assert rates == pytest.approx([eta * factor for factor in expected])
            assert event.learning_rate == pytest.approx(eta)


@pytest.mark.parametrize(
    "optimizer",
    [Optimizer("adam", lr=0.01), Optimizer("adamw", lr=0.01, weight_decay=0.1, decay_params="weights")],
    ids=["adam", "adamw, weights alone"],
)
@pytest.mark.parametrize("stop_after", [2, 6, 8])  # in the frozen phase, at its end, after it
def test_resume_is_bit_exact_in_every_phase(
    below: Path, vectors: Dataset, tmp_path: Path, stop_after: int, optimizer: Optimizer
) -> None:
    plan = replace(TUNED, optimizer=optimizer, fine_tuning=FineTuning(2, backbone_factor=0.3, layer_decay=0.9))
    for name in ("whole", "cut"):
        copy_run(below, pretrained_folder(tmp_path / name))
    whole = start(plan, tmp_path / "whole", vectors)
    ends = [event for event in whole.events() if isinstance(event, EpochEnded)]
    request, first = StopRequest(), start(plan, tmp_path / "cut", vectors)
    for event in first.events(request):
        if isinstance(event, Stepped) and event.step == stop_after:
            request()
    torch.manual_seed(99)
    second = resume(tmp_path / "cut", plan, vectors)
    assert second.progress.step == stop_after
    again = [event for event in second.events() if isinstance(event, EpochEnded)]
    assert all(same(whole.net.state_dict(), second.net.state_dict()))
    assert replace(ends[-1], seconds=0.0) == replace(again[-1], seconds=0.0)
    # and the run that is read back is that net
    x = vectors.test.gather(torch.arange(30)).x
    assert torch.equal(load_run(tmp_path / "cut").net(x), second.net.eval()(x))


@pytest.mark.parametrize("tuning", [FineTuning(1), FineTuning(backbone_factor=0.5), FineTuning(layer_decay=0.5)])
def test_rates_of_a_backbone_that_there_is_not(below: Path, vectors: Dataset, tuning: FineTuning) -> None:
    says = r"fine_tuning: expected a net with a backbone that learns, got a net without one; --net.kind linear-probe"
    with pytest.raises(ConfigError, match=says):
        build_session(replace(BELOW, fine_tuning=tuning), vectors)
    with pytest.raises(ConfigError, match=says):
        begin(below, vectors, replace(TUNED, net=LinearProbeSpec(), fine_tuning=tuning))


@pytest.mark.parametrize(
    "settings",
    [
        {"freeze_epochs": -1},
        {"backbone_factor": 0.0},
        {"backbone_factor": 1.1},
        {"layer_decay": 0.0},
        {"layer_decay": 1.5},
    ],
)
def test_what_no_run_can_mean(settings: dict) -> None:
    with pytest.raises(ConfigError, match=rf"fine_tuning\.{next(iter(settings))}"):
        FineTuning(**settings)


def test_the_net_below_stays_as_it_was(below: Path, vectors: Dataset) -> None:
    source = read_pretrained(below)
    before = {name: t.clone() for name, t in source.net.state_dict().items()}
    list(build_session(TUNED, vectors, pretrained=source).events())
    assert all(same(source.net.state_dict(), before))


def test_statistics_of_a_backbone_stand_still_too(vectors: Dataset) -> None:
    """Batch normalization's running means belong to the backbone."""
    whole = build_session(replace(BELOW, net=MLPSpec(hidden=(6, 5), norm="batch")), vectors)
    list(whole.events())
    source = Pretrained("below", whole.net.eval(), vectors.schema)
    session = build_session(replace(TUNED, fine_tuning=FineTuning(freeze_epochs=4)), vectors, pretrained=source)
    before = {name: t.clone() for name, t in session.net.named_buffers()}
    assert before
    list(session.events())
    assert all(same(dict(session.net.named_buffers()), before))
