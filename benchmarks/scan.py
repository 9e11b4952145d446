"""The scan h_t = a_t h_(t-1) + b_t, forward and backward, beside other ways to it and beside the memory itself.

    python benchmarks/scan.py            about two minutes; writes benchmarks/results/scan.json and scan.md
    python benchmarks/scan.py --quick    short sequences, two turns, writes nothing

T = 4,096 steps, batch 8, width 256, float32, one thread; a differs from step to step. All contenders take turns in one
process whose freed memory stays with it, as the trainer has it, so that buffers are warm. The memory's floor is what a
perfect pass would take: a and b read and h written, then a, h and the gradient read and two gradients written, 8 passes
over a tensor of that size, timed as four copies of one. The loop takes `unbind` apart (one that indexes x[t] is
quadratic on its way back and no rival). `nn.GRU` is no scan, but what the scan stands in for.

How time and memory grow with T is measured on one row (batch 1), each length in a process of its own for the peak of
its first pass, in which freed memory goes back to the system.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch._higher_order_ops import associative_scan

from machine import describe_machine, warn_if_busy
from neurarium.nets.recurrent.scan import scan
from neurarium.training.device import keep_freed_memory

RESULTS = Path(__file__).parent / "results"
FLOOR, OURS, TARGET = "memory's floor: 8 passes", "neurarium: scan", 2.5
WARM_UP = 2
SHAPE, QUICK_SHAPE = (8, 4096, 256), (2, 256, 64)
LENGTHS, QUICK_LENGTHS = (4096, 16_384, 65_536), (256, 1024)


def by_unbind(a: Tensor, b: Tensor) -> Tensor:
    """The loop of a textbook."""
    h = torch.zeros_like(b[:, 0])
    states = []
    for a_t, b_t in zip(a.unbind(1), b.unbind(1), strict=True):
        h = a_t * h + b_t
        states.append(h)
    return torch.stack(states, 1)


def by_torch(a: Tensor, b: Tensor) -> Tensor:
    """torch's own scan of any associative operation."""

    def one_after_other(x: tuple[Tensor, Tensor], y: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return x[0] * y[0], y[0] * x[1] + y[1]

    return associative_scan(one_after_other, (a, b), dim=1, combine_mode="generic")[1]


def sides_of(shape: tuple[int, int, int]) -> dict[str, Callable[[], Any]]:
    """What is timed, on the same numbers."""
    torch.manual_seed(0)
    a, b = torch.rand(shape).requires_grad_(), torch.randn(shape).requires_grad_()
    turning = torch.polar(torch.rand(shape[2]), 6.3 * torch.rand(shape[2])).requires_grad_()
    b_complex = torch.randn(shape, dtype=torch.complex64).requires_grad_()
    grad, grad_complex = torch.randn(shape), torch.randn(shape, dtype=torch.complex64)
    source, copy = torch.randn(shape), torch.empty(shape)
    gru = nn.GRU(shape[2], shape[2], batch_first=True)

    def both_ways(states: Callable[[], Tensor], grad: Tensor, *leaves: Tensor) -> Callable[[], None]:
        def work() -> None:
            for leaf in leaves:
                leaf.grad = None
            states().backward(grad)

        return work

    return {
        FLOOR: lambda: [copy.copy_(source) for _ in range(4)],
        OURS: both_ways(lambda: scan(a, b), grad, a, b),
        "neurarium: scan without numba": both_ways(lambda: scan(a, b, form="steps"), grad, a, b),
        "neurarium: scan in logarithmic depth": both_ways(lambda: scan(a, b, form="halves"), grad, a, b),
        "neurarium: scan of an LRU, complex, one a for all steps": both_ways(
            lambda: scan(turning, b_complex), grad_complex, turning, b_complex
        ),
        "loop over unbind": both_ways(lambda: by_unbind(a, b), grad, a, b),
        "torch associative_scan": both_ways(lambda: by_torch(a, b), grad, a, b),
        "nn.GRU": both_ways(lambda: gru(b)[0], grad, b, *gru.parameters()),
    }


def measure(sides: dict[str, Callable[[], Any]], turns: int) -> dict[str, list[float]]:
    """Time the sides in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(WARM_UP + turns):
        for name, work in sides.items():
            began = time.perf_counter()
            work()
            if turn >= WARM_UP:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def of_length(steps: int, width: int, threads: int) -> dict[str, float]:
    """Median seconds of the scan of one row both ways, and the memory that the first one added at its peak."""
    torch.set_num_threads(threads)
    short = torch.rand(1, 8, width).requires_grad_()
    scan(short, short).sum().backward()  # loads what is loaded at first use
    a, b = torch.rand(1, steps, width).requires_grad_(), torch.randn(1, steps, width).requires_grad_()
    grad, seconds = torch.randn(1, steps, width), []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    scan(a, b).backward(grad)
    added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    keep_freed_memory()
    for turn in range(WARM_UP + 9):
        a.grad = b.grad = None
        began = time.perf_counter()
        scan(a, b).backward(grad)
        if turn >= WARM_UP:
            seconds.append(time.perf_counter() - began)
    return {"steps": steps, "seconds": median(seconds), "added_mib": added, "tensor_mib": steps * width * 4 / 2**20}


def markdown(results: dict[str, Any]) -> str:
    """Draw both tables, ratio to the floor first."""
    seconds, machine = results["seconds"], results["machine"]
    ratios = {
        name: median(x / floor for x, floor in zip(times, seconds[FLOOR], strict=True))
        for name, times in seconds.items()
    }
    met = "reached" if ratios[OURS] <= TARGET else "MISSED"
    faster = ", ".join(
        f"{median(y / x for x, y in zip(seconds[OURS], seconds[name], strict=True)):.1f} times as long for {name}"
        for name in ("loop over unbind", "torch associative_scan", "nn.GRU")
    )
    batch, steps, width = results["shape"]
    lines = [
        "# Scan of a linear recurrence",
        "",
        f"**{ratios[OURS]:.2f} times the memory's floor (target {TARGET:g}: {met}); {faster}.**",
        "",
        f"Forward and backward, T = {steps:,}, batch {batch}, width {width}, float32, {machine['threads']} thread(s); "
        f"medians of {len(seconds[OURS])} turns.",
        "",
        "| time / floor | contender | milliseconds | fastest to slowest |",
        "|---:|---|---:|---:|",
    ]
    for name, times in sorted(seconds.items(), key=lambda item: ratios[item[0]]):
        spread = f"{1e3 * min(times):.1f} to {1e3 * max(times):.1f}"
        lines.append(f"| {ratios[name]:.2f} | {name} | {1e3 * median(times):.1f} | {spread} |")
    lines += [
        "",
        "How it grows with T, on one row of the same width:",
        "",
        "| T | milliseconds | microseconds a step | memory added, in tensors of that size |",
        "|---:|---:|---:|---:|",
    ]
    for row in results["lengths"]:
        lines.append(
            f"| {row['steps']:,} | {1e3 * row['seconds']:.2f} | {1e6 * row['seconds'] / row['steps']:.3f} "
            f"| {row['added_mib'] / row['tensor_mib']:.2f} |"
        )
    return "\n".join([*lines, "", "## Measured on", "", *(f"- {k}: {v}" for k, v in machine.items())]) + "\n"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=15, help="turns of each side, after some to warm up")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--quick", action="store_true", help="short sequences, two turns, write nothing")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = parser.parse_args()
    warn_if_busy()
    torch.set_num_threads(given.threads)
    keep_freed_memory()
    shape, lengths = (QUICK_SHAPE, QUICK_LENGTHS) if given.quick else (SHAPE, LENGTHS)
    results: dict[str, Any] = {"machine": describe_machine() | {"threads": str(given.threads)}, "shape": shape}
    results["lengths"] = []
    for steps in lengths:
        with get_context("spawn").Pool(1) as pool:
            results["lengths"].append(pool.apply(of_length, (steps, shape[2], given.threads)))
    results["seconds"] = measure(sides_of(shape), 2 if given.quick else given.turns)
    text = markdown(results)
    print(text)
    if not given.quick:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "scan.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        (given.out / "scan.md").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
