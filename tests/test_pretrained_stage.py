"""Runs that stand on another, through the verbs of `api` and from outside: trained first, copied, killed, resumed."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from neurarium import api
from neurarium.checks import ConfigError, RunError
from neurarium.data.dataset import Dataset
from neurarium.learning.loss import Loss
from neurarium.nets.feedforward.linear_probe_spec import LinearProbeSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.recipes.catalog import RECIPES
from neurarium.training.checkpoint import saved_steps
from neurarium.training.export import export
from neurarium.training.interrupt import StopRequest
from neurarium.training.recipe import Checkpoints, Recipe
from neurarium.training.run import Run

pytestmark = pytest.mark.usefixtures("undrawn")

FAST = {"epochs": 2, "batch_size": 50, "threads": 1, "checkpoints": Checkpoints(seconds=1e9, steps=1)}
TEACHER = Recipe(name="quick-teacher", net=MLPSpec(hidden=(8, 4)), **FAST)
STUDENT = Recipe(
    name="student",
    net=MLPSpec(hidden=(4,), dropout=0.2),
    pretrained="quick-teacher",
    loss=Loss("distillation", temperature=2.0),
    **FAST,
)
PROBE = Recipe(name="probe", net=LinearProbeSpec("relu2"), pretrained="quick-teacher", **FAST)


@pytest.fixture(autouse=True)
def _known_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {**RECIPES, "quick-teacher": lambda: TEACHER, "quick-student": lambda: STUDENT}
    monkeypatch.setattr(api, "RECIPES", table)
    # images and reports are looked at elsewhere
    monkeypatch.setattr(api, "write_results", lambda run, data: None)


def train(plan: Recipe, folder: Path, data: Dataset) -> Run:
    return api.train(plan, data=data, out=folder, progress=False)


def same(a: Path, b: Path) -> bool:
    return (a / "weights.safetensors").read_bytes() == (b / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("plan", [STUDENT, PROBE], ids=["student", "probe"])
def test_pretrained_is_trained_first_and_the_run_stands_alone(plan: Recipe, images: Dataset, tmp_path: Path) -> None:
    run = train(plan, tmp_path / "a", images)
    alone = train(TEACHER, tmp_path / "teacher", images)
    assert same(tmp_path / "a/pretrained", tmp_path / "teacher")
    again = train(replace(plan, pretrained=str(tmp_path / "teacher")), tmp_path / "b", images)
    assert same(tmp_path / "a", tmp_path / "b")
    assert not (tmp_path / "b/pretrained/checkpoints").exists()
    (tmp_path / "teacher").rename(tmp_path / "gone")
    loaded = api.load(tmp_path / "b")
    assert torch.equal(next(loaded.net.parameters()), next(again.net.parameters()))
    assert loaded.evaluate(images).accuracy == run.evaluate(images).accuracy
    assert alone.recipe.pretrained == ""


def test_a_probe_exports(images: Dataset, tmp_path: Path) -> None:
    run = train(PROBE, tmp_path / "f", images)
    program = torch.export.load(export(api.load(tmp_path / "f"), "torch-export")).module()
    raw = next(images.test.pieces("image"))[:7].float()
    answers = torch.tensor(run.predict(raw).probabilities)
    torch.testing.assert_close(program(raw).softmax(1), answers, rtol=1e-4, atol=1e-5)


def test_pretrained_of_a_pretrained(images: Dataset, tmp_path: Path) -> None:
    plan = replace(STUDENT, name="third", pretrained="quick-student")
    train(plan, tmp_path / "r", images)
    assert (tmp_path / "r/pretrained/pretrained/weights.json").exists()
    assert api.load(tmp_path / "r/pretrained").recipe.name == "student"


@pytest.mark.parametrize("stage", ["pretrained", "main"])
def test_interrupted_in_either_stage_and_resumed(
    stage: str, images: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(STUDENT, tmp_path / "whole", images)
    fit, stop_at = api._fit, {"pretrained": 1, "main": 2}[stage]
    calls = []

    def interrupted(session, data, progress, console):  # type: ignore[no-untyped-def]
        calls.append(session.folder)
        if len(calls) != stop_at:
            return fit(session, data, progress, console)
        request = StopRequest()
        for event in session.events(request):
            if getattr(event, "step", 0) == 3:
                request()
        return api.load_run(session.folder, session.net)

    monkeypatch.setattr(api, "_fit", interrupted)
    if stage == "pretrained":
        with pytest.raises(KeyboardInterrupt, match=f"neurarium resume {tmp_path / 'cut'}"):
            train(STUDENT, tmp_path / "cut", images)
    else:
        train(STUDENT, tmp_path / "cut", images)
    assert (tmp_path / "cut/pretrained/weights.json").exists() == (stage == "main")
    monkeypatch.setattr(api, "_fit", fit)
    api.resume(tmp_path / "cut", data=images, progress=False)
    assert same(tmp_path / "cut", tmp_path / "whole")
    assert same(tmp_path / "cut/pretrained", tmp_path / "whole/pretrained")


def test_mistakes_show_before_anything_is_trained(images: Dataset, tmp_path: Path) -> None:
    cases = [
        (replace(STUDENT, pretrained="quick-techer"), ConfigError, "did you mean quick-teacher"),
        (replace(PROBE, net=LinearProbeSpec("relu9")), ConfigError, "did you mean relu"),
        (replace(STUDENT, pretrained=str(tmp_path)), RunError, "without config"),
        (
            replace(STUDENT, loss=Loss("distillation", alpha=0.5, class_weights=(1.0,))),
            ConfigError,
            "weights",
        ),
        (replace(STUDENT, device="nonsense"), ConfigError, "device"),
    ]
    for plan, kind, says in cases:
        with pytest.raises(kind, match=says):
            train(plan, tmp_path / "r", images)
        assert not (tmp_path / "r").exists()


# the command line, with a teacher that needs two epochs and no images
SHORT = """
import sys
from dataclasses import replace
from neurarium import api
from neurarium.cli.main import main
teacher = replace(api.recipe("bottleneck-mlp"), epochs=2)
api.RECIPES = {**api.RECIPES, "bottleneck-mlp": lambda: teacher}
api.write_results = lambda run, data: None
sys.exit(main(sys.argv[1:]))
"""
LONG = ["--epochs", "3", "--threads", "1", "--checkpoints.steps", "10", "--quiet"]


def launch(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", SHORT, *arguments]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_when_saved(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Kill a process as soon as a run folder holds a checkpoint."""
    deadline = time.monotonic() + 120
    while not saved_steps(folder / "checkpoints"):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.more
def test_killed_in_both_stages_and_resumed(tmp_path: Path) -> None:
    order = ["train", "bottleneck-features", *LONG]
    assert launch(tmp_path, *order, "--out", "whole").wait() == 0
    kill_when_saved(launch(tmp_path, *order, "--out", "cut"), tmp_path / "cut/pretrained")
    assert not (tmp_path / "cut/pretrained/weights.json").exists()
    kill_when_saved(launch(tmp_path, "resume", "cut", "--quiet"), tmp_path / "cut")
    assert (tmp_path / "cut/pretrained/weights.json").exists()
    assert not (tmp_path / "cut/weights.json").exists()
    assert launch(tmp_path, "resume", "cut", "--quiet").wait() == 0
    assert same(tmp_path / "cut", tmp_path / "whole")
