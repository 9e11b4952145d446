"""The command line, called here or in a process of its own, and one finished run to look at."""

import contextlib
import io
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from neurarium.cli.main import main

Result = subprocess.CompletedProcess[str]
QUICK = [
    "mlp",
    "--epochs",
    "2",
    "--net.hidden",
    "32",
    "--threads",
    "1",
    "--batch-size",
    "50",
    "--augmentation.shift",
    "0",
]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "120", "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}


def call(folder: Path, *arguments: str, timeout: float = 120) -> Result:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "neurarium", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def called(folder: Path, *arguments: str) -> Result:
    """The command line in this process, which has loaded torch already: same folder, screen and exit code."""
    out, err = io.StringIO(), io.StringIO()
    threads = torch.get_num_threads()
    with (
        contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(),
        contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
    ):  # fmt: skip
        for name, value in environment().items():
            patch.setenv(name, value)
        warnings.simplefilter("ignore")
        code = main(arguments)
    torch.set_num_threads(threads)
    return Result(["neurarium", *arguments], code, out.getvalue(), err.getvalue())


@pytest.fixture
def neurarium(tmp_path: Path) -> Callable[..., Result]:
    """Call the command line in an empty folder."""
    return lambda *arguments: called(tmp_path, *arguments)


FLOWERS = ["mlp", "--data", "iris", "--epochs", "2", "--net.hidden", "8", "--threads", "1"]


@pytest.fixture(scope="session")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a table, which has few images to draw; do not change it."""
    folder = tmp_path_factory.mktemp("flowers")
    result = called(folder, "train", *FLOWERS)
    assert result.returncode == 0, result.stderr
    return folder / "runs" / "mlp-1"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run trained by the command line; do not change it."""
    folder = tmp_path_factory.mktemp("finished")
    result = called(folder, "train", *QUICK)
    assert result.returncode == 0, result.stderr
    return folder / "runs" / "mlp-1"
