import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError, DataError, NonFiniteError, RunError
from neurarium.data.dataset import Dataset
from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.optimisers import Optimiser
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.connectionist.perceptron_spec import PerceptronSpec
from neurarium.nets.feedforward.regression_specs import LogisticSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.events import CheckpointSaved, EpochEnded, Notice, Started, Stepped, Stopped
from neurarium.record.run_record import epochs_of, read_record
from neurarium.training import number_format
from neurarium.training.checkpoint import load_checkpoint, saved_steps
from neurarium.training.interrupt import StopRequest
from neurarium.training.recipe import Checkpoints, Recipe
from neurarium.training.session import Session, claim, prepare, read_recipe, resume, start
from neurarium.training.settled import settled

# dropout makes the run depend on the generator's state, Adam on its moments, the last batch of 90 is smaller
RECIPE = Recipe(
    name="t",
    net=MLPSpec(hidden=(8,), dropout=0.3),
    optimiser=Optimiser("adam", lr=0.01),
    epochs=3,
    batch_size=20,
    checkpoints=Checkpoints(seconds=1e9),
)


def run_out(session: Session) -> list[object]:
    return list(session.events())


def weights_of(session: Session) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in session.net.state_dict().items()}


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_events_come_in_order(vectors: Dataset) -> None:
    events = run_out(prepare(RECIPE, vectors))
    kinds = [type(event) for event in events]
    assert kinds == [Started, *([Stepped] * 5 + [EpochEnded]) * 3, Stopped]
    assert [e.step for e in events if isinstance(e, Stepped)] == list(range(1, 16))
    assert events[-1].reason == "finished"
    assert events[0].steps_per_epoch == 5


def test_same_seed_same_weights_and_another_seed_others(vectors: Dataset) -> None:
    runs = [prepare(replace(RECIPE, seed=seed), vectors) for seed in (0, 0, 1)]
    for session in runs:
        run_out(session)
    assert_same(weights_of(runs[0]), weights_of(runs[1]))
    assert not torch.equal(next(runs[0].net.parameters()), next(runs[2].net.parameters()))


@pytest.mark.parametrize("stop_after", [1, 3, 5, 7, 10, 14])
def test_resume_is_bit_exact_at_any_step(vectors: Dataset, tmp_path: Path, stop_after: int) -> None:
    whole = start(RECIPE, tmp_path / "whole", vectors)
    run_out(whole)

    request = StopRequest()
    first = start(RECIPE, tmp_path / "cut", vectors)
    for event in first.events(request):
        if isinstance(event, Stepped) and event.step == stop_after:
            request()
    assert first.progress.step == stop_after

    torch.manual_seed(12345)  # whatever happened in between must not matter
    second = resume(tmp_path / "cut", RECIPE, vectors)
    run_out(second)
    assert_same(weights_of(whole), weights_of(second))
    assert_same(whole.best.state, second.best.state)

    def learnt(folder: str) -> list[dict[str, object]]:
        entries = epochs_of(read_record(tmp_path / folder / "record.jsonl"))
        return [{k: v for k, v in entry.items() if k != "seconds"} for entry in entries]

    assert learnt("whole") == learnt("cut")


def test_resume_at_an_epochs_end_is_bit_exact(vectors: Dataset, tmp_path: Path) -> None:
    whole = start(RECIPE, tmp_path / "whole", vectors)
    run_out(whole)
    recipe = replace(RECIPE, checkpoints=Checkpoints(seconds=1e-9))
    first = start(recipe, tmp_path / "cut", vectors)
    events = first.events()
    for event in events:
        if isinstance(event, CheckpointSaved) and first.progress.epoch == 2:
            break  # abandoned right after the checkpoint at the end of epoch 1, as by a kill
    events.close()
    second = resume(tmp_path / "cut", RECIPE, vectors)
    assert (second.progress.epoch, second.progress.position) == (2, 0)
    run_out(second)
    assert_same(weights_of(whole), weights_of(second))


def test_more_epochs_go_on_from_the_last_weights_not_the_best(vectors: Dataset, tmp_path: Path) -> None:
    long = start(replace(RECIPE, epochs=5), tmp_path / "long", vectors)
    run_out(long)
    short = start(RECIPE, tmp_path / "short", vectors)
    run_out(short)
    more = resume(tmp_path / "short", replace(RECIPE, epochs=5), vectors)
    run_out(more)
    assert_same(weights_of(long), weights_of(more))
    assert read_recipe(tmp_path / "short").epochs == 5


def test_checkpoints_every_so_many_steps_and_two_kept(vectors: Dataset, tmp_path: Path) -> None:
    session = start(replace(RECIPE, checkpoints=Checkpoints(seconds=1e9, steps=4)), tmp_path / "r", vectors)
    saved = [event.step for event in run_out(session) if isinstance(event, CheckpointSaved)]
    assert saved == [4, 8, 12, 15]
    assert [path.name for path in saved_steps(tmp_path / "r" / "checkpoints")] == [
        "step-0000000015-epoch-000004",
        "step-0000000012-epoch-000003",
    ]


def test_damaged_checkpoint_is_passed_over_and_said(vectors: Dataset, tmp_path: Path) -> None:
    session = start(replace(RECIPE, checkpoints=Checkpoints(seconds=1e9, steps=4)), tmp_path / "r", vectors)
    run_out(session)
    newest = saved_steps(tmp_path / "r" / "checkpoints")[0].with_suffix(".safetensors")
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    again = resume(tmp_path / "r", RECIPE, vectors)
    assert again.progress.step == 12
    notices = [event.message for event in run_out(again) if isinstance(event, Notice)]
    assert "passed over a damaged checkpoint" in notices[0]
    assert newest.name in notices[0]
    assert_same(weights_of(session), weights_of(again))


def test_early_stopping_restores_the_best_epoch(vectors: Dataset, tmp_path: Path) -> None:
    # a rate that is far too high makes the score worse after a good first epoch
    recipe = replace(
        RECIPE,
        optimiser=Optimiser("sgd", lr=0.5),
        epochs=50,
        early_stopping=EarlyStopping(patience=2, monitor="objective"),
    )
    session = start(recipe, tmp_path / "r", vectors)
    at_epoch = {}
    for event in session.events():
        if isinstance(event, EpochEnded):
            at_epoch[event.epoch] = weights_of(session)
        last = event
    assert isinstance(last, Stopped)
    assert last.reason == "early"
    assert last.best_epoch == len(at_epoch) - 2
    assert_same(weights_of(session), at_epoch[last.best_epoch])
    assert_same(load_checkpoint(tmp_path / "r" / "weights").tensors, at_epoch[last.best_epoch])

    session = prepare(replace(recipe, early_stopping=replace(recipe.early_stopping, restore_best=False)), vectors)
    run_out(session)
    assert_same(weights_of(session), at_epoch[len(at_epoch)])


def test_divergence_stops_before_the_update_and_keeps_the_checkpoint(vectors: Dataset, tmp_path: Path) -> None:
    recipe = replace(RECIPE, checkpoints=Checkpoints(seconds=1e9, steps=1))
    session = start(recipe, tmp_path / "r", vectors)
    events = session.events()
    while not isinstance(event := next(events), Stepped) or event.step < 3:
        pass
    next(events)  # the checkpoint of step 3
    good = weights_of(session)
    session.net.layers[0].register_forward_hook(lambda *_: torch.full((20, 8), float("nan")))
    with pytest.raises(NonFiniteError, match="step 4, output of layer"):
        next(events)
    assert_same(weights_of(session), good)
    assert saved_steps(tmp_path / "r" / "checkpoints")[0].name.startswith("step-0000000003")


def test_another_learning_rule_in_the_same_loop(vectors: Dataset) -> None:
    """Rosenblatt's rule on one-against-all outputs: no loss, no autograd, no optimiser."""
    from neurarium.data.batch import Batch
    from neurarium.data.examples import Examples
    from neurarium.training.device import find_placement
    from neurarium.training.rule import Update

    class Rosenblatt:
        def __init__(self) -> None:
            self.net: nn.Module = nn.Linear(12, 3)
            self.finished, self.notices = False, []

        def look_at(self, examples: Examples) -> None: ...

        def step(self, batch: Batch, step: int) -> Update:
            with torch.no_grad():
                signs = 2.0 * nn.functional.one_hot(batch.targets, 3) - 1
                outputs = self.net(batch.inputs)
                wrong = (signs * outputs <= 0) * signs
                self.net.weight += 0.1 * wrong.T @ batch.inputs
                self.net.bias += 0.1 * wrong.sum(0)
                errors = float((outputs.argmax(1) != batch.targets).sum())
            return Update(float(wrong.abs().sum()), errors, float(wrong.norm()), 0.1)

        def measure(self, batch: Batch) -> tuple[float, float]:
            errors = float((self.net(batch.inputs).argmax(1) != batch.targets).sum())
            return errors, errors

        def epoch_ended(self, score: float) -> None: ...

        def state_dict(self) -> dict[str, object]:
            return {}

        def load_state_dict(self, state: dict[str, object]) -> None:
            assert state == {}

    torch.manual_seed(0)
    rule = Rosenblatt()
    session = Session(replace(RECIPE, epochs=5), vectors, rule.net, rule, find_placement("cpu"))
    ends = [event for event in run_out(session) if isinstance(event, EpochEnded)]
    assert len(ends) == 5
    assert ends[-1].development["error"] < 0.3  # chance: 2/3


def test_without_development_data_the_training_score_is_watched(vectors: Dataset) -> None:
    bare = replace(
        vectors,
        development=replace(vectors.development, inputs=torch.zeros(0, 12), targets=torch.zeros(0, dtype=torch.int64)),
    )
    ends = [event for event in run_out(prepare(RECIPE, bare)) if isinstance(event, EpochEnded)]
    assert all(end.development == {} for end in ends)
    assert ends[0].best


def test_folder_that_holds_a_run_is_refused(vectors: Dataset, tmp_path: Path) -> None:
    start(RECIPE, tmp_path / "r", vectors)
    with pytest.raises(RunError, match="neurarium resume"):
        start(RECIPE, tmp_path / "r", vectors)


def test_nothing_is_written_when_the_run_cannot_start(vectors: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        start(replace(RECIPE, device="nonsense"), tmp_path / "r", vectors)
    assert not (tmp_path / "r").exists()


def test_changed_data_are_noticed(vectors: Dataset, images: Dataset, tmp_path: Path) -> None:
    start(RECIPE, tmp_path / "r", vectors)
    with pytest.raises(RunError, match="other data"):
        resume(tmp_path / "r", RECIPE, images)


def test_no_training_data(vectors: Dataset) -> None:
    none = replace(vectors.train, inputs=torch.zeros(0, 12), targets=torch.zeros(0, dtype=torch.int64))
    with pytest.raises(DataError, match="at least one example"):
        prepare(RECIPE, replace(vectors, train=none))


def test_net_of_ones_own(images: Dataset) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 5))
    session = prepare(Recipe(epochs=2, batch_size=30), images, net)
    run_out(session)
    assert session.net is net


def test_net_without_parameters(images: Dataset) -> None:
    with pytest.raises(ConfigError, match="trainable parameter"):
        prepare(Recipe(), images, nn.Flatten())


def test_folder_holds_what_it_should(vectors: Dataset, tmp_path: Path) -> None:
    session = start(RECIPE, tmp_path / "r", vectors)
    run_out(session)
    assert read_recipe(tmp_path / "r") == RECIPE
    card = json.loads((tmp_path / "r" / "data.json").read_text())
    assert (card["shape"], card["counts"]["train"]) == ([12], 90)
    names = {path.name for path in (tmp_path / "r").iterdir()}
    expected = itertools.product(["weights", "best"], [".json", ".safetensors"])
    assert {f"{a}{b}" for a, b in expected} | {
        "config.toml",
        "data.json",
        "record.jsonl",
        "checkpoints",
    } == names


def test_no_run_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such folder"):
        read_recipe(tmp_path / "absent")
    with pytest.raises(RunError, match=r"without config\.toml"):
        read_recipe(tmp_path)


AUTO = replace(RECIPE, precision="auto")


def fast_here(monkeypatch: pytest.MonkeyPatch, feature: str | None) -> None:
    monkeypatch.setattr(number_format, "fast_bfloat16", lambda device: feature)


@pytest.mark.parametrize(("feature", "precision"), [("amx_bf16", "bfloat16"), (None, "float32")])
def test_auto_is_settled_when_the_run_starts(
    vectors: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, feature: str | None, precision: str
) -> None:
    fast_here(monkeypatch, feature)
    session = start(AUTO, tmp_path / "r", vectors)
    assert read_recipe(tmp_path / "r") == session.recipe == replace(RECIPE, precision=precision)
    first = next(session.events())
    assert isinstance(first, Started)
    assert first.environment["precision"] == session.placement.precision == precision


def test_another_machine_goes_on_in_the_format_of_the_first(
    vectors: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast_here(monkeypatch, "avx512_bf16")
    claim(AUTO, tmp_path / "r", vectors)
    fast_here(monkeypatch, None)
    for recipe in (AUTO, read_recipe(tmp_path / "r")):
        session = resume(tmp_path / "r", recipe, vectors)
        assert session.recipe.precision == session.placement.precision == "bfloat16"
        assert read_recipe(tmp_path / "r").precision == "bfloat16"


@pytest.mark.parametrize(
    "changes",
    [
        {"net": PerceptronSpec()},
        {"net": HopfieldSpec()},
        {"optimiser": Optimiser("hessian-free")},
        {"net": LogisticSpec(), "optimiser": Optimiser("closed-form")},
        {"gradients": "explicit"},
    ],
    ids=["perceptron", "hopfield", "hessian-free", "closed-form", "explicit"],
)
def test_auto_is_float32_where_the_rule_knows_nothing_else(
    changes: dict, vectors: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast_here(monkeypatch, "avx512_bf16")
    assert settled(replace(AUTO, **changes)).precision == "float32"


def test_auto_by_explicit_gradients_learns(vectors: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    fast_here(monkeypatch, "avx512_bf16")
    plan = replace(AUTO, net=MLPSpec(hidden=(8,)), gradients="explicit")
    with pytest.raises(ConfigError, match="precision"):
        prepare(replace(plan, precision="bfloat16"), vectors)
    by_hand, alone = prepare(plan, vectors), prepare(replace(plan, precision="float32"), vectors)
    assert run_out(by_hand)
    assert run_out(alone)
    assert_same(weights_of(by_hand), weights_of(alone))
