"""What a contender is, and how it speaks with the driver: a word a line in, a line of JSON out.

driver      (start)   "epoch"            ...   "finish"
contender   {}        {"seconds": 0.6}   ...   {"accuracy": 0.88, "peak_mib": 512.0}
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from images import Images, load_pictures

BATCH = 128
RATE = 1e-3
HIDDEN = (256, 256)
SEED = 0


class Contender(Protocol):
    """A net under training."""

    def epoch(self) -> None:
        """Learn once from every training image, in a new order."""

    def accuracy(self) -> float:
        """Fraction of right answers on the test images."""


def serve(make: Callable[[Images, str], Contender]) -> None:
    """Train as the driver asks. Only `epoch` is timed: reading data, building and compiling come before."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("net", choices=("mlp", "lenet5"))
    given = parser.parse_args()
    # what a library prints must not get between the answers
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(values: dict[str, Any]) -> None:
        answers.write(json.dumps(values) + "\n")

    contender = make(load_pictures(given.folder), given.net)
    answer({})
    for word in map(str.strip, sys.stdin):
        if word == "finish":
            peak = peak_mib()
            answer({"accuracy": contender.accuracy(), "peak_mib": peak})
            return
        began = time.perf_counter()
        contender.epoch()
        answer({"seconds": time.perf_counter() - began})


def peak_mib() -> float:
    """Largest resident memory of this process so far, in MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
