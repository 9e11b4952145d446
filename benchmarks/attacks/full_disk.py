"""No file may grow beyond a random size, as on a disk that fills up: one clear error, and the run can be resumed.

Without drawing, as that is most of a run's time: what images and pages are made of is written all the same.
"""

import math
import random
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from attacks.trial import Launched, Trial, difference, finish, left, next_step

SMALLEST = 100  # bytes


def attack(workshop: Path, rng: random.Random) -> Iterator[Trial]:
    """Train under a limit, then without."""
    whole = workshop / "whole"
    whole.mkdir()
    if problem := finish(whole, drawn=False):
        yield Trial("an uncut run", problem)
        return
    expected = left(whole / "run")
    largest = max(path.stat().st_size for path in (whole / "run").rglob("*") if path.is_file())
    for number in count():
        folder = workshop / str(number)
        folder.mkdir()
        size = int(math.exp(rng.uniform(math.log(SMALLEST), math.log(largest))))
        process = Launched(folder, *next_step(folder), drawn=False, largest=size)
        said = process.end()
        clear = process.code == 2 and "error:" in said and "Traceback" not in said
        yield Trial("a disk that is full: one clear error", "" if clear else f"{size} bytes: {process.code}: {said}")
        problem = finish(folder, drawn=False) or difference(expected, left(folder / "run"))
        yield Trial("... and with room again resumed: the folder of an uncut run", problem)
        shutil.rmtree(folder)
