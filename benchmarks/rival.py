"""A contender as the driver sees it: a process that trains for an epoch when it is told to."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

CONTENDERS = Path(__file__).parent / "contenders"


@dataclass(frozen=True)
class Entry:
    """A contender of the roster.

    Args:
        name: as tables say it.
        script: in `contenders/`.
        needs: package that must be installed.
        nets: that it can train.
        settings: environment variables of its own.
    """

    name: str
    script: str
    needs: str = "torch"
    nets: tuple[str, ...] = ("mlp", "lenet5")
    settings: dict[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """What a contender came to.

    Attributes:
        cold_seconds: from the start of its process to the end of the first epoch; the idx files are read before.
        seconds: of each epoch after the first.
    """

    name: str
    cold_seconds: float = 0.0
    seconds: list[float] = field(default_factory=list)
    accuracy: float = 0.0
    peak_mib: float = 0.0


class ContenderError(Exception):
    """A contender's process has died; the message is what it wrote last."""


class Rival:
    """The process of one contender for one net; leaving its `with` block ends it."""

    def __init__(self, entry: Entry, net: str, images: Path, threads: int) -> None:
        self.outcome = Outcome(entry.name)
        self._log = images / f"{entry.script}-{net}.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, CONTENDERS / f"{entry.script}.py", images, net],
                env=os.environ | thread_settings(threads) | entry.settings,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
            )

    def __enter__(self) -> "Rival":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def warm_up(self, began: float) -> None:
        """Wait until it is ready and has trained its first epoch; `began` is when its process was started."""
        self._answer()
        self._ask("epoch")
        self.outcome.cold_seconds = time.perf_counter() - began

    def epoch(self) -> None:
        """Let it train for an epoch, and note how long it took by its own clock."""
        self.outcome.seconds.append(self._ask("epoch")["seconds"])

    def finish(self) -> None:
        """Ask for its test accuracy and its peak memory."""
        answer = self._ask("finish")
        self.outcome.accuracy, self.outcome.peak_mib = answer["accuracy"], answer["peak_mib"]

    def _ask(self, word: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(word + "\n")
        except BrokenPipeError:
            raise self._death() from None
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._death()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _death(self) -> ContenderError:
        last = "\n".join(self._log.read_text().splitlines()[-8:])
        return ContenderError(f"{self.outcome.name} stopped with code {self._process.wait()}:\n{last}")


def thread_settings(threads: int) -> dict[str, str]:
    """Give the environment variables that every library's thread pool obeys."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return dict.fromkeys(names, str(threads))
