"""Whole sweeps on a toy data set: what they leave, how they go on, what they refuse."""

import io
import json
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from neurarium.checks import ConfigError, DataError, RunError
from neurarium.data.dataset import Dataset
from neurarium.nets.feedforward.mlp import MLP
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.geometric.specs import GCNSpec, PairPotentialSpec
from neurarium.nets.recurrent.encoder_decoder_spec import EncoderDecoderSpec
from neurarium.nets.recurrent.specs import NeuralLanguageModelSpec, PooledSeriesSpec
from neurarium.nets.spec import NetSpec
from neurarium.record.run_record import epochs_of, read_record
from neurarium.record.schema import Schema
from neurarium.sweeps import sweep as module
from neurarium.sweeps.folder import read_request, run_folder, state_of
from neurarium.sweeps.result import load_sweep
from neurarium.sweeps.sweep import resume_sweep, sweep
from neurarium.training.checkpoint import load_checkpoint
from neurarium.training.interrupt import StopRequest
from neurarium.training.recipe import OwnNet, Recipe
from neurarium.training.seed import own_generators, seed_everything
from neurarium.training.session import start

pytestmark = pytest.mark.usefixtures("undrawn")

PLAN = Recipe(name="toy", net=MLPSpec(hidden=(8,)), batch_size=32, epochs=2, device="cpu")
GRID = {"optimizer.name": ["sgd", "adam"], "optimizer.lr": 0.02}


def listening() -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=200), file


def test_a_sweep_leaves_everything(vectors: Dataset, tmp_path: Path) -> None:
    console, said = listening()
    found = sweep(PLAN, GRID, seeds=3, data=vectors, out=tmp_path / "s", console=console)
    assert found.complete
    assert {p.name for p in found.folder.iterdir() if p.is_file()} == {
        "sweep.toml", "results.json", "sweep.png", "report.html", ".lock",
    }  # fmt: skip
    assert len([p for p in found.folder.iterdir() if p.is_dir()]) == 6
    assert "6 of 6 runs" in said.getvalue()
    plain = json.loads((found.folder / "results.json").read_text())
    for number, (cell, row) in enumerate(zip(found.request.cells(), plain["cells"], strict=True), start=1):
        ends, bests = [], []
        for seed in range(3):
            epochs = epochs_of(read_record(run_folder(found.folder, number, cell, seed) / "record.jsonl"))
            ends.append(epochs[-1]["validation"]["error"])
            bests.append(min(epoch["validation"]["error"] for epoch in epochs))
        for where, values in (("end", ends), ("best", bests)):
            scores = row[f"validation error at {where}"]
            assert scores["mean"] == pytest.approx(np.mean(values))
            assert scores["sd"] == pytest.approx(np.std(values, ddof=1))
    means = [row["validation error at best"]["mean"] for row in plain["cells"]]
    assert plain["best"] == plain["cells"][int(np.argmin(means))]["name"]


def test_test_examples_are_not_looked_at(vectors: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> None:
        raise AssertionError("a sweep has read test examples")

    examples = type(vectors.test)
    gather = examples.gather

    def guarded(self: object, index: torch.Tensor) -> object:
        return refuse() if len(self) == 31 else gather(self, index)  # type: ignore[arg-type]

    odd = replace(vectors, test=vectors.train.select(torch.arange(31)))
    monkeypatch.setattr(examples, "gather", guarded)
    found = sweep(PLAN, {}, seeds=2, data=odd, out=tmp_path / "s", progress=False)
    assert found.complete
    assert not list(found.folder.glob("*/scores.json"))


def test_together_and_one_by_one_agree(vectors: Dataset, tmp_path: Path) -> None:
    joint = sweep(PLAN, GRID, seeds=2, data=vectors, out=tmp_path / "j", vmap="always", progress=False)
    apart = sweep(PLAN, GRID, seeds=2, data=vectors, out=tmp_path / "a", vmap="never", progress=False)
    for run in sorted(p.name for p in joint.folder.iterdir() if p.is_dir()):
        notes = ["trained together" in str(read_record(r.folder / run / "record.jsonl")) for r in (joint, apart)]
        assert notes == [True, False]
        ours, theirs = (load_checkpoint(r.folder / run / "weights").tensors for r in (joint, apart))
        assert all(torch.allclose(ours[name], theirs[name], atol=1e-4) for name in ours)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("vmap", ["always", "never"])
def test_a_killed_sweep_goes_on_where_it_was(
    vectors: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vmap: module.Vmap
) -> None:
    whole = sweep(PLAN, GRID, seeds=2, data=vectors, out=tmp_path / "whole", vmap=vmap, progress=False)
    watch = module._watch

    def cut(news: Iterator[object], *rest: object) -> None:
        def until() -> Iterator[object]:
            for count, piece in enumerate(news):
                if count == 4 and len(list((tmp_path / "s").glob("02*/config.toml"))):
                    raise Killed
                yield piece

        watch(until(), *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_watch", cut)
    with pytest.raises(Killed):
        sweep(PLAN, GRID, seeds=2, data=vectors, out=tmp_path / "s", vmap=vmap, progress=False)
    monkeypatch.undo()
    half = load_sweep(tmp_path / "s")
    assert [cell.missing for cell in half.cells] == [0, 2]
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "s").glob("01*/weights.safetensors")}
    assert len(kept) == 2
    console, said = listening()
    found = resume_sweep(tmp_path / "s", data=vectors, console=console)
    assert found.complete
    assert "2 of 4 runs are over" in said.getvalue()
    assert "restarted, no checkpoint was saved" in said.getvalue()
    assert all(p.stat().st_mtime_ns == at for p, at in kept.items())  # finished runs were left alone
    for cell, other in zip(found.cells, whole.cells, strict=True):
        assert cell.at_end("loss")[:2] == pytest.approx(other.at_end("loss")[:2], rel=1e-4)


def test_a_run_with_a_checkpoint_is_resumed(vectors: Dataset, tmp_path: Path) -> None:
    sweep(PLAN, {}, seeds=1, data=vectors, out=tmp_path / "s", progress=False)
    (run,) = (p for p in (tmp_path / "s").iterdir() if p.is_dir())
    before = load_checkpoint(run / "weights").tensors
    shutil.rmtree(run)
    session = start(PLAN, run, vectors)
    stop = StopRequest()
    for event in session.events(stop):
        if getattr(event, "step", 0) == 2:
            stop()
    assert state_of(run) == "unfinished"
    console, said = listening()
    resume_sweep(tmp_path / "s", data=vectors, console=console)
    assert "resumed at step 2" in said.getvalue()
    assert all(torch.equal(t, before[n]) for n, t in load_checkpoint(run / "weights").tensors.items())


def test_same_order_again_does_nothing_and_another_is_refused(vectors: Dataset, tmp_path: Path) -> None:
    sweep(PLAN, GRID, seeds=1, data=vectors, out=tmp_path / "s", progress=False)
    console, said = listening()
    sweep(PLAN, GRID, seeds=1, data=vectors, out=tmp_path / "s", console=console)
    assert "2 of 2 runs are over" in said.getvalue()
    with pytest.raises(RunError, match="another sweep"):
        sweep(PLAN, GRID, seeds=2, data=vectors, out=tmp_path / "s", progress=False)


def test_diverged_runs_are_noted_and_the_rest_goes_on(vectors: Dataset, tmp_path: Path) -> None:
    for vmap in ("always", "never"):
        console, said = listening()
        found = sweep(
            PLAN, {"optimizer.lr": [1e30, 0.01], "optimizer.name": "sgd"}, seeds=2, data=vectors,
            out=tmp_path / vmap, vmap=vmap, console=console,
        )  # fmt: skip
        assert [(cell.diverged, len(cell.histories)) for cell in found.cells] == [(2, 0), (0, 2)]
        assert found.complete
        assert found.best is found.cells[1]
        assert said.getvalue().count("diverged at step") == 2
        assert resume_sweep(found.folder, data=vectors, progress=False).complete


def test_ctrl_c_leaves_what_is_there(vectors: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    see = module.SweepProgress.see
    ended: list[str] = []

    def interrupting(self: module.SweepProgress, run: str, event: object) -> None:
        see(self, run, event)  # type: ignore[arg-type]
        if type(event).__name__ == "EpochEnded" and not ended:
            ended.append(run)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(module.SweepProgress, "see", interrupting)
    found = sweep(PLAN, GRID, seeds=2, data=vectors, out=tmp_path / "s", vmap="never", progress=False)
    assert not found.complete
    assert (tmp_path / "s" / "results.json").exists()
    assert resume_sweep(tmp_path / "s", data=vectors, progress=False).complete


def test_mistakes_leave_nothing_behind(vectors: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "s"
    with pytest.raises(ConfigError, match="seeds"):
        sweep(PLAN, GRID, seeds=0, data=vectors, out=out)
    with pytest.raises(ConfigError, match="activation"):
        sweep(PLAN, {"net.activation": ["relu", "relo"]}, data=vectors, out=out)
    with pytest.raises(DataError, match="validation"):
        sweep(PLAN, GRID, data=replace(vectors, validation=vectors.train.select(torch.arange(0))), out=out)
    with pytest.raises(ConfigError, match="neurarium train lenet5"):
        sweep(PLAN, {"loss.name": "distillation", "pretrained": "lenet5"}, data=vectors, out=out)
    with pytest.raises(RunError, match=r"sweep\.toml"):
        resume_sweep(tmp_path)
    assert not out.exists()


def test_request_reads_back(vectors: Dataset, tmp_path: Path) -> None:
    grid = {"net.hidden": [(4,), (4, 4)], "clip_norm": [None, 1.0]}
    found = sweep(replace(PLAN, epochs=1), grid, seeds=1, data=vectors, out=tmp_path / "s", progress=False)
    assert read_request(found.folder) == found.request


def test_data_of_the_grid_are_found_from_another_folder(
    vectors: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = vectors.train.gather(torch.arange(60))
    np.savez(tmp_path / "few.npz", x=part.x.numpy(), y=part.labels.numpy())
    monkeypatch.chdir(tmp_path)
    grid = {"data": "few.npz", "optimizer.lr": [0.01, 0.1], "epochs": 1}
    found = sweep(PLAN, grid, seeds=1, out="s", progress=False)
    assert found.title == "toy on few.npz, by optimizer.lr"
    page = (found.folder / "report.html").read_text()
    assert "few.npz" in page
    assert "mnist-5k" not in page
    monkeypatch.chdir(tmp_path.parent)
    assert resume_sweep(tmp_path / "s", progress=False).complete


OWN = Recipe(name="own", net=OwnNet(), batch_size=32, epochs=2, device="cpu")


def own_mlp(schema: Schema) -> torch.nn.Module:
    return MLP((schema.input.size, 8, schema.outputs))


@pytest.mark.parametrize("vmap", ["always", "never"])
def test_nets_of_a_function_are_fresh_for_every_run_and_by_its_seed(
    vectors: Dataset, tmp_path: Path, vmap: module.Vmap
) -> None:
    made: list[torch.nn.Module] = []

    def make(schema: Schema) -> torch.nn.Module:
        made.append(own_mlp(schema))
        return made[-1]

    grid = {"optimizer.lr": [1e-30, 0.01]}
    found = sweep(
        OWN, grid, seeds=2, data=vectors, net=make, out=tmp_path / "s", vmap=vmap, progress=False,
    )  # fmt: skip
    assert found.complete
    assert len({id(net) for net in made}) == len(made) >= 4
    # at a rate of nothing the weights stay those that the seed gives
    for seed in (0, 1):
        with own_generators():
            seed_everything(seed)
            first = own_mlp(vectors.schema).state_dict()
        cell = found.request.cells()[0]
        kept = load_checkpoint(run_folder(found.folder, 1, cell, seed) / "weights").tensors
        assert all(torch.allclose(kept[name], value, atol=1e-20) for name, value in first.items())


def test_a_function_that_makes_the_nets_is_passed_again(vectors: Dataset, tmp_path: Path) -> None:
    found = sweep(OWN, {}, seeds=1, data=vectors, net=own_mlp, out=tmp_path / "s", progress=False)
    assert 'net = "your own, pass it again"' in (found.folder / "sweep.toml").read_text()
    (run,) = (p for p in found.folder.iterdir() if p.is_dir())
    weights = (run / "weights.safetensors").read_bytes()
    shutil.rmtree(run)
    with pytest.raises(
        ConfigError, match=r"net: expected the function .* pass it again in Python: .*resume_sweep\(folder, net="
    ):
        resume_sweep(found.folder, data=vectors)
    with pytest.raises(ConfigError, match=r"data: expected the data .*resume_sweep\(folder, data="):
        resume_sweep(found.folder, net=own_mlp)
    assert resume_sweep(found.folder, data=vectors, net=own_mlp, progress=False).complete
    assert (run / "weights.safetensors").read_bytes() == weights


def test_functions_that_make_no_fresh_nets_are_refused(vectors: Dataset, tmp_path: Path) -> None:
    one = own_mlp(vectors.schema)
    settings = {"data": vectors, "out": tmp_path / "s", "progress": False}
    with pytest.raises(ConfigError, match="the same module twice"):
        sweep(OWN, {}, net=lambda schema: one, **settings)
    shutil.rmtree(tmp_path / "s")
    with pytest.raises(ConfigError, match="one that returns the class MLP"):
        sweep(OWN, {}, net=lambda schema: MLP, **settings)
    with pytest.raises(ConfigError, match="net: expected a recipe with a net, or a function"):
        sweep(OWN, {}, **settings)
    with pytest.raises(ConfigError, match=r"net\.hidden: expected no values"):
        sweep(PLAN, {"net.hidden": [(4,), (8,)]}, net=own_mlp, **settings)
    assert not (tmp_path / "s").exists()


def test_data_in_hand_are_known_again(vectors: Dataset, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(60, 3)), generator.integers(0, 2, 60)
    found = sweep(PLAN, {}, seeds=1, data=(X, y), out=tmp_path / "s", progress=False)
    assert "mnist-5k" not in found.title
    with pytest.raises(RunError, match="expected the data it was begun with"):
        resume_sweep(found.folder, data=vectors)
    with pytest.raises(RunError, match="another sweep"):
        sweep(PLAN, {}, seeds=1, data=vectors, out=found.folder)
    with pytest.raises(ConfigError, match="data: expected no values"):
        sweep(PLAN, {"data": ["iris", "wine"]}, data=vectors, out=tmp_path / "t")
    assert resume_sweep(found.folder, data=(X, y), progress=False).complete


@pytest.mark.parametrize(
    ("kind", "net"),
    [
        ("series", PooledSeriesSpec(hidden=8)),
        ("windows", NeuralLanguageModelSpec(context=4, embedding_dim=4, hidden=8)),
        ("pairs", EncoderDecoderSpec(embedding_dim=4, hidden=8)),
        ("nodes", GCNSpec(hidden=4)),
        ("molecules", PairPotentialSpec()),
    ],
)
def test_every_kind_of_data(kind: str, net: NetSpec, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    data, plan = request.getfixturevalue(kind), replace(PLAN, net=net, epochs=1)
    found = sweep(plan, {}, seeds=2, data=data, out=tmp_path / "s", progress=False)
    assert found.complete
    assert found.best is not None
    assert all(np.isfinite(cell.at_best("error").mean) for cell in found.cells)
