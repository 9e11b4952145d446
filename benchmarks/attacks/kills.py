"""A run is stopped up to three times at random moments, and gone on with: it must end as if nothing had happened."""

import random
import shutil
import signal
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from attacks.trial import Launched, Trial, difference, finish, left, next_step

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
NAMES = {signal.SIGKILL: "kill -9", signal.SIGINT: "Ctrl-C", signal.SIGTERM: "kill"}
EARLY = 0.1
"""Fraction of the signals that do not wait until the run has begun to learn."""
DRAWN = 6
"""One run in so many draws its images and its page."""


def attack(workshop: Path, rng: random.Random) -> Iterator[Trial]:
    """Stop runs at random moments; most of them without drawing, as that is most of a run's time."""
    uncut: dict[bool, tuple[dict[str, Any], float]] = {}
    for number in count():
        drawn = number % DRAWN == DRAWN - 1
        if drawn not in uncut:
            uncut[drawn] = timed(workshop / f"whole-{drawn}", drawn)
        expected, seconds = uncut[drawn]
        folder = workshop / str(number)
        folder.mkdir()
        yield from chain(folder, rng, seconds, drawn)
        problem = finish(folder, drawn) or difference(expected, left(folder / "run"))
        yield Trial("stopped up to three times, then resumed: the folder of an uncut run", problem)
        shutil.rmtree(folder)


def timed(folder: Path, drawn: bool) -> tuple[dict[str, Any], float]:
    """What an uncut run leaves, and its seconds from the first line of its record on."""
    folder.mkdir()
    process = Launched(folder, *next_step(folder), drawn=drawn)
    began = wait_for_record(folder, 0.0, process)
    said = process.end()
    assert process.code == 0, said
    return left(folder / "run"), time.monotonic() - began


def chain(folder: Path, rng: random.Random, seconds: float, drawn: bool) -> Iterator[Trial]:
    """Stop one run up to three times."""
    for _ in range(rng.randint(1, 3)):
        number, early, wait = rng.choice(SIGNALS), rng.random() < EARLY, rng.random()
        arguments = next_step(folder)
        if not arguments:
            return
        record = folder / "run" / "record.jsonl"
        before = record.stat().st_mtime if record.exists() else 0.0
        process = Launched(folder, *arguments, drawn=drawn)
        if not early:
            wait_for_record(folder, before, process)
        time.sleep(wait * seconds)
        process.send(number)
        said = process.end()
        # until the run has begun an interrupt is Python's own affair
        problem = said if "Traceback" in said and not early else ""
        yield Trial(f"{NAMES[number]} at a random moment: no traceback", problem)


def wait_for_record(folder: Path, before: float, process: Launched) -> float:
    """Wait until a run writes its record; return when that was."""
    record = folder / "run" / "record.jsonl"
    while process.is_running():
        if record.exists() and record.stat().st_mtime > before:
            break
        time.sleep(0.005)
    return time.monotonic()
