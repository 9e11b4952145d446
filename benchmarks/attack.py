"""What a run and its inputs withstand: kills, a full disk, damaged files, inputs that are none.

    python benchmarks/attack.py                  about ten minutes; writes the table of docs/reliability.md
    python benchmarks/attack.py --minutes 1 --dry   show the table, write nothing

Each attack (`attacks/`) is a process of its own, so that one that dies is counted too, and draws from its seed: the
same trials come again, but for the moments at which a signal meets a process. Nothing leaves the machine. Exit code 1:
something fell.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib import import_module
from pathlib import Path

from machine import describe_machine

ATTACKS = {"kills": 0.35, "full_disk": 0.2, "damage": 0.25, "inputs": 0.2}
"""Modules of `attacks/`, and the fraction of the time that each has."""
PAGE = Path(__file__).parent.parent / "docs" / "reliability.md"
MARKS = ("<!-- written by benchmarks/attack.py -->\n", "<!-- end -->\n")
FACTS = ("date", "processor", "python", "torch")


def main() -> int:
    """Attack, print the table, write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="for all attacks together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=ATTACKS, help="one attack, with all of the time")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        return attack(given.only, given.seed, 60 * given.minutes)
    tried, fell = Counter[str](), list[tuple[str, str]]()
    for name, fraction in ATTACKS.items() if given.only is None else [(given.only, 1.0)]:
        for what, problem in trials(name, given.seed, given.minutes * fraction):
            tried[what] += 1
            if problem:
                fell.append((what, problem))
                print(f"FELL: {what}: {problem}", flush=True)
    text = table(tried, fell, given.seed)
    print(text)
    if not given.dry:
        before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
        PAGE.write_text(before + MARKS[0] + text + MARKS[1] + rest.split(MARKS[1])[1], encoding="utf-8")
    return 1 if fell else 0


def trials(name: str, seed: int, minutes: float) -> list[tuple[str, str]]:
    """What was tried, and what fell, in a process that attacks for so many minutes."""
    command = [sys.executable, __file__, "--child", "--only", name, "--seed", str(seed), "--minutes", str(minutes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "120", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    found = [tuple(json.loads(line)) for line in done.stdout.splitlines() if line.startswith("[")]
    if done.returncode:
        found.append((f"{name}: the process itself", f"exit code {done.returncode}: {done.stderr[-2000:]}"))
    return found


def attack(name: str, seed: int, seconds: float) -> int:
    """Attack until the time is up, a line of JSON on standard output for each trial."""
    end = time.monotonic() + seconds
    tell = os.fdopen(os.dup(1), "w", buffering=1)  # whatever a trial does to `sys.stdout`
    with tempfile.TemporaryDirectory() as workshop:
        for trial in import_module(f"attacks.{name}").attack(Path(workshop), random.Random(f"{name} {seed}")):
            tell.write(json.dumps([trial.what, trial.problem]) + "\n")
            if time.monotonic() > end:
                break
    return 0


def table(tried: Counter[str], fell: list[tuple[str, str]], seed: int) -> str:
    """What was tried, what held, and what fell and how, as Markdown."""
    lost = Counter(what for what, _ in fell)
    machine = describe_machine()
    rows = [f"| {what} | {count} | {count - lost[what]} | {lost[what]} |" for what, count in tried.items()]
    total = f"| **all** | {tried.total()} | {tried.total() - len(fell)} | {len(fell)} |"
    head = ["| what was tried | tried | held | fell |", "|---|---:|---:|---:|"]
    falls = [f"- {what}: {problem.strip().splitlines()[-1]}" for what, problem in fell]
    facts = ", ".join(f"{fact} {machine[fact]}" for fact in FACTS if fact in machine)
    return "\n".join([*head, *rows, total, "", *falls, f"Seed {seed}; {facts}."]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
