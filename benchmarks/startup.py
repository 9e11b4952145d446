"""How long neurarium takes to start: its import beyond torch's, and `neurarium --help`.

    python benchmarks/startup.py          medians of fresh processes; writes benchmarks/results/startup.json and .md

The cost beyond torch is measured inside one process, after `import torch` there: no difference of two large numbers.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from machine import describe_machine, measured_on, warn_if_busy
from table import publish

# each line's time is printed, in order
STATEMENTS = {
    "import torch": "import torch",
    "import neurarium": "import neurarium",
    "neurarium.train, neurarium.recipe": "neurarium.train, neurarium.recipe",
}
WHOLE = "whole public interface beyond torch"
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15, help="fresh processes of each, after one to warm up")
    parser.add_argument("--quick", action="store_true", help="two processes of each, write nothing")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = parser.parse_args()
    warn_if_busy()
    repeats = 2 if given.quick else given.repeats
    # in turns, so that a drift meets both
    runs = [(import_seconds(), import_seconds(collect=False), help_seconds()) for _ in range(repeats + 1)][1:]
    seconds = {name: [usual[name] for usual, _, _ in runs] for name in STATEMENTS}
    first, second = list(STATEMENTS)[1:]
    seconds[WHOLE] = [usual[first] + usual[second] for usual, _, _ in runs]
    seconds[f"{WHOLE}, without garbage collection"] = [bare[first] + bare[second] for _, bare, _ in runs]
    seconds["neurarium --help"] = [helped for _, _, helped in runs]
    results = {"machine": describe_machine(), "seconds": seconds}
    publish("startup", results, markdown(seconds, results["machine"]), None if given.quick else given.out)
    return 0


def import_seconds(collect: bool = True) -> dict[str, float]:
    """Run the statements in a fresh process, each timed there; with or without Python's garbage collector."""
    lines = ["import gc, json, time", "" if collect else "gc.disable()", "seconds = {}"]
    for name, statement in STATEMENTS.items():
        lines += ["began = time.perf_counter()", statement, f"seconds[{name!r}] = time.perf_counter() - began"]
    script = "\n".join([*lines, "print(json.dumps(seconds))"])
    done = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, text=True)
    seconds: dict[str, float] = json.loads(done.stdout)
    return seconds


def help_seconds() -> float:
    """Time the command as a user waits for it, interpreter included."""
    command = Path(sys.executable).parent / "neurarium"
    began = time.perf_counter()
    subprocess.run([command, "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def markdown(seconds: dict[str, list[float]], machine: dict[str, Any]) -> str:
    """Draw the table, ratio to torch's own import first."""
    torch_alone = median(seconds["import torch"])
    lines = [
        "# Start-up",
        f"Medians of {len(seconds[WHOLE])} fresh processes. `import neurarium` loads its names on first use; the line "
        "below it is what using them costs then. Without garbage collection: Python's collector may walk through all "
        "that torch has allocated, just then.",
        "\n".join(
            [
                "| time / import torch | what | milliseconds | fastest to slowest |",
                "|---:|---|---:|---:|",
                *(
                    f"| {median(s) / torch_alone:.3f} | {name} | {1e3 * median(s):.1f} "
                    f"| {1e3 * min(s):.1f} to {1e3 * max(s):.1f} |"
                    for name, s in seconds.items()
                ),
            ]
        ),
        measured_on(machine),
    ]
    return "\n\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
