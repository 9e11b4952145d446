"""Hessian-free against Adam on a deep auto-encoder, at equal wall time: 784-1000-500-250-30 and back.

    python benchmarks/hessian_free.py                 5 minutes a contender; writes results/hessian_free.json and .md
    python benchmarks/hessian_free.py --minutes 1     a minute each
    python benchmarks/hessian_free.py --quick         a smaller net, seconds, writes nothing

Both begin with the same weights, learn from the same 4,000 digits of MNIST and make the same loss small: binary
cross-entropy of the pixels, summed over an image. Hessian-free has the whole training set as its batch and runs once
with each of `--fractions` of it for curvature. Adam runs once with each of `--rates`, on mini-batches of 200, its rate
on a cosine that ends with the time. The best run of either side is compared. Both are warm when their time begins, and
it counts while a rule learns, not while the loss is measured.

Source: G. Hinton, R. Salakhutdinov, "Reducing the dimensionality of data with neural networks", 2006 (the net);
J. Martens, "Deep learning via Hessian-free optimization", 2010 (the comparison, there with descent and momentum).
"""

import argparse
import copy
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from machine import describe_machine, measured_on, warn_if_busy
from neurarium.data.batch import Batch
from neurarium.data.examples import Examples
from neurarium.data.mnist_5k import load
from neurarium.data.plan import grouped, in_order, plan
from neurarium.data.table import Table
from neurarium.learning.hessian_free.settings import HessianFree
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.record.schema import Field, Schema
from neurarium.tasks.reconstruction import Reconstruction
from neurarium.tasks.task import Context, Outputs, count_tensor, tensor_of
from neurarium.training.device import DeviceConfig
from neurarium.training.recipe import Recipe
from neurarium.training.rules.rule import LearningRule, Setup
from neurarium.training.rules.table import make_rule
from neurarium.training.seed import seed_everything
from table import publish

ROOT = Path(__file__).parent
RESULTS, PICTURE = ROOT / "results", ROOT.parent / "docs" / "pictures" / "hessian-free.png"
CODER = (784, 1000, 500, 250, 30)
ADAM_BATCH, LOOKS, CALIBRATION, INCOMING = 200, 60, 20, 15
HESSIAN_FREE = "hessian-free"
Curve = list[tuple[float, float]]
SCHEMA = Schema({"pixels": Field((CODER[0],), value_range=(0.0, 1.0))})


def autoencoder(coder: tuple[int, ...]) -> nn.Sequential:
    """Coder and its mirror image: sigmoid units, but a linear code and logits of the pixels at the end.

    Martens' sparse first weights, 15 normal ones into each unit: dense ones of Xavier's size leave so deep a net of
    sigmoids on a plateau, where every image is answered by the mean of all.
    """
    sizes = (*coder, *reversed(coder[:-1]))
    layers: list[nn.Module] = []
    for l, (n, m) in enumerate(pairwise(sizes), start=1):
        linear = nn.Linear(n, m)
        few = torch.rand_like(linear.weight).argsort(1) < INCOMING
        linear.weight.data = torch.where(few, torch.randn_like(linear.weight), 0.0)
        nn.init.zeros_(linear.bias)
        layers += [linear] if l in (len(coder) - 1, len(sizes) - 1) else [linear, nn.Sigmoid()]
    return nn.Sequential(*layers)


class PixelEntropy(Reconstruction):
    """Binary cross-entropy of the pixels in nats, summed over an image, mean over the images."""

    def counts(self, batch: Batch) -> Tensor:
        """Images, twice."""
        return count_tensor(batch.x, float(batch.size), float(batch.size))

    def terms(self, outputs: Outputs, batch: Batch, counts: Tensor) -> tuple[Tensor, ...]:
        """The cross-entropy alone."""
        logits = tensor_of(outputs, self.name)
        return (F.binary_cross_entropy_with_logits(logits, batch.x, reduction="sum") / counts[0],)

    def errors(self, outputs: Outputs, batch: Batch) -> Tensor:
        """Count nothing: an image is not right or wrong."""
        return batch.x.new_zeros(())


def images(images: Examples, count: int | None) -> Table:
    """Pixels from 0 to 1, a row an image."""
    return Table((torch.cat(list(images.pieces("image")))[:count].flatten(1).float() / 255,), (), SCHEMA)


def mean_loss(rule: LearningRule, examples: Table) -> float:
    """Loss over all the images."""
    return sum(rule.measure(batch).terms[0] * batch.size for batch in in_order(examples, 1000)) / len(examples)


class Contender:
    """A rule that learns for a while, and what its loss did meanwhile."""

    def __init__(self, optimizer: Optimizer, net: nn.Module, train: Table, seconds: float) -> None:
        self.optimizer, self.train, self.seconds = optimizer, train, seconds
        self.batch_size = len(train) if optimizer.name == HESSIAN_FREE else ADAM_BATCH
        self.curve: Curve = []
        self.steps = 0
        if optimizer.name == HESSIAN_FREE:
            # loads what torch loads at first use
            self._make(net, 1).step((next(in_order(train, ADAM_BATCH)),), Context(training=True))
        self.total = 1 if optimizer.name == HESSIAN_FREE else self._affordable(net)
        self.rule = self._make(net, self.total)

    def _make(self, net: nn.Module, total: int) -> LearningRule:
        schedule = Schedule("constant" if self.optimizer.name == HESSIAN_FREE else "cosine")
        recipe = Recipe(optimizer=self.optimizer, schedule=schedule, batch_size=self.batch_size)
        task, device_config = PixelEntropy(SCHEMA.input), DeviceConfig(torch.device("cpu"))
        return make_rule(Setup(recipe, copy.deepcopy(net), task, SCHEMA, device_config, total))

    def _affordable(self, net: nn.Module) -> int:
        """How many steps the time allows, by a few on a copy."""
        rule, parts = self._make(net, 10**6), next(self._batches(0))
        for step in range(3):
            rule.step(parts, Context(step=step, training=True))
        began = time.perf_counter()
        for step in range(CALIBRATION):
            rule.step(parts, Context(step=step, training=True))
        return max(1, int(self.seconds / ((time.perf_counter() - began) / CALIBRATION)))

    def _batches(self, epoch: int) -> Iterator[tuple[Batch, ...]]:
        return grouped(self.train, plan(len(self.train), self.batch_size, seed=0, epoch=epoch))

    def learn(self) -> None:
        """Learn until time or schedule is at its end; look at the loss now and then, the clock at rest."""
        spent, epoch = 0.0, 0
        batches: Iterator[tuple[Batch, ...]] = iter(())
        self.curve.append((0.0, mean_loss(self.rule, self.train)))
        next_look = self.seconds / LOOKS
        while spent < self.seconds and (self.optimizer.name == HESSIAN_FREE or self.steps < self.total):
            began = time.perf_counter()
            parts = next(batches, None)
            if parts is None:
                epoch, batches = epoch + 1, self._batches(epoch + 1)
                parts = next(batches)
            self.rule.step(parts, Context(epoch=epoch, step=self.steps, training=True))
            self.steps += 1
            spent += time.perf_counter() - began
            if spent >= next_look:
                self.curve.append((spent, mean_loss(self.rule, self.train)))
                next_look = spent + self.seconds / LOOKS
        if self.curve[-1][0] != spent:
            self.curve.append((spent, mean_loss(self.rule, self.train)))

    def outcome(self, held_out: Table) -> dict[str, Any]:
        """What is kept of a run."""
        return {
            "name": self.optimizer.name,
            "setting": setting_of(self.optimizer),
            "batch": self.batch_size,
            "steps": self.steps,
            "loss": self.curve[-1][1],
            "held_out_loss": mean_loss(self.rule, held_out),
            "curve": self.curve,
        }


def setting_of(optimizer: Optimizer) -> str:
    """What sets this run apart from the others of its side."""
    if optimizer.name == HESSIAN_FREE:
        return f"curvature on {optimizer.hessian_free.curvature:g} of the batch"
    return f"rate {optimizer.lr:g}"


def draw(outcomes: list[dict[str, Any]], minutes: float) -> None:
    """Draw loss against time: the best run of either side strong, its others pale."""
    from neurarium.report import plotting

    figure = plotting.new_figure(8.0, 4.6)
    axes = figure.subplots()
    sides = (("adam", "Adam", plotting.BLUE), (HESSIAN_FREE, "Hessian-free", plotting.VERMILION))
    for name, title, color in sides:
        best = best_of(outcomes, name)
        for outcome in (o for o in outcomes if o["name"] == name):
            minutes_spent, losses = [s / 60 for s, _ in outcome["curve"]], [loss for _, loss in outcome["curve"]]
            strong = outcome is best
            axes.plot(
                minutes_spent, losses, color=color, alpha=1.0 if strong else 0.3, linewidth=1.8 if strong else 1.0,
                marker="o" if len(losses) < LOOKS else "", markersize=3,
                label=f"{title}, {outcome['setting']}" if strong else None,
            )  # fmt: skip
    if len(outcomes) > len(sides):
        axes.plot([], [], color=plotting.GREY, alpha=0.3, linewidth=1.0, label="their other settings")
    axes.set_yscale("log")
    axes.set_xlim(0, max(minutes, *(o["curve"][-1][0] / 60 for o in outcomes)))
    ticks = [t for t in (50, 60, 70, 80, 100, 150, 200, 300, 500, 900) if axes.get_ylim()[0] <= t <= axes.get_ylim()[1]]
    axes.set_yticks(ticks, labels=[str(t) for t in ticks])
    axes.minorticks_off()
    title = "Deep auto-encoder: training loss"
    plotting.style_axes(axes, title, "minutes of learning", "cross-entropy of an image in nats (log scale)")
    plotting.legend_above(axes, 2)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_bytes(plotting.png(figure))


def best_of(outcomes: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The run of one side with the lowest final loss."""
    return min((o for o in outcomes if o["name"] == name), key=lambda o: o["loss"])


def markdown(results: dict[str, Any]) -> str:
    """Draw the table, ratio of the losses first."""
    outcomes = results["outcomes"]
    ours, adams = best_of(outcomes, HESSIAN_FREE)["loss"], best_of(outcomes, "adam")["loss"]
    winner = "Hessian-free" if ours < adams else "Adam"
    lines = [
        "# Hessian-free against Adam",
        "",
        f"Auto-encoder {results['net']}, {results['examples']:,} digits of mnist-5k, {results['minutes']:g} minutes of "
        f"learning each, {results['threads']} thread(s). **{winner} is ahead: final training loss of the best "
        f"Hessian-free run over that of the best Adam {ours / adams:.3f}.**",
        "",
        "| loss / best Hessian-free's | optimizer | setting | batch | steps | training loss | held-out loss |",
        "|---:|---|---|---:|---:|---:|---:|",
        *(
            f"| {o['loss'] / ours:.3f} | {o['name']} | {o['setting']} | {o['batch']:,} | {o['steps']:,} "
            f"| {o['loss']:.2f} | {o['held_out_loss']:.2f} |"
            for o in sorted(outcomes, key=lambda o: o["loss"])
        ),
        "",
        "Losses: binary cross-entropy in nats, summed over the 784 pixels, mean over the images. Held out: the "
        "validation split. Adam's rate falls on a cosine to nothing at the end.",
        "",
        measured_on(results["machine"]),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0, help="of learning, for each contender")
    parser.add_argument("--rates", type=float, nargs="+", default=[3e-4, 1e-3, 2e-3, 4e-3], help="tried for Adam")
    parser.add_argument("--fractions", type=float, nargs="+", default=[1 / 16, 1 / 4], help="tried for Hessian-free")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads of either side")
    parser.add_argument("--quick", action="store_true", help="a small net, a few seconds each, write nothing")
    given = parser.parse_args()
    warn_if_busy()
    machine = describe_machine()
    torch.set_num_threads(given.threads)
    minutes, coder, count = (0.05, (784, 64, 16), 500) if given.quick else (given.minutes, CODER, None)
    dataset = load()
    train, held_out = images(dataset.train, count), images(dataset.validation, count)
    seed_everything(0)
    net = autoencoder(coder)
    optimizers = [Optimizer(HESSIAN_FREE, hessian_free=HessianFree(curvature=fraction)) for fraction in given.fractions]
    optimizers += [Optimizer("adam", lr=rate) for rate in given.rates]
    outcomes = []
    for optimizer in optimizers:
        contender = Contender(optimizer, net, train, 60 * minutes)
        contender.learn()
        outcomes.append(outcome := contender.outcome(held_out))
        steps, loss = outcome["steps"], outcome["loss"]
        print(f"{optimizer.name}, {outcome['setting']}: {steps:,} steps, training loss {loss:.2f}", flush=True)
    results = {
        "machine": machine,
        "net": "-".join(map(str, (*coder, *reversed(coder[:-1])))),
        "examples": len(train),
        "minutes": minutes,
        "threads": given.threads,
        "outcomes": outcomes,
    }
    publish("hessian_free", results, markdown(results), None if given.quick else RESULTS)
    if not given.quick:
        draw(outcomes, minutes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
