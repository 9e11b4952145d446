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

# what is measured (the name of a metric), the least value (most, where lower is better), and what shows
# that the number means what it says
TARGETS = {
    "lenet5": ("accuracy", 0.96, "confusion matrix recounted with NumPy; 61,706 parameters by hand"),
    "lenet5-fashion": (
        "accuracy",
        0.905,
        "the data set's own table of baselines: two convolutions with pooling, 0.876 to 0.916",
    ),
    "lenet5-1998": ("accuracy", 0.96, "60,000 parameters and 340,908 connections as printed in 1998"),
    "mlp": ("accuracy", 0.94, "forward pass in NumPy; scikit-learn's MLPClassifier on the same split"),
    "mlp-fashion": ("accuracy", 0.89, "the data set's own table of baselines: MLP 256-128-100, 0.883"),
    "mlp-diabetes": ("R²", 0.45, "scikit-learn's r2_score; ridge-diabetes beside it"),
    "residual-mlp": ("accuracy", 0.93, "F[0, 0] = Id; mlp beside it"),
    "small-mlp": ("accuracy", 0.90, "forward pass in NumPy"),
    "distilled-mlp": ("accuracy", 0.91, "small-mlp: the same student without its teacher, lenet5"),
    "bottleneck-mlp": ("accuracy", 0.94, "forward pass in NumPy"),
    "bottleneck-features": (
        "accuracy",
        0.94,
        "every layer's features equal what a hook sees; the score of its source, bottleneck-mlp",
    ),
    "least-squares": ("accuracy", 0.80, "NumPy's lstsq and scikit-learn's LinearRegression"),
    "ridge": ("accuracy", 0.82, "scikit-learn's Ridge to 1e-6; shrinkage by the singular values"),
    "ridge-diabetes": ("R²", 0.45, "scikit-learn's Ridge to 1e-6"),
    "logistic": ("accuracy", 0.93, "scikit-learn's LogisticRegression at the same optimum"),
    "softmax": ("accuracy", 0.95, "scikit-learn's LogisticRegression at the same optimum"),
    "random-features": ("accuracy", 0.93, "scikit-learn's Ridge on the same features"),
    "neocognitron": ("accuracy", 0.95, "cells of the 1980 equations by hand; MNIST-5k with LeNet-5 beside it"),
    "alexnet-small": ("accuracy", 0.92, "parameter count by hand; torchvision's layers, weights copied"),
    "vgg-small": ("accuracy", 0.92, "parameter count by hand; torchvision's layers, weights copied"),
    "resnet20": ("accuracy", 0.93, "parameter count of He et al. 2016; torchvision's blocks, weights copied"),
    "plain20": ("accuracy", 0.92, "resnet20 beside it: the same layers with shortcuts"),
    "resnet56": ("accuracy", 0.93, "parameter count of He et al. 2016; torchvision's blocks, weights copied"),
    "plain56": ("accuracy", 0.85, "resnet56 beside it: the same layers with shortcuts"),
    "densenet40": ("accuracy", 0.93, "parameter count of Huang et al. 2017; torchvision's blocks, weights copied"),
    "perceptron": ("accuracy", 0.90, "mistakes within Novikoff's bound; scikit-learn's Perceptron, mistake by mistake"),
    "hopfield": ("exact recall", 1.0, "energy by hand falls at every update; a loop over single neurons"),
    "rbm": ("log-likelihood", -100.0, "independent units; exact log Z by enumeration on small machines"),
    "autoencoder": ("PSNR", 18.5, "principal components with as many numbers, by NumPy's SVD"),
    "denoising-autoencoder": ("PSNR of denoised examples", 16.0, "the damaged figures themselves"),
    "gan": ("modes covered", 1.0, "the mixture that the points were drawn from"),
    "dcgan": ("classes covered", 1.0, "LeNet-5 trained on real digits; training digits instead of generated ones"),
    "vowels": ("accuracy", 0.95, "forward pass in NumPy; logistic regression on the mean frame, 0.962"),
    "vowels-min-gru": ("accuracy", 0.95, "the sequential form in NumPy; vowels beside it, without order"),
    "vowels-min-lstm": ("accuracy", 0.95, "the sequential form in NumPy; vowels beside it, without order"),
    "vowels-lru": ("accuracy", 0.95, "the dense linear system in NumPy; vowels beside it, without order"),
    "fashion-rows-lru": ("accuracy", 0.85, "the dense linear system in NumPy; mlp-fashion beside it"),
    "fashion-pixels-lru": ("accuracy", 0.80, "the dense linear system in NumPy; mlp-fashion beside it"),
    "fashion-pixels-min-gru": ("accuracy", 0.80, "the sequential form in NumPy; mlp-fashion beside it"),
    "digit-count": (
        "accuracy",
        0.94,
        "the best that a bag of these words allows, 0.977; by the number of words, 0.845",
    ),
    "spelled-numbers": ("exact answers", 0.98, "numbers unseen in training; greedy decoding in a plain loop"),
    "genesis-lm": ("perplexity", 4.2, "a Witten-Bell 5-gram on the same split, 3.94; causality as a law"),
    "karate-gcn": ("accuracy", 0.9, "the dense form in NumPy; the nearer of the two leaders, 0.90"),
    "rings-gin": ("accuracy", 0.98, "networkx says which graphs are trees"),
    "furniture-pointnet": ("accuracy", 0.95, "10 nearest neighbors by radius and height, 0.815"),
    "ethanol-pairs": ("MAE of forces", 0.3, "finite differences; least squares over the same basis"),
}
LOWER_IS_BETTER = ("perplexity", "MAE of forces", "Frechet distance", "RMSE", "MAE")


def measure(name: str, folder: Path) -> dict[str, object]:
    """Train one recipe and return its row."""
    from dataclasses import replace

    import neurarium
    from neurarium.report.gallery import figures

    recipe = replace(neurarium.recipe(name), device="cpu")
    started = time.perf_counter()
    run = neurarium.train(recipe, out=folder / name)
    seconds = time.perf_counter() - started
    scores = json.loads((run.folder / "scores.json").read_text(encoding="utf-8"))
    metrics = {m["name"]: m["value"] for m in scores["metrics"]}
    gallery = ROOT.parent / "docs" / "pictures"
    gallery.mkdir(parents=True, exist_ok=True)
    of_net = (p.name for p in figures(run.folder) if p.alone and p.name != "augmented")
    for figure in ("curves", *of_net):
        shutil.copy(run.folder / f"{figure}.png", gallery / f"{name}-{figure}.png")
    return {
        "recipe": name,
        "data": recipe.data,
        "measure": TARGETS[name][0],
        "score": metrics[TARGETS[name][0]],
        "others": {} if "accuracy" in metrics else metrics,
        "examples": scores["examples"],
        "target": TARGETS[name][1],
        "oracle": TARGETS[name][2],
        "learning_seconds": run.history[-1]["seconds"],
        "seconds": seconds,
        "seed": recipe.seed,
        "hardware": describe_machine()["processor"],
        "date": time.strftime("%Y-%m-%d"),
    }


def reached(row: dict[str, object]) -> bool:
    """Whether a row's score is what was asked for."""
    if row["measure"] in LOWER_IS_BETTER:
        return row["score"] <= row["target"]
    return row["score"] >= row["target"]


def write_page(rows: dict[str, dict[str, object]]) -> None:
    """Write `RESULTS.md` from the rows."""
    lines = [
        "# Results",
        "",
        "Written by `make results`. Every score comes from the test split, looked at once, after the settings were",
        "chosen on validation data. Seconds: the whole run with figures and report; learning alone in brackets.",
        "",
        "| recipe | data | measure | score | target | examples | seconds | seed | oracle |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows.values():
        met = "reached" if reached(row) else "MISSED"
        wrong = ""
        if row["measure"] == "accuracy":
            wrong = f" ({round((1 - row['score']) * row['examples']):,} wrong)"
        lines.append(
            f"| {row['recipe']} | {row['data']} | {row['measure']} | {row['score']:.4g}{wrong} "
            f"| {row['target']:g} {met} | {row['examples']:,} "
            f"| {row['seconds']:.0f} ({row['learning_seconds']:.0f}) | {row['seed']} | {row['oracle']} |"
        )
    hardware = sorted({f"{row['hardware']} ({row['date']})" for row in rows.values()})
    more = [
        f"- {row['recipe']}: " + ", ".join(f"{name} {value:.4g}" for name, value in row["others"].items())
        for row in rows.values()
        if row.get("others")
    ]
    PAGE.write_text(
        "\n".join([*lines, "", "All measures of the nets that are no classifiers:", "", *more, "",
                   f"Hardware: {'; '.join(hardware)}.", ""]), encoding="utf-8",
    )  # fmt: skip


def main() -> None:
    """Measure the recipes named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", choices=[*TARGETS, []], help="which; none: all")
    names = parser.parse_args().recipes or list(TARGETS)
    met = True
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            row = measure(name, Path(folder))
            met = met and reached(row)
            # read again: other recipes may have been measured meanwhile
            rows = json.loads(ROWS.read_text(encoding="utf-8")) if ROWS.exists() else {}
            rows[name] = row
            ROWS.parent.mkdir(exist_ok=True)
            ROWS.write_text(json.dumps({n: rows[n] for n in TARGETS if n in rows}, indent=1) + "\n", encoding="utf-8")
            write_page({n: rows[n] for n in TARGETS if n in rows})
    sys.exit(not met)


if __name__ == "__main__":
    main()
