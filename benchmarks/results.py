"""Train every recipe from its fixed seed and write `RESULTS.md`: score, target, oracle, time, seed, hardware.

    python benchmarks/results.py                 every recipe
    python benchmarks/results.py lenet5 mlp      these; the other rows stay as they are

Each recipe is trained once and its test split is looked at once, by the run itself. Rows are kept as JSON in
`benchmarks/results/`, curves in `docs/pictures/`.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from machine import describe_machine

ROOT = Path(__file__).parent
ROWS, PAGE = ROOT / "results" / "recipes.json", ROOT.parent / "RESULTS.md"

# least accuracy on the test split, and what shows that the number means what it says
TARGETS = {
    "lenet5": (0.96, "confusion matrix recounted with NumPy; 61,706 parameters by hand"),
    "lenet5-fashion": (0.905, "the data set's own table of baselines: two convolutions with pooling, 0.876 to 0.916"),
    "lenet5-1998": (0.96, "60,000 parameters and 340,908 connections as printed in 1998"),
    "mlp": (0.94, "forward pass in NumPy; scikit-learn's MLPClassifier on the same split"),
    "small-mlp": (0.90, "forward pass in NumPy"),
    "distilled-mlp": (0.91, "small-mlp: the same student without its teacher, lenet5"),
    "bottleneck-mlp": (0.94, "forward pass in NumPy"),
    "bottleneck-features": (
        0.94,
        "every layer's features equal what a hook sees; the score of its source, bottleneck-mlp",
    ),
    "least-squares": (0.80, "NumPy's lstsq and scikit-learn's LinearRegression"),
    "ridge": (0.82, "scikit-learn's Ridge to 1e-6; shrinkage by the singular values"),
    "logistic": (0.93, "scikit-learn's LogisticRegression at the same optimum"),
    "softmax": (0.95, "scikit-learn's LogisticRegression at the same optimum"),
    "random-features": (0.93, "scikit-learn's Ridge on the same features"),
    "neocognitron": (0.95, "cells of the 1980 equations by hand; MNIST-5k with LeNet-5 beside it"),
    "mlp-fashion": (0.89, "the data set's own table of baselines: MLP 256-128-100, 0.883"),
}


def measure(name: str, folder: Path) -> dict[str, object]:
    """Train one recipe and return its row."""
    from dataclasses import replace

    import neurarium

    recipe = replace(neurarium.recipe(name), device="cpu")
    started = time.perf_counter()
    run = neurarium.train(recipe, out=folder / name)
    seconds = time.perf_counter() - started
    scores = json.loads((run.folder / "scores.json").read_text(encoding="utf-8"))
    pictures = ROOT.parent / "docs" / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    shutil.copy(run.folder / "curves.png", pictures / f"{name}-curves.png")
    return {
        "recipe": name,
        "data": recipe.data,
        "accuracy": scores["accuracy"],
        "examples": scores["examples"],
        "target": TARGETS[name][0],
        "oracle": TARGETS[name][1],
        "learning_seconds": run.history[-1]["seconds"],
        "seconds": seconds,
        "seed": recipe.seed,
        "hardware": describe_machine()["processor"],
        "date": time.strftime("%Y-%m-%d"),
    }


def write_page(rows: dict[str, dict[str, object]]) -> None:
    """Write `RESULTS.md` from the rows."""
    lines = [
        "# Results",
        "",
        "Written by `make results`. Every score comes from the test split, looked at once, after the settings were",
        "chosen on development data. Seconds: the whole run with pictures and report; learning alone in brackets.",
        "",
        "| recipe | data | test accuracy | target | wrong | seconds | seed | oracle |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows.values():
        met = "reached" if row["accuracy"] >= row["target"] else "MISSED"
        wrong = round((1 - row["accuracy"]) * row["examples"])
        lines.append(
            f"| {row['recipe']} | {row['data']} | {row['accuracy']:.4f} | {row['target']} {met} "
            f"| {wrong:,} of {row['examples']:,} "
            f"| {row['seconds']:.0f} ({row['learning_seconds']:.0f}) | {row['seed']} | {row['oracle']} |"
        )
    hardware = sorted({f"{row['hardware']} ({row['date']})" for row in rows.values()})
    PAGE.write_text("\n".join([*lines, "", f"Hardware: {'; '.join(hardware)}.", ""]), encoding="utf-8")


def main() -> None:
    """Measure the recipes named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", choices=[*TARGETS, []], help="which; none: all")
    names = parser.parse_args().recipes or list(TARGETS)
    rows = json.loads(ROWS.read_text(encoding="utf-8")) if ROWS.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            rows[name] = measure(name, Path(folder))
            ROWS.parent.mkdir(exist_ok=True)
            ROWS.write_text(json.dumps({n: rows[n] for n in TARGETS if n in rows}, indent=1) + "\n", encoding="utf-8")
            write_page({n: rows[n] for n in TARGETS if n in rows})
    sys.exit(any(rows[name]["accuracy"] < rows[name]["target"] for name in names))


if __name__ == "__main__":
    main()
