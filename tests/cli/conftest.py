"""A command line in a process of its own, and one finished run to look at."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
    return subprocess.run(
        [sys.executable, "-m", "neurarium", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture
def neurarium(tmp_path: Path) -> Callable[..., Result]:
    """Call the command line in an empty folder."""
    return lambda *arguments, **named: call(tmp_path, *arguments, **named)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run trained by the command line; do not change it."""
    folder = tmp_path_factory.mktemp("finished")
    result = call(folder, "train", *QUICK)
    assert result.returncode == 0, result.stderr
    return folder / "runs" / "mlp-1"
