"""How fast this tree trains beside another commit of it: whole runs of the command line, epoch by epoch.

    python benchmarks/core.py --base COMMIT            writes benchmarks/results/core.json and core.md
    python benchmarks/core.py --base COMMIT --quick    MLP alone, two epochs, one round, write nothing: does it run?

The commit is checked out beside, in a git worktree that is removed again. Each run is a fresh process,
`python -m neurarium.cli.main train NAME`; the two trees alternate (AB, BA, AB, ...), so that a drift of the machine
meets both. Of a tree no more is used than this command and the `record.jsonl` that it leaves: the time of an epoch is
the difference of the record's `seconds` at the ends of two epochs, and the first epoch is not counted. mlp and lenet5
learn the digits that come with the package, resnet20 1,000 random images, as the files of Fashion-MNIST may be
absent.

The driver imports none of the libraries: a process starts with its parent's peak memory, which must therefore be small.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from machine import describe_machine, measured_on, warn_if_busy
from rival import thread_settings
from table import publish

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
NEW, OLD = "new", "old"
EPOCHS = {"mlp": 20, "lenet5": 6, "resnet20": 4}
"""Counted epochs of a run, some seconds of learning."""
ON_PICTURES = ("resnet20",)
PICTURES = """
import sys, numpy
random = numpy.random.default_rng(0)
numpy.savez(sys.argv[1], x=random.integers(0, 256, (1000, 1, 28, 28), dtype=numpy.uint8), y=numpy.arange(1000) % 10)
"""


class BenchmarkError(Exception):
    """A process has stopped; the message is what it wrote last."""


@dataclass(frozen=True)
class Measured:
    """What one run came to.

    Attributes:
        seconds: of an epoch, median of those after the first.
        peak_mib: largest resident memory of the whole process, images and report of the run included.
        loss: of the training examples in the last epoch: equal where both trees have done the same.
    """

    seconds: float
    peak_mib: float
    loss: float


def main() -> int:
    """Measure, print, write; 2 where something is missing."""
    given = parse()
    warn_if_busy()
    if sys.platform == "linux":
        # what is started here inherits them
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.threads])
    machine = describe_machine()
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = measure(given, Path(folder))
        except BenchmarkError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    results = {"machine": machine, "method": method(given, found["trees"]), **found}
    publish("core", results, markdown(results), None if given.quick else given.out)
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True, metavar="COMMIT", help="what this tree is compared with")
    parser.add_argument("--recipes", nargs="+", choices=EPOCHS, default=list(EPOCHS))
    parser.add_argument("--epochs", type=int, help=f"counted epochs of a run; none: {as_words(EPOCHS)}")
    parser.add_argument("--repeats", type=int, default=5, help="rounds, one run of each tree in each")
    parser.add_argument("--threads", type=int, default=2, help="threads and cores of both")
    parser.add_argument("--quick", action="store_true", help="mlp, two epochs, one round, write nothing")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = parser.parse_args()
    if given.quick:
        given.recipes, given.epochs, given.repeats = ["mlp"], 2, 1
    epochs = EPOCHS if given.epochs is None else dict.fromkeys(EPOCHS, given.epochs)
    given.epochs = {recipe: epochs[recipe] for recipe in given.recipes}
    if min(given.repeats, given.threads, *given.epochs.values()) < 1:
        parser.error("--epochs, --repeats and --threads are integers >= 1")
    return given


def as_words(epochs: dict[str, int]) -> str:
    """Epochs of each recipe, in a line."""
    return ", ".join(f"{count} of {recipe}" for recipe, count in epochs.items())


def measure(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Train all recipes with both trees in turns; say which trees these are.

    Raises:
        BenchmarkError: no such commit, or a run that stopped.
    """
    done([sys.executable, "-c", PICTURES, str(folder / "images.npz")], folder)
    trees = {NEW: ROOT, OLD: folder / "base"}
    done(["git", "worktree", "add", "--detach", str(trees[OLD]), given.base], ROOT)
    try:
        for tree in trees.values():
            check_source(tree, folder)
        return {
            "trees": {name: done(["git", "describe", "--always", "--dirty"], tree) for name, tree in trees.items()},
            "recipes": {recipe: compare(recipe, trees, given, folder) for recipe in given.recipes},
        }
    finally:
        done(["git", "worktree", "remove", "--force", str(trees[OLD])], ROOT)


def check_source(tree: Path, folder: Path) -> None:
    """Make sure that a tree's own library is measured, and not one that is installed.

    Raises:
        BenchmarkError: another would be.
    """
    command = [sys.executable, "-c", "import neurarium; print(neurarium.__file__)"]
    found = done(command, folder, environment(tree, 1))
    if not Path(found).resolve().is_relative_to(tree.resolve()):
        raise BenchmarkError(f"{tree}: its own neurarium was expected, {found} is imported")


def compare(recipe: str, trees: dict[str, Path], given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Train one recipe with both trees in turns."""
    runs: dict[str, list[Measured]] = {name: [] for name in trees}
    order = list(trees)
    for turn in range(given.repeats):
        for name in order:
            out = folder / f"{recipe}-{turn}-{name}"
            runs[name].append(trained(recipe, given.epochs[recipe], trees[name], out, given.threads))
        order.reverse()
        print(f"{recipe}: round {turn + 1} of {given.repeats}", file=sys.stderr)
    ratios = [new.seconds / old.seconds for new, old in zip(runs[NEW], runs[OLD], strict=True)]
    return {
        "ratio": median(ratios),
        "ratios": ratios,
        "epochs": given.epochs[recipe],
        "same_loss": len({run.loss for side in runs.values() for run in side}) == 1,
        "runs": {name: [asdict(run) for run in side] for name, side in runs.items()},
    }


def trained(recipe: str, epochs: int, tree: Path, out: Path, threads: int) -> Measured:
    """Train in a fresh process; one epoch more, which warms it up."""
    command = [sys.executable, "-m", "neurarium.cli.main", "train", recipe, "--epochs", str(epochs + 1)]
    command += ["--device", "cpu", "--out", str(out), "--quiet"]
    if recipe in ON_PICTURES:
        command += ["--data", str(out.parent / "images.npz")]
    with (out.parent / "said.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=out.parent, env=environment(tree, threads), stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            raise BenchmarkError(f"{' '.join(command)} ({tree}) stopped:\n{log.read()[-1000:]}")
    record = (out / "record.jsonl").read_text().splitlines()
    ends = [entry for entry in map(json.loads, record) if entry["event"] == "epoch"]
    if len(ends) != epochs + 1:
        raise BenchmarkError(f"{recipe} ({tree}): {epochs + 1} epochs were expected, the record holds {len(ends)}")
    seconds = [after["seconds"] - before["seconds"] for before, after in pairwise(ends)]
    unit = 1 if sys.platform == "darwin" else 1024
    return Measured(median(seconds), usage.ru_maxrss * unit / 2**20, ends[-1]["train"]["loss"])


def environment(tree: Path, threads: int) -> dict[str, str]:
    """In which a tree is run: its source comes before any that is installed."""
    return os.environ | thread_settings(threads) | {"PYTHONPATH": str(tree / "src")}


def done(command: list[str], folder: Path, variables: dict[str, str] | None = None) -> str:
    """Run a command; return what it says.

    Raises:
        BenchmarkError: it fails.
    """
    found = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)
    if found.returncode:
        raise BenchmarkError(f"{' '.join(command)} stopped:\n{found.stderr[-1000:]}")
    return found.stdout.strip()


def method(given: argparse.Namespace, trees: dict[str, str]) -> str:
    """Say how it was measured."""
    return (
        f"This tree (new, {trees[NEW]}) beside an earlier commit (old, {trees[OLD]}): `neurarium train` in turns, "
        f"each run a fresh process, {given.threads} threads and cores, {given.repeats} runs of each. Seconds an epoch, "
        "validation set and all, by the record: median of the epochs of a run after the first "
        f"({as_words(given.epochs)}), then of the runs; ratios are medians over the rounds. Peak: most memory of the "
        "whole process, with images and report of the run. mlp and lenet5 learn mnist-5k, resnet20 1,000 random "
        "images of 28 x 28 (800 of them to learn from)."
    )


def markdown(results: dict[str, Any]) -> str:
    """Draw the table, ratio first."""
    lines = [
        "| time new / old | lowest to highest | recipe | new, s an epoch | old | new, peak MiB | old | same numbers |",
        "|---:|---|---|---:|---:|---:|---:|---|",
    ]
    for recipe, found in results["recipes"].items():
        new, old = (
            {key: median(run[key] for run in found["runs"][name]) for key in ("seconds", "peak_mib")}
            for name in (NEW, OLD)
        )
        lines.append(
            f"| {found['ratio']:.3f} | {min(found['ratios']):.3f} to {max(found['ratios']):.3f} | {recipe} "
            f"| {new['seconds']:.4f} | {old['seconds']:.4f} | {new['peak_mib']:.0f} | {old['peak_mib']:.0f} "
            f"| {'yes' if found['same_loss'] else 'NO'} |"
        )
    parts = [
        "# The core beside an earlier commit",
        results["method"],
        "\n".join(lines),
        "Same numbers: whether the training loss of the last epoch is one number in all runs, bit for bit.",
        measured_on(results["machine"]),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
