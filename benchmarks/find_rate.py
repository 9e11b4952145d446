"""Does the rate that `neurarium find-rate` advises learn as well as the best rate of a grid?

    python benchmarks/find_rate.py             about 12 minutes on one quiet core; writes results/find_rate.json and .md
    python benchmarks/find_rate.py --quick     one case, two rates, writes nothing

Runs are kept as they end: started again, the program goes on with those that are missing.

Each case is a recipe of the catalog, shortened so that a grid takes minutes. It is trained at each rate of the grid
from two seeds, and the finder sweeps it from three others. The score is the error at the end, on test examples where
there are more than 100 of them, else on validation and test together. The rules compared, each on the sweep's curve
over the logarithm of the rate:

    steepest     where the smoothed loss falls fastest (Smith 2017, section 3.3: where the accuracy begins to rise fast)
    minimum/10   a tenth of the rate with the lowest smoothed loss (fastai)
    valley       two thirds along the longest run of values that fall (fastai, after ESRI)
    slide        left of the steepest place, by half a decade, as far as the loss is flat (fastai, after Novetta)
    advised      what `RateCurve.advised` says

The grid's answer at a rate between two of its own is a line over the logarithm. "Excess" is that error less the best
one of the grid, in percentage points; the advised rate is also trained at, so that its error is no interpolation.

Sources: L. Smith, "Cyclical learning rates for training neural networks", 2017; J. Howard, S. Gugger, "fastai: a
layered API for deep learning", 2020 (`fastai/callback/schedule.py`).
"""

import argparse
import dataclasses
import itertools
import json
import math
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

import neurarium
from machine import describe_machine
from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.dataset import Dataset
from neurarium.data.table import Table
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.optimizers import Optimizer
from neurarium.recipes.catalog import RECIPES
from neurarium.record.files import write_atomic
from neurarium.record.schema import Schema
from neurarium.training.loop import measure
from neurarium.training.rate_finder import RateCurve, find_rate
from neurarium.training.recipe import Recipe
from neurarium.training.session import build_session

RESULTS = Path(__file__).parent / "results" / "find_rate.json"
RATES = tuple(float(f"{10 ** (k / 2 - 4):.3g}") for k in range(1, 9))
SEEDS, SWEEP_SEEDS = (0, 1), (10, 11, 12)
ENOUGH = 100
MARGIN, MARGIN_SHARE = 1.0, 0.1
"""An error counts as near the best one up to a percentage point, or a tenth of it where that is more."""


def _case(name: str, **changes: Any) -> Recipe:
    return dataclasses.replace(RECIPES[name](), threads=1, precision="float32", **changes)


CASES: dict[str, Recipe] = {
    "mlp-diabetes": _case("mlp-diabetes", epochs=60),
    "mlp on breast-cancer": _case("mlp", epochs=30, data="breast-cancer", augmentation=Augmentation(), batch_size=32),
    "vowels": _case("vowels", epochs=40),
    "mlp": _case("mlp", epochs=8),
    "lenet5": _case("lenet5", epochs=4),
    "mlp, sgd": _case("mlp", epochs=8, optimizer=Optimizer("sgd", lr=0.1)),
    "digit-count": _case("digit-count", epochs=10),
    "lenet5, momentum": _case("lenet5", epochs=3, optimizer=Optimizer("momentum", lr=0.1)),
    "resnet20, small": _case("resnet20", epochs=3, data="mnist-5k", augmentation=Augmentation(shift=1), batch_size=64),
}
SMALL = 1600
"""Images from which the case "small" learns, at half their size: a step costs a quarter, an epoch a tenth."""


def data_of(name: str, recipe: Recipe) -> Dataset:
    """The data of a case."""
    data = neurarium.load_data(recipe.data)
    if not name.endswith("small"):
        return data
    parts = []
    for part in (data.train, data.validation, data.test):
        pixels = F.avg_pool2d(torch.cat(list(part.pieces("image")))[:SMALL].float(), 2).round().to(torch.uint8)
        parts.append(Table((pixels,), (part.target("label")[:SMALL],), half_size(data, pixels)))
    return dataclasses.replace(data, **dict(zip(data.parts(), parts, strict=True)), schema=parts[0].schema)


def half_size(data: Dataset, pixels: Tensor) -> Schema:
    """The schema of images of another size; the scaling stays."""
    return data.schema.with_fields(image=dataclasses.replace(data.schema.input, shape=tuple(pixels.shape[1:])))


def error_of(recipe: Recipe, data: Dataset, rate: float, seed: int) -> float:
    """Train at a rate and return the error in per cent; infinite where learning diverged."""
    try:
        plan = dataclasses.replace(recipe, optimizer=dataclasses.replace(recipe.optimizer, lr=rate), seed=seed)
        session = build_session(plan, data)
        for _ in session.events():
            pass
    except (NonFiniteError, ConfigError):  # a decay that is too large for the rate is refused
        return math.inf
    parts = [data.test] if len(data.test) > ENOUGH else [data.validation, data.test]
    scores = [(len(part), measure(session.rule, part, session.device_config.device)["error"]) for part in parts]
    return 100 * sum(count * error for count, error in scores) / sum(count for count, _ in scores)


def curve_of(kept: dict[str, Any]) -> RateCurve:
    """A sweep as it was kept."""
    return RateCurve(**{name: tuple(v) if isinstance(v, list) else v for name, v in kept.items()})


def valley(curve: RateCurve) -> float | None:
    """Two thirds along the longest falling subsequence of the smoothed loss, as fastai has it."""
    best, before = [1] * len(curve.rates), [-1] * len(curve.rates)
    for i, loss in enumerate(curve.smoothed):
        for j in range(i):
            if loss < curve.smoothed[j] and best[j] + 1 > best[i]:
                best[i], before[i] = best[j] + 1, j
    if not best or max(best) < 3:
        return None
    path = [best.index(max(best))]
    while before[path[-1]] >= 0:
        path.append(before[path[-1]])
    path.reverse()
    third = len(path) / 3
    return curve.rates[path[int(third) + int(third / 2)]]


def slide(curve: RateCurve) -> float | None:
    """From the right, the last place half a decade wide where the gradient of the loss changes little; fastai."""
    count, half = len(curve.rates), 0.5
    if count < 8:
        return None
    slopes = [curve.smoothed[min(i + 1, count - 1)] - curve.smoothed[max(i - 1, 0)] for i in range(count)]
    per_decade = count / math.log10(curve.rates[-1] / curve.rates[0])
    width = max(1, round(15 * per_decade / 14.3))
    right, left = count - 1, count - 1 - width
    rate = curve.rates[left]
    while left > 0 and abs(slopes[right] - slopes[left]) > half:
        rate = curve.rates[right]
        right, left = right - 1, left - 1
    return rate


RULES: dict[str, Callable[[RateCurve], float | None]] = {
    "steepest": lambda curve: curve.steepest,
    "minimum/10": lambda curve: None if curve.lowest_at is None else curve.rates[curve.lowest_at] / 10,
    "valley": valley,
    "slide": slide,
    "advised": lambda curve: curve.advised,
}


def means(found: dict[str, Any]) -> list[tuple[float, float]]:
    """Rates of the grid and the mean error of the seeds at each."""
    by_rate: dict[float, list[float]] = {}
    for run in found["grid"]:
        by_rate.setdefault(run["rate"], []).append(math.inf if run["error"] is None else run["error"])
    return sorted((rate, statistics.mean(errors)) for rate, errors in by_rate.items())


def at(grid: Sequence[tuple[float, float]], rate: float) -> float:
    """The grid's error at a rate: a line over the logarithm between its neighbors; beyond the ends infinite."""
    for (low, left), (high, right) in itertools.pairwise(grid):
        if low <= rate <= high:
            fraction = math.log(rate / low) / math.log(high / low)
            ends = [error for error, weight in ((left, 1 - fraction), (right, fraction)) if weight > 1e-9]
            return (
                math.inf
                if math.inf in ends
                else left * (1 - fraction) + right * fraction
                if len(ends) == 2
                else ends[0]
            )
    return math.inf


def near(best: float) -> float:
    """The highest error that counts as near the best."""
    return best + max(MARGIN, MARGIN_SHARE * best)


def good_region(grid: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The lowest and the highest rate of the grid around its best one whose errors are near the best."""
    errors = [error for _, error in grid]
    low = high = errors.index(min(errors))
    while low > 0 and errors[low - 1] <= near(min(errors)):
        low -= 1
    while high < len(errors) - 1 and errors[high + 1] <= near(min(errors)):
        high += 1
    return grid[low][0], grid[high][0]


def run(cases: dict[str, Recipe], rates: Sequence[float], file: Path | None) -> dict[str, Any]:
    """Sweep and train all that is not in the file yet, and keep each as it ends."""
    results: dict[str, Any] = {"machine": describe_machine() | {"threads": "1"}, "rates": list(RATES), "cases": {}}
    if file is not None and file.exists():
        results = json.loads(file.read_text(encoding="utf-8"))

    def keep() -> None:
        if file is not None:
            write_atomic(file, json.dumps(results) + "\n")

    for name, recipe in cases.items():
        found = results["cases"].setdefault(name, {"sweeps": [], "grid": [], "advised": []})
        for seed in SWEEP_SEEDS[len(found["sweeps"]) :]:
            curve = find_rate(dataclasses.replace(recipe, seed=seed), data_of(name, recipe))
            found["sweeps"].append(_rounded(curve))
            keep()
    for name, recipe in cases.items():
        data, found = data_of(name, recipe), results["cases"][name]
        plan = [("grid", rate, seed) for rate in rates for seed in SEEDS]
        advised = curve_of(found["sweeps"][0])
        plan += [("advised", rate, seed) for rate in [advised.advised] if rate is not None for seed in SEEDS]
        found["advised"] = [r for r in found["advised"] if r["rate"] == RULES["advised"](advised)]
        for kind, rate, seed in plan:
            if any((r["rate"], r["seed"]) == (rate, seed) for r in found[kind]):
                continue
            error = error_of(recipe, data, rate, seed)
            print(f"{name}, {kind} rate {rate:.3g}, seed {seed}: error {error:.2f} %", flush=True)
            found[kind].append({"rate": rate, "seed": seed, "error": None if error == math.inf else round(error, 3)})
            keep()
    return results


def _rounded(curve: RateCurve) -> dict[str, Any]:
    """A curve with the digits that a rule can see."""
    rounded = {name: [float(f"{x:.6g}") for x in getattr(curve, name)] for name in ("rates", "losses", "smoothed")}
    return {**rounded, "diverged_at": curve.diverged_at, "divisor": curve.divisor}


def markdown(results: dict[str, Any]) -> str:
    """Draw the table: for each case the best of the grid, and what each rule's rate costs."""
    lines = [
        "# The rate that `find-rate` advises, beside a grid",
        "",
        "Error in %, mean of two seeds; excess over the grid's best, in percentage points, mean of three sweeps (worst "
        "in brackets) by interpolation in the grid. Bold: the rate of the first sweep, trained at.",
        "",
        "| case | best of the grid | near it | advised | error there | " + " | ".join(RULES) + " |",
        "|---|---|---|---|---|" + "---|" * len(RULES),
    ]
    totals: dict[str, list[bool]] = {name: [] for name in RULES}
    for name, found in results["cases"].items():
        grid = means(found)
        rate, best = min(grid, key=lambda pair: pair[1])
        low, high = good_region(grid)
        told = []
        for rule, advise in RULES.items():
            said = [advise(curve_of(sweep)) for sweep in found["sweeps"]]
            excess = [math.inf if r is None else at(grid, r) - best for r in said]
            totals[rule] += [e <= near(best) - best for e in excess]
            told.append(f"{_points(statistics.mean(excess))} ({_points(max(excess))})")
        advised = [run["error"] for run in found["advised"]]
        there = "-" if not advised or None in advised else f"**{statistics.mean(advised):.1f}**"
        rates = {f"{run['rate']:.2g}" for run in found["advised"]}
        lines.append(
            f"| {name} | {best:.1f} at {rate:g} | {low:g} to {high:g} | {', '.join(rates)} | {there} | "
            + " | ".join(told)
            + " |"
        )
    within = ", ".join(f"{rule} {sum(hits)}" for rule, hits in totals.items())
    lines += [
        "",
        f"Of {len(totals['advised'])} sweeps so many came within {MARGIN:g} point, or a tenth, of the best: {within}.",
        "",
        "## Measured on",
        "",
        *(f"- {name}: {fact}" for name, fact in results["machine"].items()),
    ]
    return "\n".join(lines) + "\n"


def _points(value: float) -> str:
    return "none" if value == math.inf else f"{value:.1f}"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one case, two rates, write nothing")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.quick:
        run({"mlp-diabetes": CASES["mlp-diabetes"]}, RATES[3:5], None)
        return 0
    results = run(CASES, RATES, RESULTS)
    print("\n" + markdown(results))
    RESULTS.with_suffix(".md").write_text(markdown(results), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
