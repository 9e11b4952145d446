import contextlib
import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError, DataError, NonFiniteError, RunError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.plan import plan as planned
from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.connectionist.perceptron_spec import PerceptronSpec
from neurarium.nets.feedforward.regression_specs import LogisticSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.choices import VARIABLE
from neurarium.record.events import CheckpointSaved, EpochEnded, Notice, Started, Stepped, Stopped
from neurarium.record.run_record import epochs_of, read_record
from neurarium.tasks.table import task_of
from neurarium.tasks.task import Context
from neurarium.training import matrix_products, number_format
from neurarium.training.checkpoint import load_checkpoint, saved_steps
from neurarium.training.data_info import DataInfo, read_data_info
from neurarium.training.device import find_device
from neurarium.training.interrupt import StopRequest
from neurarium.training.matrix_products import is_available
from neurarium.training.recipe import Checkpoints, OwnNet, Recipe
from neurarium.training.rules.rule import LearningRule, Sums, Update
from neurarium.training.rules.table import resolved
from neurarium.training.run import load_run
from neurarium.training.seed import restore_generators
from neurarium.training.session import Session, build_session, create_run_folder, read_recipe, resume, start

# dropout makes the run depend on the generator's state, Adam on its moments, the last batch of 90 is smaller
RECIPE = Recipe(
    name="t",
    net=MLPSpec(hidden=(8,), dropout=0.3),
    optimizer=Optimizer("adam", lr=0.01),
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
    events = run_out(build_session(RECIPE, vectors))
    kinds = [type(event) for event in events]
    assert kinds == [Started, *([Stepped] * 5 + [EpochEnded]) * 3, Stopped]
    assert [e.step for e in events if isinstance(e, Stepped)] == list(range(1, 16))
    assert events[-1].reason == "finished"
    assert events[0].steps_per_epoch == 5


def test_same_seed_same_weights_and_another_seed_others(vectors: Dataset) -> None:
    runs = [build_session(replace(RECIPE, seed=seed), vectors) for seed in (0, 0, 1)]
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

    def learned(folder: str) -> list[dict[str, object]]:
        entries = epochs_of(read_record(tmp_path / folder / "record.jsonl"))
        return [{k: v for k, v in entry.items() if k != "seconds"} for entry in entries]

    assert learned("whole") == learned("cut")


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


def cut_after(session: Session, step: int) -> None:
    """Stop a run after some update, its checkpoint written."""
    request = StopRequest()
    for event in session.events(request):
        if isinstance(event, Stepped) and event.step == step:
            request()
    assert session.progress.step == step


class OfSeries(nn.Module):
    """Classes of series, by their mean over time, with dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.output, self.dropout = nn.Linear(12, 8), nn.Linear(8, 3), nn.Dropout(0.3)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return self.output(self.dropout(torch.tanh(self.inner(x.sum(1) / lengths[:, None]))))


def of_series() -> nn.Module:
    torch.manual_seed(3)
    return OfSeries()


@pytest.mark.parametrize("stop_after", [1, 4, 6, 11])
def test_batches_by_length_resume_bit_exactly(series: Dataset, tmp_path: Path, stop_after: int) -> None:
    """Rows of 5 to 15 steps, 120 units a batch at most: several batches an epoch, of different numbers of examples."""
    plan = replace(RECIPE, net=OwnNet(), max_units=120, micro_batches=2)
    whole = start(plan, tmp_path / "whole", series, of_series())
    steps = [event for event in run_out(whole) if isinstance(event, Stepped)]
    assert steps[-1].step > 12
    first = start(plan, tmp_path / "cut", series, of_series())
    cut_after(first, stop_after)
    second = resume(tmp_path / "cut", plan, series, of_series())
    assert (second.progress.step, second.progress.epoch) == (stop_after, (stop_after - 1) // (len(steps) // 3) + 1)
    run_out(second)
    assert_same(weights_of(whole), weights_of(second))


def test_a_loss_of_ones_own_resumes_when_it_is_passed_again(vectors: Dataset, tmp_path: Path) -> None:
    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return nn.functional.multi_margin_loss(logits, labels)

    plan = replace(RECIPE, loss=Loss("custom"))
    whole = start(plan, tmp_path / "whole", vectors, own_loss=loss)
    events = run_out(whole)
    first = next(event for event in events if isinstance(event, Stepped))
    fresh = build_session(plan, vectors, own_loss=loss)
    (index, *_) = planned(90, 20, seed=0, epoch=1)
    batch = vectors.train.gather(index)
    restore_generators(fresh.generators)  # of the first update's dropout
    assert first.loss == pytest.approx(float(loss(fresh.net.train()(batch.x), batch.labels).detach()), rel=1e-5)
    cut_after(start(plan, tmp_path / "cut", vectors, own_loss=loss), 7)
    with pytest.raises(ConfigError, match=r"loss: expected the function that this run learns by, got none; pass it ag"):
        resume(tmp_path / "cut", plan, vectors)
    second = resume(tmp_path / "cut", read_recipe(tmp_path / "cut"), vectors, own_loss=loss)
    run_out(second)
    assert_same(weights_of(whole), weights_of(second))


def test_a_loss_that_nobody_asked_for_is_refused(vectors: Dataset) -> None:
    with pytest.raises(ConfigError, match="loss: expected none, as the loss is auto, got a function"):
        build_session(RECIPE, vectors, own_loss=nn.functional.cross_entropy)


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
        optimizer=Optimizer("sgd", lr=0.5),
        epochs=50,
        early_stopping=EarlyStopping(patience=2, monitor="loss"),
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

    session = build_session(replace(recipe, early_stopping=replace(recipe.early_stopping, restore_best=False)), vectors)
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
    """Rosenblatt's rule on one-against-all outputs: no loss, no autograd, no optimizer."""

    class Rosenblatt(LearningRule):
        def __init__(self) -> None:
            self.net, self.notices = nn.Linear(12, 3), list[str]()

        def step(self, parts: tuple[Batch, ...], context: Context) -> Update:
            (batch,) = parts
            with torch.no_grad():
                signs = 2.0 * nn.functional.one_hot(batch.labels, 3) - 1
                outputs = self.net(batch.x)
                wrong = (signs * outputs <= 0) * signs
                self.net.weight += 0.1 * wrong.T @ batch.x
                self.net.bias += 0.1 * wrong.sum(0)
                errors = float((outputs.argmax(1) != batch.labels).sum())
            return Update(float(wrong.abs().sum()), errors, float(wrong.norm()), 0.1, float(batch.size))

        def measure(self, batch: Batch) -> Sums:
            errors = float((self.net(batch.x).argmax(1) != batch.labels).sum())
            return Sums.of_examples(errors / batch.size, errors, batch.size)

    torch.manual_seed(0)
    rule = Rosenblatt()
    asked = task_of(RECIPE, vectors.schema)
    session = Session(replace(RECIPE, epochs=5), vectors, rule.net, asked, rule, find_device("cpu"))
    ends = [event for event in run_out(session) if isinstance(event, EpochEnded)]
    assert len(ends) == 5
    assert ends[-1].validation["error"] < 0.3  # chance: 2/3


def test_without_validation_data_the_training_score_is_watched(vectors: Dataset) -> None:
    bare = replace(vectors, validation=vectors.validation.select(torch.arange(0)))
    ends = [event for event in run_out(build_session(RECIPE, bare)) if isinstance(event, EpochEnded)]
    assert all(end.validation == {} for end in ends)
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
    none = vectors.train.select(torch.arange(0))
    with pytest.raises(DataError, match="at least one example"):
        build_session(RECIPE, replace(vectors, train=none))


def test_net_of_ones_own(images: Dataset) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 5))
    session = build_session(Recipe(epochs=2, batch_size=30), images, net)
    run_out(session)
    assert session.net is net


def test_net_without_parameters(images: Dataset) -> None:
    with pytest.raises(ConfigError, match="trainable parameter"):
        build_session(Recipe(), images, nn.Flatten())


def test_folder_holds_what_it_should(vectors: Dataset, tmp_path: Path) -> None:
    session = start(RECIPE, tmp_path / "r", vectors)
    run_out(session)
    assert read_recipe(tmp_path / "r") == RECIPE
    assert read_data_info(tmp_path / "r") == DataInfo.of(vectors)
    plain = json.loads((tmp_path / "r" / "data.json").read_text())
    assert (plain["schema"]["inputs"]["features"]["shape"], plain["counts"]["train"]) == ([12], 90)
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
def test_auto_is_decided_when_the_run_starts(
    vectors: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, feature: str | None, precision: str
) -> None:
    fast_here(monkeypatch, feature)
    session = start(AUTO, tmp_path / "r", vectors)
    assert read_recipe(tmp_path / "r") == session.recipe == replace(RECIPE, precision=precision)
    first = next(session.events())
    assert isinstance(first, Started)
    assert first.environment["precision"] == session.device_config.precision == precision


def test_another_machine_goes_on_in_the_format_of_the_first(
    vectors: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast_here(monkeypatch, "avx512_bf16")
    create_run_folder(AUTO, tmp_path / "r", vectors)
    fast_here(monkeypatch, None)
    for recipe in (AUTO, read_recipe(tmp_path / "r")):
        session = resume(tmp_path / "r", recipe, vectors)
        assert session.recipe.precision == session.device_config.precision == "bfloat16"
        assert read_recipe(tmp_path / "r").precision == "bfloat16"


@pytest.mark.parametrize(
    "changes",
    [
        {"net": PerceptronSpec(), "optimizer": Optimizer("sgd", lr=1.0)},
        {"net": HopfieldSpec(), "optimizer": Optimizer("sgd", lr=1.0)},
        {"optimizer": Optimizer("hessian-free")},
        {"net": LogisticSpec(), "optimizer": Optimizer("closed-form")},
        {"gradients": "explicit"},
    ],
    ids=["perceptron", "hopfield", "hessian-free", "closed-form", "explicit"],
)
def test_auto_is_float32_where_the_rule_knows_nothing_else(
    changes: dict, vectors: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast_here(monkeypatch, "avx512_bf16")
    assert resolved(replace(AUTO, **changes)).precision == "float32"


def test_auto_by_explicit_gradients_learns(vectors: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    fast_here(monkeypatch, "avx512_bf16")
    plan = replace(AUTO, net=MLPSpec(hidden=(8,)), gradients="explicit")
    with pytest.raises(ConfigError, match="precision"):
        build_session(replace(plan, precision="bfloat16"), vectors)
    by_hand, alone = build_session(plan, vectors), build_session(replace(plan, precision="float32"), vectors)
    assert run_out(by_hand)
    assert run_out(alone)
    assert_same(weights_of(by_hand), weights_of(alone))


WIDE = replace(
    RECIPE, net=MLPSpec(hidden=(256,)), batch_size=50, epochs=2, checkpoints=Checkpoints(seconds=1e9, steps=1)
)


@pytest.mark.skipif(not is_available(), reason="torch carries one library for matrix products")
@pytest.mark.parametrize("products", ["mkl", "onednn"])
def test_matrix_products_are_chosen_once_and_kept(
    images: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, products: str
) -> None:
    """Resumed where another way is faster the run goes on as it began, to the bit; what is read back too."""
    monkeypatch.setenv(VARIABLE, f"matrix_products={products}")
    whole = start(WIDE, tmp_path / "whole", images)
    run_out(whole)
    broken, stop = start(WIDE, tmp_path / "r", images), StopRequest()
    for event in broken.events(stop):
        if isinstance(event, Stepped) and event.step == 3:
            stop.requested = True
    monkeypatch.setenv(VARIABLE, "matrix_products=onednn" if products == "mkl" else "")
    for recipe in (WIDE, read_recipe(tmp_path / "r")):
        session = resume(tmp_path / "r", recipe, images)
        assert session.recipe.matrix_products == session.device_config.matrix_products == products
    run_out(session)
    assert_same(weights_of(session), weights_of(whole))
    assert read_recipe(tmp_path / "r") == session.recipe
    assert load_run(tmp_path / "r").device_config.takes_onednn == (products == "onednn")


@pytest.mark.parametrize(
    "recipe",
    [RECIPE, replace(WIDE, precision="bfloat16"), replace(WIDE, micro_batches=10)],
)
def test_nets_without_large_layers_pay_nothing(images: Dataset, recipe: Recipe) -> None:
    """No choice, and no context that watches every call of torch."""
    session = build_session(recipe, images)
    assert session.recipe.matrix_products == session.device_config.matrix_products == "auto"
    assert not session.device_config.takes_onednn


@pytest.mark.skipif(not is_available(), reason="torch carries one library for matrix products")
def test_it_is_said_where_the_library_of_a_run_is_not_here(
    images: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_run_folder(replace(WIDE, matrix_products="onednn"), tmp_path / "r", images)
    monkeypatch.setattr(matrix_products, "is_available", lambda: False)
    session = resume(tmp_path / "r", read_recipe(tmp_path / "r"), images)
    assert any("to rounding, not to the bit" in notice for notice in session.notices)
    assert isinstance(session.device_config.autocast(), contextlib.nullcontext)


def test_a_validation_loss_that_is_not_finite_ends_the_run(
    vectors: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = start(RECIPE, tmp_path / "r", vectors)
    monkeypatch.setattr(session.rule, "measure", lambda batch: Sums.of_examples(float("nan"), 0.0, batch.size))
    with pytest.raises(NonFiniteError, match="validation loss after step 5"):
        run_out(session)
    assert session.best.state == {}
    assert [path.name for path in (tmp_path / "r" / "checkpoints").iterdir()] == []
