"""Random features in closed form: accuracy against width, and time beside scikit-learn's RBFSampler and Ridge.

    python benchmarks/random_features.py            minutes; writes results/random_features.json, .md and an image
    python benchmarks/random_features.py --quick    small sizes, seconds, writes nothing

**Accuracy.** MNIST-5k, widths 62 to 4,000, three draws each. For every width and draw the validation split chooses the
penalty and the scale of the features; the test split is looked at once, with that choice.

**Time.** 60,000 images of Fashion-MNIST, 4,000 Fourier features in float32, ridge regression on the one-hot code of
10 classes with the same width of the kernel and the same penalty, from scaled pixels to fitted weights. scikit-learn:
`RBFSampler` and `Ridge(solver="cholesky", copy_X=False)`, which forms the whole table of features. Each fit runs in a
process of its own for its peak memory, the two in turns.
"""

import argparse
import json
import resource
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from machine import describe_machine, warn_if_busy
from neurarium.data import fashion_mnist, mnist_5k
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.plan import batch_count, in_order
from neurarium.data.table import Table
from neurarium.learning.loss import Loss
from neurarium.learning.normal_equations import NormalEquations
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.feedforward.random_features import RandomFeatureModel
from neurarium.record.schema import image_schema
from neurarium.tasks.table import task_of
from neurarium.tasks.task import Context
from neurarium.training.device import DeviceConfig
from neurarium.training.recipe import Recipe
from neurarium.training.rules.closed_form import ClosedFormRule
from neurarium.training.rules.rule import Setup
from table import publish

ROOT = Path(__file__).parent
RESULTS, PICTURE = ROOT / "results", ROOT.parent / "docs" / "pictures" / "random-features.png"
WIDTHS = (62, 125, 250, 500, 1000, 2000, 4000)
SCALES = {"relu": (0.2, 0.3, 0.5), "fourier": (0.5, 0.8, 1.2)}
PENALTIES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
CPU = DeviceConfig(torch.device("cpu"))
# width of the Gaussian kernel, in units of sqrt(784), and l2 beside the mean loss
SPEED_WIDTH, SPEED_L2, BLOCK = 0.8, 1e-5, 4000


def rows_of(examples: Examples, count: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Scaled pixels, a row an image, and the classes."""
    batch = examples.gather(torch.arange(len(examples) if count is None else min(count, len(examples))))
    return batch.x.flatten(1), batch.labels


def accuracy_at(data: Dataset, kind: str, width: int, seed: int) -> dict[str, Any]:
    """Choose scale and penalty by the validation split; look at the test split once."""
    (x, y), (held, held_y), (test, test_y) = (rows_of(part) for part in (data.train, data.validation, data.test))
    best: tuple[float, Any] = (-1.0, None)
    for scale in SCALES[kind]:
        torch.manual_seed(seed)
        net = RandomFeatureModel(784, width, 10, kind, scale)
        sums = NormalEquations(width, 10)
        with torch.no_grad(), CPU.autocast():
            sums.add(net.features(x), torch.eye(10)[y])
            validation, final = net.features(held), net.features(test)
        for l2 in PENALTIES:
            fit = sums.solve(l2)
            fraction = float((fit.predict(validation).argmax(1) == held_y).double().mean())
            if fraction > best[0]:
                best = fraction, (scale, l2, float((fit.predict(final).argmax(1) == test_y).double().mean()))
    scale, l2, score = best[1]
    return {"kind": kind, "width": width, "seed": seed, "scale": scale, "l2": l2, "validation": best[0], "test": score}


def fit_ours(x: torch.Tensor, y: torch.Tensor, features: int) -> Any:
    """What the trainer does in one epoch."""
    torch.manual_seed(0)
    net = RandomFeatureModel(x.shape[1], features, 10, "fourier", SPEED_WIDTH)
    plan = Recipe(loss=Loss("squared-error"), optimizer=Optimizer("sgd", l2=SPEED_L2), epochs=1, batch_size=BLOCK)
    schema = image_schema((x.shape[1],), 10)
    rule = ClosedFormRule(Setup(plan, net, task_of(plan, schema), schema, CPU, batch_count(len(x), BLOCK)))
    for step, batch in enumerate(in_order(Table((x,), (y,), schema), BLOCK)):
        rule.step((batch,), Context(step=step, training=True))

    def predict(rows: torch.Tensor) -> np.ndarray:
        with torch.no_grad():
            return net(rows).argmax(1).numpy()

    return predict


def fit_theirs(x: torch.Tensor, y: torch.Tensor, features: int) -> Any:
    """scikit-learn's sampler and solver; gamma = 1 / (2 s^2), alpha = N l2."""
    from sklearn.kernel_approximation import RBFSampler
    from sklearn.linear_model import Ridge

    gamma = 1 / (2 * SPEED_WIDTH**2 * x.shape[1])
    sampler = RBFSampler(gamma=gamma, n_components=features, random_state=0)
    codes = np.eye(10, dtype=np.float32)[y.numpy()]
    ridge = Ridge(alpha=SPEED_L2 * len(x), solver="cholesky", copy_X=False)
    ridge.fit(sampler.fit_transform(x.numpy()), codes)
    return lambda rows: ridge.predict(sampler.transform(rows.numpy())).argmax(1)


FITS = {"neurarium": fit_ours, "scikit-learn": fit_theirs}


def timed(name: str, count: int | None, features: int, threads: int) -> dict[str, float]:
    """One fit in this process: seconds, peak memory, test accuracy."""
    torch.set_num_threads(threads)
    data = fashion_mnist.load(None)
    x, y = rows_of(data.train, count)
    more, more_y = rows_of(data.validation, None if count is None else 0)  # held out of the 60,000 by the loader
    x, y = torch.cat([x, more]), torch.cat([y, more_y])
    test, test_y = rows_of(data.test, 10 * BLOCK)
    FITS[name](x[:500], y[:500], 50)  # loads what is loaded at first use
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    predict = FITS[name](x, y, features)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": seconds,
        "examples": len(x),
        "added_mib": (after - before) / 1024,
        "accuracy": float((predict(test) == test_y.numpy()).mean()),
    }


def speed(count: int | None, features: int, rounds: int) -> dict[str, Any]:
    """Both fits in turns, each in a fresh process."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in FITS}
    for _ in range(rounds):
        for name in FITS:
            with get_context("spawn").Pool(1) as pool:
                found[name].append(pool.apply(timed, (name, count, features, torch.get_num_threads())))
    ratios = [b["seconds"] / a["seconds"] for a, b in zip(*found.values(), strict=True)]
    return {"features": features, "ratio": median(ratios), "ratios": ratios, "runs": found}


def draw(curve: list[dict[str, Any]]) -> None:
    """Test error against width, both axes logarithmic: the mean over draws as a line, each draw a mark."""
    from neurarium.report import plotting

    figure = plotting.new_figure(7.0, 4.4)
    axes = figure.subplots()
    for kind, color, marker in (("relu", plotting.BLUE, "o"), ("fourier", plotting.VERMILION, "s")):
        rows = [row for row in curve if row["kind"] == kind]
        widths = sorted({row["width"] for row in rows})
        means = [100 * (1 - np.mean([row["test"] for row in rows if row["width"] == w])) for w in widths]
        axes.plot(widths, means, color=color, linewidth=1.8, label=f"{kind}: mean of the draws")
        axes.plot(
            [row["width"] for row in rows], [100 * (1 - row["test"]) for row in rows], marker, color=color, alpha=0.45,
            markersize=4, linestyle="none",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(widths, labels=[f"{w:,}" for w in widths])
    low, high = axes.get_ylim()
    ticks = [t for t in (3, 4, 5, 6, 8, 10, 15, 20, 30, 40) if low <= t <= high]
    axes.set_yticks(ticks, labels=[f"{t} %" for t in ticks])
    axes.minorticks_off()
    plotting.style_axes(
        axes, "Random features on MNIST-5k: test error", "random features (log scale)", "wrong (log scale)"
    )
    plotting.legend_above(axes, 2)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_bytes(plotting.png(figure))


def markdown(results: dict[str, Any]) -> str:
    """Draw both tables."""
    found = results["speed"]
    lines = [
        "# Random features in closed form",
        "",
        f"**Time**: scikit-learn takes {found['ratio']:.2f} times as long as neurarium "
        f"(median of {len(found['ratios'])} rounds, {min(found['ratios']):.2f} to {max(found['ratios']):.2f}); "
        f"{int(found['runs']['neurarium'][0]['examples']):,} examples, {found['features']:,} features.",
        "",
        "| contender | seconds | memory added by the fit, MiB | test accuracy |",
        "|---|---:|---:|---:|",
    ]
    for name, runs in found["runs"].items():
        seconds, memory = (median(run[key] for run in runs) for key in ("seconds", "added_mib"))
        lines.append(f"| {name} | {seconds:.2f} | {memory:.0f} | {runs[0]['accuracy']:.4f} |")
    lines += [
        "",
        "**Accuracy** on MNIST-5k, mean over the draws; settings by the validation split.",
        "",
        "| kind | features | validation | test | chosen (scale, l2) |",
        "|---|---:|---:|---:|---|",
    ]
    for kind, width in dict.fromkeys((row["kind"], row["width"]) for row in results["curve"]):
        rows = [row for row in results["curve"] if (row["kind"], row["width"]) == (kind, width)]
        validation, test = (np.mean([row[key] for row in rows]) for key in ("validation", "test"))
        chosen = "; ".join(f"{row['scale']:g}, {row['l2']:g}" for row in rows)
        lines.append(f"| {kind} | {width:,} | {validation:.4f} | {test:.4f} | {chosen} |")
    return "\n".join([*lines, "", *(f"- {name}: {fact}" for name, fact in results["machine"].items())]) + "\n"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes; writes nothing")
    parser.add_argument("--only", choices=["curve", "speed"], help="one half; writes the image alone, or nothing")
    arguments = parser.parse_args()
    quick, only = arguments.quick, arguments.only
    warn_if_busy()
    results: dict[str, Any] = {"machine": describe_machine() | {"threads": str(torch.get_num_threads())}}
    if only != "speed":
        data = mnist_5k.load()
        widths, seeds = (WIDTHS[:3], 1) if quick else (WIDTHS, 3)
        results["curve"] = [
            accuracy_at(data, kind, width, seed) for kind in SCALES for width in widths for seed in range(seeds)
        ]
        if not quick:
            draw(results["curve"])
    if only != "curve":
        results["speed"] = speed(2000, 200, 1) if quick else speed(None, 4000, 3)
    if only:
        print(json.dumps(results, indent=1))
        sys.exit()
    publish("random_features", results, markdown(results), None if quick else RESULTS)


if __name__ == "__main__":
    main()
