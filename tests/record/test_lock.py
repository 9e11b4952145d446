import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from neurarium.checks import RunError
from neurarium.record.lock import locked


def hold(folder: Path, ready: "multiprocessing.synchronize.Event") -> None:
    with locked(folder):
        ready.set()
        signal.pause()


def test_one_at_a_time_whatever_happens_within(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "r"),
        pytest.raises(RunError, match="another process is at work; wait"),
        locked(tmp_path / "r"),
    ):
        pass
    with pytest.raises(KeyError), locked(tmp_path / "r"):
        raise KeyError
    refused = pytest.raises(RunError, match="another process is at work; wait")
    with locked(tmp_path / "r"), refused, locked(tmp_path / "r"):
        pass
    with pytest.raises(KeyError), locked(tmp_path / "r"):
        raise KeyError
    with locked(tmp_path / "r"), locked(tmp_path / "other"):
        pass


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    other = context.Process(target=hold, args=(tmp_path, ready))
    other.start()
    assert ready.wait(20)
    with pytest.raises(RunError, match="another process"), locked(tmp_path):
        pass
    os.kill(other.pid or 0, signal.SIGKILL)
    other.join()
    with locked(tmp_path):
        assert (tmp_path / ".lock").exists()
