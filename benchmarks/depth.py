"""The revolution of depth: plain and residual nets of 20 and 56 layers, training error over epochs, three seeds.

    python benchmarks/depth.py                about 25 minutes on two cores; writes results/depth.json and .md
    python benchmarks/depth.py --quick        a few steps of each net, writes nothing

Runs are kept as they end: started again, the program goes on with those that are missing.

All four nets learn from the same 10,000 images of Fashion-MNIST at half size (14 x 14: the mean of each 2 x 2 pixels)
with the same optimizer, learning rate, schedule, decay, number format and augmentation (flips, shifts by a pixel),
without which the residual nets would know the images by heart and training error would say nothing. The size is what
half an hour allows: a step costs a quarter of one at full size. The rate is the one at which the deep plain net,
against which the claim goes, learns best: it is tried first with each of `--rates`, from a seed of its own. Training
error is the mean over an epoch's own mini-batches while the weights move, as in the paper; validation error is
measured after each epoch on 2,000 other images. The test split is not touched.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", 2016, figure 6 (there
CIFAR-10, 64,000 steps of 128 images).
"""

import argparse
import dataclasses
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from machine import describe_machine, measured_on, warn_if_busy
from neurarium.data import fashion_mnist
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.scaling import Scaling
from neurarium.data.split import stratified_split
from neurarium.data.table import Table
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.convolutional.deep_specs import PlainNetSpec, ResNetSpec
from neurarium.nets.spec import NetSpec
from neurarium.record.events import EpochEnded
from neurarium.record.files import write_atomic
from neurarium.record.schema import Field
from neurarium.training.recipe import Recipe
from neurarium.training.session import build_session

ROOT = Path(__file__).parent
RESULTS, PICTURE = ROOT / "results" / "depth.json", ROOT.parent / "docs" / "pictures" / "convolutional-depth.png"
NETS: dict[str, NetSpec] = {
    "plain-20": PlainNetSpec(20),
    "plain-56": PlainNetSpec(56),
    "resnet-20": ResNetSpec(20),
    "resnet-56": ResNetSpec(56),
}
SEEDS, TRIAL_SEED, TRIED = (0, 1, 2), 1000, "plain-56"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all runs have in common; results of other settings are not mixed with these."""

    examples: int = 10_000
    validation: int = 2_000
    epochs: int = 40
    trial_epochs: int = 10
    batch_size: int = 128
    momentum: float = 0.9
    l2: float = 1e-4
    warmup: float = 0.05
    shift: int = 1
    rates: tuple[float, ...] = (0.01, 0.03, 0.1)


def small_pictures(settings: Settings) -> Dataset:
    """Fashion-MNIST, fewer images, every class its fraction, and half their size."""
    whole = fashion_mnist.load()
    parts = ((whole.train, settings.examples), (whole.validation, settings.validation))
    (pixels, classes), held_out = (_part(part, count) for part, count in parts)
    field = Scaling.fit(pixels).field(Field(tuple(pixels.shape[1:]), value_range=(0.0, 255.0)))
    schema = whole.schema.with_fields(image=field)
    train = Table((pixels,), (classes,), schema)
    validation = Table((held_out[0],), (held_out[1],), schema)
    nothing = validation.select(torch.empty(0, dtype=torch.int64))
    return dataclasses.replace(whole, train=train, validation=validation, test=nothing, schema=schema)


def _part(examples: Examples, count: int) -> tuple[Tensor, Tensor]:
    """Pixels and class numbers."""
    chosen = examples.select(stratified_split(examples.target("label"), count)[1])
    pixels = torch.cat(list(chosen.pieces("image")))
    return F.avg_pool2d(pixels.float(), 2).round().to(torch.uint8), chosen.target("label")


def learned(name: str, rate: float, seed: int, epochs: int, settings: Settings, data: Dataset) -> dict[str, Any]:
    """Train one net; training loss, training error and validation error of each epoch."""
    recipe = Recipe(
        name=name,
        net=NETS[name],
        optimizer=Optimizer("momentum", lr=rate, momentum=settings.momentum, l2=settings.l2),
        schedule=Schedule("cosine", warmup=settings.warmup),
        augmentation=Augmentation(shift=settings.shift, flip=True),
        epochs=epochs,
        batch_size=settings.batch_size,
        seed=seed,
        precision="auto",
    )
    began = time.perf_counter()
    session = build_session(recipe, data)
    curve = [
        (e.train["loss"], e.train["error"], e.validation["error"])
        for e in session.events()
        if isinstance(e, EpochEnded)
    ]
    seconds = time.perf_counter() - began
    print(
        f"{name}, rate {rate:g}, seed {seed}: training error {curve[-1][1]:.4f}, validation error {curve[-1][2]:.4f}, "
        f"{seconds:.0f} s",
        flush=True,
    )
    return {"net": name, "rate": rate, "seed": seed, "curve": curve, "seconds": seconds}


def best_rate(trials: list[dict[str, Any]]) -> float:
    """The rate with the lowest training loss at the end of its trial."""
    return min(trials, key=lambda trial: trial["curve"][-1][0])["rate"]


def last(runs: list[dict[str, Any]], name: str, column: int) -> list[float]:
    """Errors of a net at the end, in per cent, a number a seed."""
    return [100 * run["curve"][-1][column] for run in sorted(runs, key=lambda r: r["seed"]) if run["net"] == name]


def markdown(results: dict[str, Any]) -> str:
    """Draw the table, and say whether the two claims hold."""
    runs, settings = results["runs"], results["settings"]
    trained = {name: last(runs, name, 1) for name in NETS}
    worse = sum(deep > shallow for deep, shallow in zip(trained["plain-56"], trained["plain-20"], strict=True))
    as_well = sum(deep <= shallow for deep, shallow in zip(trained["resnet-56"], trained["resnet-20"], strict=True))
    count = len(trained["plain-20"])
    lines = [
        "# The revolution of depth",
        "",
        f"**plain-56 has the higher training error at the end than plain-20 in {worse} of {count} seeds; ResNet-56 at "
        f"most that of ResNet-20 in {as_well} of {count}.**",
        "",
        "| net | training error, % | validation error, % | seconds a run |",
        "|---|---:|---:|---:|",
    ]
    for name in NETS:
        spent = statistics.mean(run["seconds"] for run in runs if run["net"] == name)
        lines.append(f"| {name} | {spread(trained[name])} | {spread(last(runs, name, 2))} | {spent:.0f} |")
    tried = ", ".join(f"{t['rate']:g}: {100 * t['curve'][-1][1]:.1f} %" for t in results["trials"])
    lines += [
        "",
        f"Last epoch of {settings['epochs']}, mean and standard deviation of {count} seeds. "
        f"{settings['examples']:,} images of Fashion-MNIST at 14 x 14, batch {settings['batch_size']}, momentum "
        f"{settings['momentum']:g}, l2 {settings['l2']:g}, cosine with a warm-up of {settings['warmup']:.0%}, "
        f"flips and shifts by {settings['shift']}, number format 'auto'. Rate {results['rate']:g} for all, the best of "
        f"{TRIED} in "
        f"{settings['trial_epochs']} epochs "
        f"(training error by rate: {tried}).",
        "",
        measured_on(results["machine"]),
    ]
    return "\n".join(lines) + "\n"


def spread(values: list[float]) -> str:
    """Mean and standard deviation."""
    deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{deviation}"


def draw(results: dict[str, Any]) -> bytes:
    """Draw training and validation error over epochs, plain nets beside residual ones."""
    from neurarium.report import plotting

    figure = plotting.new_figure(9.6, 4.4)
    sides = figure.subplots(1, 2, sharey=True)
    colors = {20: plotting.BLUE, 56: plotting.VERMILION}
    for axes, kind, title in zip(sides, ("plain", "resnet"), ("Plain nets", "Residual nets"), strict=True):
        for depth, color in colors.items():
            curves = [run["curve"] for run in results["runs"] if run["net"] == f"{kind}-{depth}"]
            epochs = range(1, len(curves[0]) + 1)
            for column, style, what in ((1, "-", "training"), (2, ":", "validation")):
                by_epoch = [[100 * curve[e - 1][column] for curve in curves] for e in epochs]
                axes.plot(
                    epochs, [statistics.mean(values) for values in by_epoch], style, color=color, linewidth=1.6,
                    label=f"{depth} layers, {what}",
                )  # fmt: skip
                low, high = [min(values) for values in by_epoch], [max(values) for values in by_epoch]
                axes.fill_between(epochs, low, high, color=color, alpha=0.18, linewidth=0)
        plotting.style_axes(axes, title, "epoch", "error, % (log scale)" if axes is sides[0] else "")
        axes.set_yscale("log")
        image.epochs_axis(axes, len(curves[0]))
        plotting.legend_above(axes, 2)
    low, high = sides[0].get_ylim()
    ticks = [t for t in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if low <= t <= high]
    sides[0].set_yticks(ticks, labels=[f"{t:g}" for t in ticks])
    sides[0].minorticks_off()
    figure.supxlabel("line: mean of the seeds; band: from the lowest to the highest", color=plotting.FAINT, fontsize=9)
    return plotting.png(figure)


def measure(settings: Settings, seeds: tuple[int, ...], machine: dict[str, str], file: Path | None) -> dict[str, Any]:
    """Carry out all runs that are not in the file yet, and keep each as it ends."""
    plain = json.loads(json.dumps(dataclasses.asdict(settings)))
    results: dict[str, Any] = {"machine": machine, "settings": plain, "trials": [], "runs": []}
    if file is not None and file.exists():
        results = json.loads(file.read_text(encoding="utf-8"))
        if results["settings"] != plain:
            raise SystemExit(f"{file} holds runs with other settings: {results['settings']}; move it away first")
    data = small_pictures(settings)
    plan: list[tuple[str, str, float | None, int]]
    plan = [("trials", TRIED, rate, TRIAL_SEED) for rate in settings.rates]
    plan += [("runs", name, None, seed) for seed in seeds for name in NETS]
    for kind, name, rate, seed in plan:
        done = {(run["net"], run["seed"], run["rate"] if rate else None) for run in results[kind]}
        if (name, seed, rate) in done:
            continue
        if rate is None:
            results["rate"] = best_rate(results["trials"])
        epochs = settings.epochs if rate is None else settings.trial_epochs
        results[kind].append(learned(name, rate or results["rate"], seed, epochs, settings, data))
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(file, json.dumps(results, indent=1) + "\n")
    return results


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=float, nargs="+", default=list(Settings().rates), help="tried for plain-56")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    parser.add_argument("--quick", action="store_true", help="a few steps of each net, write nothing")
    given = parser.parse_args()
    warn_if_busy()
    torch.set_num_threads(given.threads)
    machine = describe_machine() | {"threads": str(given.threads)}
    settings = Settings(rates=tuple(given.rates))
    if given.quick:
        settings = Settings(examples=512, validation=256, epochs=2, trial_epochs=1, rates=settings.rates[:2])
    results = measure(settings, SEEDS[:2] if given.quick else SEEDS, machine, None if given.quick else RESULTS)
    image = draw(results)
    print("\n" + markdown(results))
    if not given.quick:
        RESULTS.with_suffix(".md").write_text(markdown(results), encoding="utf-8")
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        PICTURE.write_bytes(image)
    return 0


if __name__ == "__main__":
    sys.exit(main())
