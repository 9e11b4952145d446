"""The perceptron beside scikit-learn's: one pass, and passes until no mistake is left.

    python benchmarks/perceptron.py            10^6 x 100; writes results/perceptron.*
    python benchmarks/perceptron.py --quick    2 x 10^4 x 100, one round, write nothing

Both sides see the examples in the same order and make the same mistakes: their weights are compared. The more mistakes,
the less can be computed at once: the tasks go from few to many.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import Perceptron
from threadpoolctl import threadpool_limits

from machine import describe_machine, measured_on, warn_if_busy
from neurarium.nets.connectionist.perceptron import learn
from table import publish

OURS, THEIRS = "neurarium", "scikit-learn Perceptron"
FEATURES = 100
RESULTS = Path(__file__).parent / "results"
Data = tuple[np.ndarray, np.ndarray]


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small, one round, write nothing")
    parser.add_argument(
        "--threads", type=int, default=2, help="of NumPy's matrix products; scikit-learn's loop has one"
    )
    parser.add_argument("--repeats", type=int, default=5, help="rounds, after one to warm up")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = parser.parse_args()
    warn_if_busy()
    torch.set_num_threads(given.threads)
    examples, repeats = (20_000, 1) if given.quick else (1_000_000, given.repeats)
    results: dict[str, Any] = {"machine": describe_machine(), "threads": given.threads, "examples": examples}
    results["tasks"] = {}
    with threadpool_limits(given.threads):
        for name, (make, epochs) in tasks(examples).items():
            results["tasks"][name] = compare(*make(), epochs, repeats)
    publish("perceptron", results, markdown(results), None if given.quick else given.out)
    return 0


def tasks(examples: int) -> dict[str, tuple[Callable[[], Data], int]]:
    """Name to data and passes."""

    def of(gap: float, noise: float, dtype: type) -> Callable[[], Data]:
        return lambda: draw(examples, gap, noise, dtype)

    return {
        "one pass, separable with a margin, float32": (of(0.5, 0.0, np.float32), 1),
        "one pass, separable with a margin, float64": (of(0.5, 0.0, np.float64), 1),
        "until separated, with a margin, float32": (of(0.5, 0.0, np.float32), 50),
        "one pass, separable without a margin, float32": (of(0.0, 0.0, np.float32), 1),
        "one pass, 5 % of the labels wrong, float32": (of(0.0, 0.05, np.float32), 1),
    }


def draw(examples: int, gap: float, noise: float, dtype: type) -> Data:
    """Normal features, the sign of a random direction, moved apart along it by `gap` on both sides; labels 0 and 1."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((examples, FEATURES), dtype=np.float32).astype(dtype)
    direction = rng.standard_normal(FEATURES).astype(dtype)
    direction /= np.linalg.norm(direction)
    labels = x @ direction > 0
    if gap:
        x += np.where(labels, gap, -gap).astype(dtype)[:, None] * direction
    return x, (labels ^ (rng.random(examples) < noise)).astype(np.int64)


def compare(x: np.ndarray, labels: np.ndarray, epochs: int, repeats: int) -> dict[str, Any]:
    """Let both sides learn in turns: whole calls, checks of the input included."""
    inputs, targets = torch.from_numpy(x), torch.from_numpy(labels)
    found = learn(inputs, targets, epochs=epochs)

    def theirs() -> Perceptron:
        # as many passes as ours took: theirs has no stop at the first pass without a mistake
        return Perceptron(max_iter=found.epochs, tol=None, shuffle=False).fit(x, labels)

    peer = theirs()
    sides: dict[str, Callable[[], object]] = {OURS: lambda: learn(inputs, targets, epochs=epochs), THEIRS: theirs}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            began = time.perf_counter()
            side()
            seconds[name].append(time.perf_counter() - began)
    distance = float(np.linalg.norm(found.weight.numpy() - peer.coef_[0]) / np.linalg.norm(peer.coef_[0]))
    fraction = len(found.mistakes) / (found.epochs * len(x))
    return {"seconds": seconds, "epochs": found.epochs, "mistakes": fraction, "separated": found.separated} | {
        "distance": distance
    }


def markdown(results: dict[str, Any]) -> str:
    """Draw the table, ratio to neurarium first: above 1 scikit-learn takes longer."""
    lines = ["| scikit-learn's time / neurarium's | task | passes | mistakes / examples seen | neurarium, s "]
    lines[0] += "| scikit-learn, s | relative distance of the weights |"
    lines.append("|---:|---|---:|---:|---:|---:|---:|")
    for name, found in results["tasks"].items():
        ours, theirs = found["seconds"][OURS], found["seconds"][THEIRS]
        ratio = median(b / a for a, b in zip(ours, theirs, strict=True))
        lines.append(
            f"| {ratio:.2f} | {name} | {found['epochs']} | {found['mistakes']:.3%} | {median(ours):.3f} "
            f"| {median(theirs):.3f} | {found['distance']:.1e} |"
        )
    return (
        "\n\n".join(
            [
                "# Perceptron",
                f"{results['examples']:,} x {FEATURES}, examples in the same order, eta = 1, {results['threads']} "
                "threads for matrix products. Medians of rounds in turns, one process, after one to warm up; whole "
                "calls. A pass is sequential: what lies between two mistakes is computed at once, so the gain ends "
                "where mistakes are dense.",
                "\n".join(lines),
                measured_on(results["machine"]),
            ]
        )
        + "\n"
    )


if __name__ == "__main__":
    sys.exit(main())
