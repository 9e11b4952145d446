"""Hopfield recall: speed beside loops over the neurons, and memory at 10,000 neurons.

    python benchmarks/hopfield.py            1,000 probes, 784 neurons, 100 patterns; writes results/hopfield.*
    python benchmarks/hopfield.py --quick    50 probes, 2,000 neurons for the memory, one round, write nothing

All sides update the units in the order 0 .. n-1 until nothing changes, and must end in the same states.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from machine import describe_machine, measured_on, warn_if_busy
from neurarium.data.mnist_5k import load
from neurarium.nets.connectionist.hopfield import HopfieldNet
from neurarium.nets.connectionist.patterns import CapacityWarning, binarize, flip, random_patterns
from table import publish

OURS = "neurarium"
NEURONS, PATTERNS = 784, 100
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small, one round, write nothing")
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    parser.add_argument("--repeats", type=int, default=5, help="rounds, after one to warm up")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--peak", nargs=2, metavar=("STORAGE", "NEURONS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    warnings.simplefilter("ignore", CapacityWarning)
    if given.peak:
        print(json.dumps(peak(given.peak[0], int(given.peak[1]))))
        return 0
    warn_if_busy()
    probes, neurons, repeats = (50, 2_000, 1) if given.quick else (1_000, 10_000, given.repeats)
    results: dict[str, Any] = {
        "machine": describe_machine(),
        "threads": given.threads,
        "recall": {name: compare(*task, repeats) for name, task in tasks(probes).items()},
        "memory": [peak_in_fresh_process(storage, neurons) for storage in ("hebbian", "pseudo-inverse", "storkey")],
    }
    publish("hopfield", results, markdown(results), None if given.quick else given.out)
    return 0


def tasks(probes: int) -> dict[str, tuple[HopfieldNet, torch.Tensor]]:
    """Nets and damaged patterns."""
    generator = torch.Generator().manual_seed(0)
    random = random_patterns(PATTERNS, NEURONS, generator)
    digits = binarize(torch.cat(list(load().train.pieces("image")))[:PATTERNS].flatten(1), 127.0)
    again = torch.arange(probes) % PATTERNS
    return {
        "random patterns, Hebb's rule, 10 % flipped": (
            HopfieldNet.storing(random, "hebbian"), flip(random[again], 0.1, generator)
        ),
        "digits, pseudo-inverse, 25 % flipped": (
            HopfieldNet.storing(digits, "pseudo-inverse"), flip(digits[again], 0.25, generator)
        ),
    }  # fmt: skip


def compare(net: HopfieldNet, probes: torch.Tensor, repeats: int) -> dict[str, Any]:
    """Let every side recall the same probes in turns."""
    # without the factor 1/n the sums of Hebb's rule are integers: loops see ties as ties too
    matrix = replace(net.couplings, scale=1.0).matrix().numpy()
    states = probes.numpy()
    sides: dict[str, Callable[[], np.ndarray]] = {
        OURS: lambda: net.recall(probes, order="fixed").states.numpy(),
        "loop over probes and neurons, a product each": lambda: loop_of_products(matrix, states),
        "loop over probes and neurons, fields kept up to date": lambda: loop_of_fields(matrix, states),
        "loop over neurons, a product for all probes": lambda: loop_for_all_probes(matrix, states),
    }
    ends = {name: side() for name, side in sides.items()}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            began = time.perf_counter()
            side()
            seconds[name].append(time.perf_counter() - began)
    same = {name: float((end == ends[OURS]).all(1).mean()) for name, end in ends.items()}
    return {"probes": len(probes), "seconds": seconds, "same_states": same}


def loop_of_products(w: np.ndarray, probes: np.ndarray) -> np.ndarray:
    """h_i = w_i . x for every unit, one dot product each."""
    ends = probes.copy()
    for x in ends:
        moved = True
        while moved:
            moved = False
            for i in range(len(x)):
                h = w[i] @ x
                if h * x[i] < 0:
                    x[i] = -x[i]
                    moved = True
    return ends


def loop_of_fields(w: np.ndarray, probes: np.ndarray) -> np.ndarray:
    """All fields at first, then a column added for each flip: work only where something changes."""
    ends = probes.copy()
    for x in ends:
        pull = (w @ x) * x  # below 0: the unit flips
        moved = True
        while moved:
            moved = False
            for i in range(len(x)):
                if pull[i] < 0:
                    own = pull[i]
                    x[i] = -x[i]
                    pull += (2 * x[i]) * w[i] * x
                    pull[i] = -own
                    moved = True
    return ends


def loop_for_all_probes(w: np.ndarray, probes: np.ndarray) -> np.ndarray:
    """A step a neuron for all probes that still move."""
    ends = probes.T.copy()
    active = np.arange(len(probes))
    while len(active):
        x = ends[:, active]
        before = x.copy()
        for i in range(len(x)):
            h = w[i] @ x
            np.negative(x[i], where=h * x[i] < 0, out=x[i])
        ends[:, active] = x
        active = active[(x != before).any(0)]
    return ends.T


def peak_in_fresh_process(storage: str, neurons: int) -> dict[str, Any]:
    """Store and recall in a process of its own, so that its peak is that of this work alone."""
    command = [sys.executable, __file__, "--peak", storage, str(neurons), "--threads", str(torch.get_num_threads())]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def peak(storage: str, neurons: int) -> dict[str, Any]:
    """Store random patterns, recall 100 of them with 10 % flipped, say the peak memory of the whole process."""
    generator = torch.Generator().manual_seed(0)
    # Storkey's rule costs n^2 a pattern
    patterns = random_patterns(neurons // 500 if storage == "storkey" else neurons // 10, neurons, generator)
    scale = 1024 if sys.platform == "linux" else 2**20
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale
    began = time.perf_counter()
    net = HopfieldNet.storing(patterns, storage)
    stored = time.perf_counter()
    targets = patterns[torch.arange(100) % len(patterns)]
    found = net.recall(flip(targets, 0.1, generator))
    return {
        "storage": storage,
        "neurons": neurons,
        "patterns": len(patterns),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale,
        "idle_mib": idle,
        "store_seconds": stored - began,
        "recall_seconds": time.perf_counter() - stored,
        "overlap": float((found.states * targets).mean()),
    }


def markdown(results: dict[str, Any]) -> str:
    """Draw the tables, ratios to neurarium first."""
    parts = [
        "# Hopfield networks",
        f"Asynchronous recall, units in the order 0 .. n-1, until nothing changes; {NEURONS} neurons, "
        f"{PATTERNS} patterns, float32, {results['threads']} threads for torch. Medians of rounds in turns, "
        "one process, after one round to warm up.",
    ]
    for name, found in results["recall"].items():
        ours = found["seconds"][OURS]
        lines = [
            f"## {found['probes']:,} probes: {name}",
            "",
            "| time / neurarium's | side | seconds | same end states |",
        ]
        lines.append("|---:|---|---:|---:|")
        for side, seconds in found["seconds"].items():
            ratio = median(theirs / own for theirs, own in zip(seconds, ours, strict=True))
            lines.append(f"| {ratio:.1f} | {side} | {median(seconds):.3f} | {found['same_states'][side]:.1%} |")
        parts.append("\n".join(lines))
    lines = ["## Memory of the whole process", "", "| peak MiB | before, with torch | storage | neurons | patterns "]
    lines[-1] += "| seconds to store | to recall 100 probes | overlap |"
    lines.append("|---:|---:|---|---:|---:|---:|---:|---:|")
    lines += [
        f"| {m['peak_mib']:.0f} | {m['idle_mib']:.0f} | {m['storage']} | {m['neurons']:,} | {m['patterns']:,} "
        f"| {m['store_seconds']:.2f} | {m['recall_seconds']:.2f} | {m['overlap']:.4f} |"
        for m in results["memory"]
    ]
    parts.append("\n".join(lines))
    parts.append(measured_on(results["machine"]))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
