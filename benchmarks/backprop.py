"""How fast a net learns by the explicit layer rules, beside autograd: MLP 784-256-256-10 and LeNet-5, batches of 128.

    python benchmarks/backprop.py            writes benchmarks/results/backprop.json and backprop.md
    python benchmarks/backprop.py --quick    few batches, few rounds, writes nothing: does everything run?

Both sides start from the same weights, see the same batches and run in one process in turns (AB, BA, AB, ...), with the
trainer's memory layout and matrix products. Two measurements: the gradient alone (forward, loss, backward), and whole
training steps with optimizer, gradient norm and finite check, as in a run.
"""

import argparse
import copy
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from machine import describe_machine, measured_on, warn_if_busy
from neurarium.data.batch import Batch
from neurarium.learning.backprop.chain import chain_of
from neurarium.learning.backprop.losses import softmax_cross_entropy_backward, softmax_cross_entropy_forward
from neurarium.learning.losses import cross_entropy
from neurarium.nets.convolutional.lenet import LeNet5
from neurarium.nets.feedforward.mlp import MLP
from neurarium.record.schema import image_schema
from neurarium.tasks.table import task_of
from neurarium.tasks.task import Context
from neurarium.training.device import DeviceConfig, find_device
from neurarium.training.recipe import Recipe
from neurarium.training.rules.explicit import ExplicitRule
from neurarium.training.rules.gradient import GradientRule
from neurarium.training.rules.rule import Setup
from table import TITLES, publish

NETS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mlp": (lambda: MLP((784, 256, 256, 10)), (784,)),
    "lenet5": (LeNet5, (1, 28, 28)),
}
MEASURED = {"gradient": "forward, loss, backward", "step": "whole training step (Adam)"}
SIDES = ("explicit", "autograd")
TARGET = 1.5
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Measure, print, write."""
    given = parse()
    warn_if_busy()
    torch.set_num_threads(given.threads)
    results: dict[str, Any] = {
        "machine": describe_machine(),
        "method": method(given),
        "batches": given.batches,
        "nets": {},
    }
    for net in given.nets:
        results["nets"][net] = {what: measure(net, what, given) for what in MEASURED}
    publish("backprop", results, markdown(results), None if given.quick else given.out)
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10 batches, 2 rounds, write nothing")
    parser.add_argument("--threads", type=int, default=2, help="threads of both sides")
    parser.add_argument("--repeats", type=int, default=21, help="rounds measured, after one to warm up")
    parser.add_argument("--batches", type=int, default=100, help="batches of a round")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = parser.parse_args()
    if min(given.threads, given.repeats, given.batches, given.batch_size) < 1:
        parser.error("--threads, --repeats, --batches and --batch-size are integers >= 1")
    if given.quick:
        given.repeats, given.batches = 2, 10
    return given


def measure(name: str, what: str, given: argparse.Namespace) -> dict[str, Any]:
    """Time one net on both sides, round by round in turns."""
    make, shape = NETS[name]
    torch.manual_seed(0)
    device_config = find_device("cpu")
    net = device_config.place(make())
    batches = random_batches(shape, given.batches, given.batch_size)
    works = {
        "gradient": {"explicit": explicit_gradient, "autograd": autograd_gradient},
        "step": {"explicit": explicit_step, "autograd": autograd_step},
    }[what]
    nets = {side: copy.deepcopy(net) for side in SIDES}
    rounds = {side: works[side](nets[side], device_config) for side in SIDES}
    for side in SIDES:
        rounds[side](batches)
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    order = list(SIDES)
    for _ in range(given.repeats):
        for side in order:
            began = time.perf_counter()
            rounds[side](batches)
            seconds[side].append(time.perf_counter() - began)
        order.reverse()
    apart = {"gradients_apart": gradients_apart(nets)} if what == "gradient" else {}
    return row(seconds) | apart


def random_batches(shape: tuple[int, ...], count: int, size: int) -> list[Batch]:
    """Standardised noise with labels of ten classes: what is timed does not depend on what is learned."""
    generator = torch.Generator().manual_seed(1)
    return [
        Batch(
            (torch.randn(size, *shape, generator=generator),),
            (torch.randint(0, 10, (size,), generator=generator),),
            size,
        )
        for _ in range(count)
    ]


def explicit_gradient(net: nn.Module, device_config: DeviceConfig) -> Callable[[Sequence[Batch]], None]:
    """Gradients by the chain, left in the parameters as autograd leaves them, and dropped before the next batch."""
    chain, parameters = chain_of(net), dict(net.named_parameters())

    def work(batches: Sequence[Batch]) -> None:
        for batch in batches:
            for parameter in parameters.values():
                parameter.grad = None
            with torch.no_grad(), device_config.autocast():
                _, cache = softmax_cross_entropy_forward(chain.forward(batch.x), batch.labels)
                _, gradients = chain.backward(softmax_cross_entropy_backward(1.0, cache))
            for parameter_name, gradient in gradients.items():
                parameters[parameter_name].grad = gradient

    return work


def autograd_gradient(net: nn.Module, device_config: DeviceConfig) -> Callable[[Sequence[Batch]], None]:
    """Gradients by autograd; dropped before the next batch, so that nothing is added up."""
    parameters = list(net.parameters())

    def work(batches: Sequence[Batch]) -> None:
        for batch in batches:
            for parameter in parameters:
                parameter.grad = None
            with device_config.autocast():
                outputs: Tensor = net(*batch.inputs)
            cross_entropy(outputs, batch.labels).backward()

    return work


def explicit_step(net: nn.Module, device_config: DeviceConfig) -> Callable[[Sequence[Batch]], None]:
    """Training steps of the explicit rule."""
    return steps_of(ExplicitRule, net, device_config)


def autograd_step(net: nn.Module, device_config: DeviceConfig) -> Callable[[Sequence[Batch]], None]:
    """Training steps of the usual rule."""
    return steps_of(GradientRule, net, device_config)


def steps_of(
    kind: type[GradientRule], net: nn.Module, device_config: DeviceConfig
) -> Callable[[Sequence[Batch]], None]:
    """Training steps of a rule, as the trainer takes them."""
    recipe, schema = Recipe(), image_schema(classes=10)
    rule = kind(Setup(recipe, net, task_of(recipe, schema), schema, device_config, total_steps=1))
    context = Context(training=True)

    def work(batches: Sequence[Batch]) -> None:
        for batch in batches:
            rule.step((batch,), context)

    return work


def gradients_apart(nets: dict[str, nn.Module]) -> float:
    """Distance of the two sides' last gradients, relative to their length: the largest of all parameters."""
    pairs = zip(nets["explicit"].parameters(), nets["autograd"].parameters(), strict=True)
    gradients = [(a.grad, b.grad) for a, b in pairs if a.grad is not None and b.grad is not None]
    return max(float((a - b).norm() / b.norm()) for a, b in gradients)


def row(seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Ratio of the medians, quartiles of the ratios of the rounds, milliseconds a batch."""
    ratios = sorted(ours / theirs for ours, theirs in zip(*(seconds[side] for side in SIDES), strict=True))
    return {
        "ratio": median(seconds["explicit"]) / median(seconds["autograd"]),
        "low": ratios[len(ratios) // 4],
        "high": ratios[-1 - len(ratios) // 4],
        "seconds": seconds,
    }


def method(given: argparse.Namespace) -> str:
    """Say how it was measured."""
    return (
        f"Batches of {given.batch_size}, float32, {given.threads} threads. Each side {given.repeats} rounds of "
        f"{given.batches} batches after one round to warm up, in turns in one process, from the same weights; ratio of "
        f"the medians (middle half of the rounds' ratios). Target: at most {TARGET} times autograd's time."
    )


def markdown(results: dict[str, Any]) -> str:
    """Draw the table, ratio first."""
    lines = [
        "| explicit / autograd | middle half | target | net | what | explicit, ms a batch | autograd, ms a batch |",
        "|---:|---|---|---|---|---:|---:|",
    ]
    for net, measurements in results["nets"].items():
        for what, found in measurements.items():
            met = "met" if found["ratio"] <= TARGET else "MISSED"
            count = results["batches"]
            ours, theirs = (1e3 * median(found["seconds"][side]) / count for side in SIDES)
            lines.append(
                f"| {found['ratio']:.2f} | {found['low']:.2f} to {found['high']:.2f} | {met} | {TITLES[net]} "
                f"| {MEASURED[what]} | {ours:.2f} | {theirs:.2f} |"
            )
    apart = (f"{TITLES[net]} {found['gradient']['gradients_apart']:.0e}" for net, found in results["nets"].items())
    parts = [
        "# Back-propagation: explicit layer rules beside autograd",
        results["method"],
        "\n".join(lines),
        f"Largest relative difference between the two gradients: {', '.join(apart)}.",
        measured_on(results["machine"]),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
