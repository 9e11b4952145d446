"""Runs that are killed or interrupted from outside, and go on as if nothing had happened."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from neurarium.training.checkpoint import load_newest, saved_steps

from .conftest import call, environment

pytestmark = pytest.mark.more

Call = Callable[..., subprocess.CompletedProcess[str]]
# dropout, a smaller last batch, and a checkpoint every few steps; a second or two long, so that a kill meets it at work
LONG = ["mlp", "--epochs", "12", "--net.hidden", "32", "--threads", "1", "--batch-size", "64"]
LONG += ["--checkpoints.steps", "20"]


def launch(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "neurarium", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def wait_for_steps(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until the run has saved a checkpoint at `count` steps or more."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        newest = saved_steps(folder / "checkpoints")[:1]
        if newest and int(newest[0].name.split("-")[1]) >= count:
            return
        time.sleep(0.002)
    raise AssertionError(f"no checkpoint of step {count}: {process.stdout.read() if process.stdout else ''}")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    result = call(folder, "train", *LONG)
    assert result.returncode == 0, result.stderr
    return (folder / "runs/mlp-1/weights.safetensors").read_bytes()


def test_killed_three_times_and_resumed_ends_with_the_same_weights(tmp_path: Path, uninterrupted: bytes) -> None:
    run = tmp_path / "runs/mlp-1"
    arguments = ["train", *LONG]
    for steps in (100, 300, 500):
        process = launch(tmp_path, *arguments)
        wait_for_steps(run, steps, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        checkpoint, damaged = load_newest(run / "checkpoints")
        assert checkpoint is not None
        assert damaged == []
        arguments = ["resume", "runs/mlp-1"]
    result = call(tmp_path, *arguments)
    assert result.returncode == 0, result.stderr
    assert (run / "weights.safetensors").read_bytes() == uninterrupted


def test_interrupted_stops_cleanly_and_says_how_to_resume(tmp_path: Path, uninterrupted: bytes) -> None:
    run = tmp_path / "runs/mlp-1"
    process = launch(tmp_path, "train", *LONG)
    wait_for_steps(run, 300, process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "neurarium resume runs/mlp-1" in output
    assert "Traceback" not in output
    assert (run / "report.html").exists()
    assert not (run / "weights.json").exists()
    result = call(tmp_path, "resume", "runs/mlp-1")
    assert result.returncode == 0, result.stderr
    assert (run / "weights.safetensors").read_bytes() == uninterrupted


def test_diverging_run_says_where_and_keeps_the_last_good_checkpoint(neurarium: Call, tmp_path: Path) -> None:
    result = neurarium(
        "train", "mlp", "--optimizer.name", "sgd", "--optimizer.lr", "1e20", "--threads", "1",
        "--optimizer.weight-decay", "0",
        "--checkpoints.steps", "1", "--net.dropout", "0",
    )  # fmt: skip
    assert result.returncode == 3
    assert "output of layer" in result.stderr
    assert "not updated" in result.stderr
    assert "Traceback" not in result.stderr
    checkpoint, damaged = load_newest(tmp_path / "runs/mlp-1/checkpoints")
    assert checkpoint is not None
    assert damaged == []
    assert all(t.isfinite().all() for n, t in checkpoint.tensors.items() if n.startswith("net/"))


def test_disk_that_fills_up_while_training(tmp_path: Path) -> None:
    """A file-size limit stands in for a full disk: the next checkpoint does not fit."""
    # resource limits raise EFBIG on writing, as a full disk raises ENOSPC
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "from neurarium.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "train", *LONG],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert "step-" in result.stderr
    assert list((tmp_path / "runs/mlp-1/checkpoints").iterdir()) == []
