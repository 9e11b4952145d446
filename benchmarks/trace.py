"""What a trace costs: beside one forward and one backward pass of the same net and batch.

    python benchmarks/trace.py            both nets; writes benchmarks/results/trace.json and trace.md
    python benchmarks/trace.py --quick    few repeats, nothing written: does everything run?

The two sides take turns in one process, so that a drift of the machine meets both. The pass is what a step of learning
does before the optimizer: gradients cleared, logits, cross-entropy, gradients of all parameters. The trace is
`neurarium.learning.trace.trace` with its own defaults (four examples, three singular values, two iterations) and the
update-to-weight ratio; without Jacobians it stands beside.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from machine import describe_machine, measured_on, warn_if_busy
from neurarium.learning.trace import trace
from neurarium.nets.convolutional.specs import LeNet5Spec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.schema import image_schema
from table import publish

RESULTS = Path(__file__).parent / "results"
NETS = {"MLP 784-256-256-10": MLPSpec(hidden=(256, 256)), "LeNet-5": LeNet5Spec()}
BATCH, WARM_UP, TARGET = 128, 5, 3.0
PASS, BARE, WHOLE = "forward and backward", "trace without Jacobians", "trace"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=100, help="turns of each side, after some to warm up")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--quick", action="store_true", help="five turns, write nothing")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = parser.parse_args()
    warn_if_busy()
    torch.set_num_threads(given.threads)
    machine = describe_machine() | {"threads": str(given.threads)}
    repeats = 5 if given.quick else given.repeats
    seconds = {name: measure(sides_of(spec.build(image_schema())), repeats) for name, spec in NETS.items()}
    publish(
        "trace",
        {"machine": machine, "seconds": seconds},
        markdown(seconds, machine),
        None if given.quick else given.out,
    )
    return 0


def sides_of(net: nn.Module) -> dict[str, Callable[[], Any]]:
    """What is compared, on one net and one batch."""
    torch.manual_seed(0)
    inputs, targets = torch.randn(BATCH, 1, 28, 28), torch.randint(10, (BATCH,))

    def forward_and_backward() -> None:
        net.zero_grad(set_to_none=True)
        F.cross_entropy(net(inputs), targets).backward()

    return {
        PASS: forward_and_backward,
        BARE: lambda: trace(net, inputs, targets, learning_rate=0.01, jacobian_examples=0),
        WHOLE: lambda: trace(net, inputs, targets, learning_rate=0.01),
    }


def measure(sides: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Time the sides in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(WARM_UP + repeats):
        for name, work in sides.items():
            began = time.perf_counter()
            work()
            if turn >= WARM_UP:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def markdown(seconds: dict[str, dict[str, list[float]]], machine: dict[str, str]) -> str:
    """Draw the table, ratio to the bare pass first."""
    lines = ["| time / forward and backward | target | what | net | milliseconds | fastest to slowest |"]
    lines.append("|---:|---|---|---|---:|---:|")
    for net, sides in seconds.items():
        for name, times in sides.items():
            ratio = median(times) / median(sides[PASS])
            target = "" if name != WHOLE else f"{TARGET:g} {'reached' if ratio <= TARGET else 'MISSED'}"
            spread = f"{1e3 * min(times):.2f} to {1e3 * max(times):.2f}"
            lines.append(f"| {ratio:.2f} | {target} | {name} | {net} | {1e3 * median(times):.2f} | {spread} |")
    turns = len(next(iter(next(iter(seconds.values())).values())))
    return "\n\n".join(
        [
            "# Cost of a trace",
            f"Medians of {turns} turns in one process, batch {BATCH}.",
            "\n".join(lines),
            measured_on(machine),
        ]
    ) + "\n"  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
