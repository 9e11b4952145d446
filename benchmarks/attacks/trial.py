"""What every attack reports, and what they fraction: a command line to attack, and damage to bytes."""

import contextlib
import io
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

PLAN = [
    "mlp", "--data", "iris", "--net.hidden", "16", "--net.dropout", "0.2", "--epochs", "30", "--batch-size", "8",
    "--threads", "1", "--checkpoints.steps", "25", "--quiet",
]  # fmt: skip
"""A run of a second that draws random numbers, saves often, and leaves few images."""
_TIMED = ("record.jsonl", "curves.png", "report.html")  # they hold the seconds that a run took


@dataclass(frozen=True)
class Trial:
    """One attempt: what was tried, and what went wrong; empty where nothing did."""

    what: str
    problem: str = ""


@cache
def load() -> None:
    """Load whatever a run loads, once: it would take each child longer than the run."""
    with tempfile.TemporaryDirectory() as folder:
        command("train", *PLAN, "--epochs", "1", "--out", f"{folder}/run")


class Launched:
    """The command line in a child of this process, which has loaded all libraries already.

    Args:
        folder: where it runs.
        arguments: of the command line.
        drawn: whether images and pages are drawn, which takes most of its time; if not, stand-ins are written.
        largest: bytes beyond which no file of it grows; none: no limit.
    """

    def __init__(self, folder: Path, *arguments: str, drawn: bool = True, largest: int | None = None) -> None:
        load()
        self.code: int | None = None
        self._said = folder / "said.txt"
        self.pid = os.fork()
        if self.pid:
            return
        code = 1
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            to = os.open(self._said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for stream in (1, 2):
                os.dup2(to, stream)
            os.chdir(folder)
            if largest is not None:  # writing more is an error, as on a full disk
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
            if not drawn:
                import_module("neurarium.report.plotting").png = lambda figure: b"image"  # type: ignore[attr-defined]
                import_module("neurarium.report.page").report_page = lambda run: "page"  # type: ignore[attr-defined]
            code = import_module("neurarium.cli.main").main(arguments)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code is None

    def end(self, seconds: float = 300) -> str:
        """Wait until it has ended; return what it said."""
        last = time.monotonic() + seconds
        while self.is_running():
            if time.monotonic() > last:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.005)
        return self._said.read_text(errors="replace") if self._said.exists() else ""

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self.is_running():
            os.kill(self.pid, number)


def finish(folder: Path, drawn: bool = True) -> str:
    """Do what a user does after a cut, until the run is whole; return what went wrong."""
    arguments = next_step(folder)
    if not arguments:
        return ""
    process = Launched(folder, *arguments, drawn=drawn)
    said = process.end()
    return "" if process.code == 0 else f"{' '.join(arguments[:2])}: exit code {process.code}: {said}"


def next_step(folder: Path) -> list[str]:
    """The command that brings the run in a folder on its way; none where it is whole."""
    run = folder / "run"
    if not (run / "config.toml").exists():
        return ["train", *PLAN, "--out", "run"]
    whole = (run / "weights.json").exists() and (run / "report.html").exists()
    return [] if whole else ["resume", "run", "--quiet"]


def left(run: Path) -> dict[str, Any]:
    """What a run left, without the seconds that it took."""
    from neurarium.record.run_record import epochs_of, read_record
    from neurarium.training.checkpoint import load_newest

    entries = epochs_of(read_record(run / "record.jsonl"))
    found: dict[str, Any] = {"epochs": [{k: v for k, v in entry.items() if k != "seconds"} for entry in entries]}
    for path in run.rglob("*"):
        timed = path.name in _TIMED or path.parent.name == "checkpoints"
        found[str(path.relative_to(run))] = None if timed or path.is_dir() else path.read_bytes()
    checkpoint, _ = load_newest(run / "checkpoints")
    assert checkpoint is not None
    return found | {f"tensor {n}": t.tolist() for n, t in checkpoint.tensors.items() if n.startswith(("net", "best"))}


def difference(expected: dict[str, Any], found: dict[str, Any]) -> str:
    """Names of what is not the same."""
    names = sorted(n for n in expected.keys() | found.keys() if expected.get(n, "-") != found.get(n, "-"))
    return f"another folder than an uncut run's: {', '.join(names)}" if names else ""


def outcome(act: Callable[[], Any]) -> tuple[Any, str]:
    """What a call answers; "refused" where it says what is wrong; and the traceback of anything else."""
    from neurarium.checks import UserError

    try:
        return act(), ""
    except UserError:
        return "refused", ""
    except BaseException:  # whatever it is, it is what this program looks for
        return None, traceback.format_exc()[-2000:]


def command(*arguments: str) -> str:
    """Call the command line here. Returns what it prints; "refused" for a user's mistake told in a line."""
    from neurarium.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    if code == 2:
        return "refused"
    if code:
        raise RuntimeError(f"exit code {code}: {err.getvalue()}")
    return out.getvalue()


DAMAGES = ("one bit flipped", "cut short", "removed")


def damage(path: Path, kind: str, rng: random.Random) -> None:
    """Damage a file."""
    content = bytearray(path.read_bytes())
    if kind == "removed":
        path.unlink()
    elif kind == "cut short":
        path.write_bytes(content[: rng.randrange(max(1, len(content)))])
    elif content:
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)


def mutated(content: bytes, tokens: tuple[bytes, ...], rng: random.Random) -> bytes:
    """Some bytes changed, cut, repeated, or replaced by what a reader may stumble over."""
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        start = rng.randrange(len(content) + 1)
        end = min(len(content), start + rng.choice((1, 2, 4, 16, 64)))
        middle = content[start:end]
        kind = rng.randrange(6)
        if kind == 0 and middle:
            middle = bytes([middle[0] ^ 1 << rng.randrange(8)]) + middle[1:]
        elif kind == 1:
            middle = b""
        elif kind == 2:
            middle = middle * rng.choice((2, 3, 50))
        elif kind == 3:
            middle = rng.randbytes(len(middle))
        elif kind == 4:
            middle = rng.choice(tokens)
        else:
            content = content[: rng.randrange(len(content) + 1)] if rng.random() < 0.3 else content
        content = content[:start] + middle + content[end:]
    return content
