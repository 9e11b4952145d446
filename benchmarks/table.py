"""Measurements as pages beside their numbers; the table of speed, ratio first."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from machine import measured_on

TITLES = {"mlp": "MLP 784-256-256-10", "lenet5": "LeNet-5 (6-16-120-84-10)"}
OURS = "neurarium"


def publish(name: str, results: Mapping[str, Any], page: str, folder: Path | None) -> None:
    """Print a page, and with a folder write it there as Markdown beside its numbers as JSON."""
    print(page)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        (folder / f"{name}.md").write_text(page, encoding="utf-8")


def rows(outcomes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add to each outcome its median seconds and how many times as long as neurarium it took, fastest first.

    The ratio is the median over the rounds of the ratio within a round: a machine that changes its pace between rounds
    moves both sides of it.
    """
    ours = next(outcome["seconds"] for outcome in outcomes if outcome["name"] == OURS)
    full = []
    for outcome in outcomes:
        ratios = [theirs / own for theirs, own in zip(outcome["seconds"], ours, strict=True)]
        full.append({"ratio": median(ratios), "median_seconds": median(outcome["seconds"]), **outcome})
    return sorted(full, key=lambda row: row["ratio"])


def overhead_row(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Compare the trainer with the hand-tuned loop: ratio of the medians, quartiles of the ratios of the pairs."""
    pairs = sorted(ours / theirs for ours, theirs in zip(seconds[OURS], seconds["hand-tuned"], strict=True))
    return {
        "ratio": median(seconds[OURS]) / median(seconds["hand-tuned"]),
        "pairs_low": pairs[len(pairs) // 4],
        "pairs_high": pairs[-1 - len(pairs) // 4],
    }


def markdown(results: Mapping[str, Any]) -> str:
    """Draw the tables of all nets, the loop's overhead, and what they were measured on."""
    parts = ["# Speed: one epoch of Fashion-MNIST", results["method"]]
    for net, found in results["nets"].items():
        lines = [
            f"## {TITLES[net]}",
            "",
            "| time / neurarium's | contender | seconds an epoch | fastest to slowest | peak MiB | test accuracy "
            "| seconds to the first epoch's end |",
            "|---:|---|---:|---:|---:|---:|---:|",
        ]
        for row in found["contenders"]:
            spread = f"{min(row['seconds']):.3f} to {max(row['seconds']):.3f}"
            lines.append(
                f"| {row['ratio']:.2f} | {row['name']} | {row['median_seconds']:.3f} | {spread} "
                f"| {row['peak_mib']:.0f} | {row['accuracy']:.4f} | {row['cold_seconds']:.1f} |"
            )
        parts.append("\n".join(lines))
        if overhead := found.get("loop_overhead"):
            parts.append(_overhead_line(overhead))
    parts.append(measured_on(results["machine"]))
    return "\n\n".join(parts) + "\n"


def _overhead_line(overhead: Mapping[str, Any]) -> str:
    same = "the same, bit for bit" if overhead["same_weights"] else "DIFFERENT: the two did not do the same work"
    return (
        f"**Loop overhead {overhead['ratio'] - 1:+.1%}**: trainer {overhead['ratio']:.3f} times the hand-tuned loop in "
        f"one process, {len(overhead['seconds'][OURS])} epochs each in turns (middle half of the pairs "
        f"{overhead['pairs_low']:.3f} to {overhead['pairs_high']:.3f}); final weights {same}."
    )
