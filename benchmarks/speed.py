"""How fast neurarium trains, beside its peers: one epoch of the 60,000 training images of Fashion-MNIST.

    python benchmarks/speed.py            both nets, all contenders; writes benchmarks/results/speed.json and speed.md
    python benchmarks/speed.py --quick    2,000 images, one round: does everything run?

Every contender is a process of its own (`contenders/`), which learns when told to; the driver goes round them, so
that a drift of the machine meets all. It imports none of the libraries: a process starts with its parent's peak
memory, which must therefore be small.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from machine import describe_machine, warn_if_busy
from rival import CONTENDERS, ContenderError, Entry, Rival, thread_settings
from table import markdown, overhead_row, publish, rows

ROSTER = (
    Entry("neurarium", "neurarium_trainer"),
    Entry("hand-tuned loop, matrix products by oneDNN", "hand_tuned"),
    Entry("hand-tuned loop, matrix products by MKL", "hand_tuned_mkl"),
    Entry("textbook script", "textbook"),
    Entry("Keras (torch)", "keras_fit", needs="keras", settings={"KERAS_BACKEND": "torch"}),
    Entry("Keras (jax)", "keras_fit", needs="jax", settings={"KERAS_BACKEND": "jax"}),
    Entry("skorch", "skorch_fit", needs="skorch"),
    Entry("scikit-learn", "scikit_learn", needs="sklearn", nets=("mlp",)),
)
NETS = ("mlp", "lenet5")
LEAST_PAIRS = 7
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Measure, print, write; 2 where something is missing."""
    given = parse()
    missing = sorted({entry.needs for entry in ROSTER if find_spec(entry.needs) is None})
    if missing:
        return complain(f"not installed: {', '.join(missing)}; pip install -c constraints.txt -e '.[bench]'")
    warn_if_busy()
    if sys.platform == "linux":
        # libraries that obey no variable count the cores they may use; what is started here inherits them
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.threads])
    results: dict[str, Any] = {"machine": describe_machine(), "method": method(given), "nets": {}}
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder)
        try:
            write_pictures(given, images)
            for net in given.nets:
                results["nets"][net] = measure(net, images, given)
        except ContenderError as error:
            return complain(str(error))
    publish("speed", results, markdown(results), None if given.quick else given.out)
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2,000 images, one round, write nothing")
    parser.add_argument("--threads", type=int, default=2, help="threads and cores of every contender")
    parser.add_argument("--repeats", type=int, default=7, help="epochs measured of each, after one to warm up")
    parser.add_argument("--nets", nargs="+", choices=NETS, default=NETS)
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist", help="folder of the four idx files")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = parser.parse_args()
    if given.threads < 1 or given.repeats < 1:
        parser.error("--threads and --repeats are integers >= 1")
    if given.quick:
        given.repeats = 1
    return given


def write_pictures(given: argparse.Namespace, folder: Path) -> None:
    """Read the images through neurarium and lay them where every contender finds them.

    Raises:
        ContenderError: the data is not there or damaged.
    """
    script = [sys.executable, CONTENDERS / "images.py", given.data, folder]
    done = subprocess.run(
        [*script, *(["--examples", "2000"] if given.quick else [])], stderr=subprocess.PIPE, text=True
    )
    if done.returncode:
        remedy = "apt install dataset-fashion-mnist (Debian), or --data FOLDER with its four idx files"
        raise ContenderError(f"{done.stderr.strip()}\n{remedy}")


def measure(net: str, images: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Train one net with every contender that can, then compare the two loops in one process."""
    with ExitStack() as stack:
        rivals = []
        for entry in (entry for entry in ROSTER if net in entry.nets):
            print(f"{net}: {entry.name} starts", file=sys.stderr)
            began = time.perf_counter()
            rival = stack.enter_context(Rival(entry, net, images, given.threads))
            rival.warm_up(began)
            rivals.append(rival)
        for turn in range(given.repeats):
            # another begins in every round, so that none always follows the same one
            for rival in rivals[turn % len(rivals) :] + rivals[: turn % len(rivals)]:
                rival.epoch()
            print(f"{net}: round {turn + 1} of {given.repeats}", file=sys.stderr)
        for rival in rivals:
            rival.finish()
        outcomes = [dataclasses.asdict(rival.outcome) for rival in rivals]
    return {"contenders": rows(outcomes), "loop_overhead": loop_overhead(net, images, given)}


def loop_overhead(net: str, images: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Compare neurarium's trainer with the hand-tuned loop in one process."""
    rounds = given.repeats if given.quick else max(LEAST_PAIRS, given.repeats)
    done = subprocess.run(
        [sys.executable, CONTENDERS / "loop_overhead.py", images, net, "--rounds", str(rounds)],
        env=os.environ | thread_settings(given.threads),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ContenderError(f"loop_overhead stopped with code {done.returncode}:\n{done.stderr[-1000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return overhead_row(found["seconds"]) | found


def method(given: argparse.Namespace) -> str:
    """Say how it was measured."""
    images = "the first 2,000 (quick: not a measurement)" if given.quick else "all 60,000"
    return (
        f"One epoch of {images} training images, batch 128, Adam 1e-3, float32, {given.threads} threads and cores. "
        f"Median of {given.repeats} epochs after one to warm up, contenders in turns, each in a process of its own; "
        f"ratios are medians over the rounds; test accuracy after all {given.repeats + 1} epochs. None holds "
        "examples out for validation. neurarium does what it does by default (training error, gradient norm and "
        "finite check in every step, an event a step, a copy of the best weights); each contender's file says how it "
        f"was tuned."
    )


def complain(message: str) -> int:
    """Print a message for the user; return the exit code."""
    print(f"error: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
