"""Eight seeds of a small net trained vmap, beside one of them and beside eight one after the other.

    python benchmarks/ensemble.py            writes benchmarks/results/ensemble.json and .md
    python benchmarks/ensemble.py --quick    a tenth of the epochs, one round, nothing written: does everything run?

A 64-64-10 MLP on 1,437 examples of 64 features in 10 classes, the size of scikit-learn's 8x8 digits (which are taken
where scikit-learn is installed), batch 128, Adam, 180 examples for validation. Each side makes its sessions and trains
them to the end in memory, in turns within one process; what the batched side needs to write its operations out counts.
"""

import argparse
import dataclasses
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch

from machine import describe_machine, measured_on, warn_if_busy
from neurarium.data.arrays import input_fields
from neurarium.data.assemble import assemble
from neurarium.data.dataset import Dataset
from neurarium.data.labels import class_fields
from neurarium.data.table import Table
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.events import EpochEnded
from neurarium.record.schema import Schema
from neurarium.training.ensemble.compatibility import why_not
from neurarium.training.ensemble.train import train_ensemble
from neurarium.training.recipe import Recipe
from neurarium.training.session import Session, build_session
from table import publish

SEEDS, TARGET = 8, 3.0
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the epochs, one round, write nothing")
    parser.add_argument("--epochs", type=int, default=200, help="passes over the training data (scikit-learn's 200)")
    parser.add_argument("--rounds", type=int, default=9, help="measured rounds, after one to warm up")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = parser.parse_args()
    if min(given.epochs, given.rounds, given.threads) < 1:
        parser.error("--epochs, --rounds and --threads are integers >= 1")
    warn_if_busy()
    torch.set_num_threads(given.threads)
    epochs, rounds = (max(1, given.epochs // 10), 1) if given.quick else (given.epochs, given.rounds)
    data = digits()
    plan = Recipe(
        name="small", net=MLPSpec(hidden=(64,)), optimizer=Optimizer("adam", lr=1e-3), epochs=epochs, device="cpu"
    )
    assert not why_not(build_session(plan, data))
    results = measure(plan, data, rounds) | {
        "epochs": epochs,
        "threads": given.threads,
        "data": data.provenance,
        "examples": len(data.train),
        "machine": describe_machine(),
    }
    publish("ensemble", results, markdown(results), None if given.quick else given.out)
    return 0


def digits() -> Dataset:
    """scikit-learn's 1,797 handwritten digits of 8x8 pixels, or as many random vectors."""
    try:
        from sklearn.datasets import load_digits

        pixels, classes = load_digits(return_X_y=True)
        inputs, targets = torch.tensor(pixels, dtype=torch.float32), torch.tensor(classes)
        source = "the 8x8 digits of scikit-learn"
    except ImportError:
        generator = torch.Generator().manual_seed(0)
        inputs = torch.randn(1797, 64, generator=generator)
        targets, source = torch.arange(1797) % 10, "random vectors"
    schema = Schema(input_fields((64,)), class_fields("0123456789"))
    return assemble("digits", {"train": Table((inputs,), (targets,), schema)}, provenance=source)


def measure(plan: Recipe, data: Dataset, rounds: int) -> dict[str, Any]:
    """Time one, eight together and eight in turn, round after round; compare what they have learned."""
    plans = [dataclasses.replace(plan, seed=seed) for seed in range(SEEDS)]
    seconds: dict[str, list[float]] = {"one": [], "vmap": [], "in turn": []}
    for _ in range(rounds + 1):
        began = time.perf_counter()
        alone(plans[0], data)
        one = time.perf_counter()
        joint = [build_session(p, data) for p in plans]
        news = list(train_ensemble(joint))
        both = time.perf_counter()
        single = [alone(p, data) for p in plans]
        end = time.perf_counter()
        for name, passed in zip(seconds, (one - began, both - one, end - both), strict=True):
            seconds[name].append(passed)
    apart = max(
        float((p - q).detach().abs().max())
        for a, b in zip(joint, single, strict=True)
        for p, q in zip(a.net.parameters(), b.net.parameters(), strict=True)
    )
    ended = {id(s): e.validation["error"] for s, e in news if isinstance(e, EpochEnded)}
    kept = {name: values[1:] for name, values in seconds.items()}
    return {
        "seconds": kept,
        "together / one": ratio(kept["vmap"], kept["one"]),
        "in turn / together": ratio(kept["in turn"], kept["vmap"]),
        "weights apart": apart,
        "validation error": [ended[id(session)] for session in joint],
    }


def alone(plan: Recipe, data: Dataset) -> Session:
    """Train one seed by the ordinary trainer."""
    session = build_session(plan, data)
    for _ in session.events():
        pass
    return session


def ratio(above: list[float], below: list[float]) -> float:
    """Median over the rounds of the ratio within a round."""
    return median(a / b for a, b in zip(above, below, strict=True))


def markdown(results: dict[str, Any]) -> str:
    """Draw the table, ratio first."""
    reached = "reached" if results["together / one"] <= TARGET else "MISSED"
    rows = [
        f"| {ratio(seconds, results['seconds']['one']):.2f} | {name} | {median(seconds):.3f} "
        f"| {min(seconds):.3f} to {max(seconds):.3f} |"
        for name, seconds in results["seconds"].items()
    ]
    return "\n".join(
        [
            "# Eight seeds of a 64-64-10 MLP",
            "",
            f"{results['epochs']} epochs over {results['examples']:,} examples ({results['data']}), batch 128, Adam, "
            f"float32, {results['threads']} threads; medians of {len(results['seconds']['one'])} rounds, in turns in "
            "one process, from making the nets to the last epoch's end.",
            "",
            f"**Eight together take {results['together / one']:.2f} times as long as one** (target at most {TARGET:g}: "
            f"{reached}); eight one after the other {results['in turn / together']:.2f} times as long as together. "
            f"Largest difference of weights between a member and its single run: {results['weights apart']:.1e}.",
            "",
            "| time / one | what | seconds | fastest to slowest |",
            "|---:|---|---:|---:|",
            *rows,
            "",
            measured_on(results["machine"]),
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
