"""Logistic and softmax regression to the same optimum: neurarium beside scikit-learn's lbfgs.

    python benchmarks/regression.py            writes results/regression.json and .md
    python benchmarks/regression.py --quick    small tables, one round, writes nothing

Both make the same function small, mean cross-entropy + l2/2 |W|^2 without a penalty on the intercept (C = 1 / (N l2)),
in float64 from zero weights, until no entry of its gradient is larger than the tolerance, which is what `tol` means
there too. Value and gradient at both ends are measured by the same code. Rounds alternate between the two in one
process; scikit-learn has one thread or two, whichever is faster.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch.nn import functional as F

from machine import describe_machine, warn_if_busy
from neurarium.data import mnist_5k, scikit_tables
from neurarium.data.dataset import Dataset
from neurarium.learning.newton import logistic_regression, softmax_regression

RESULTS = Path(__file__).parent / "results"
TABLES: dict[str, Callable[[], Dataset]] = {
    "breast-cancer": scikit_tables.breast_cancer,
    "digits": scikit_tables.digits,
    "mnist-5k": mnist_5k.load,
}
SMALL = ("breast-cancer", "digits")


def table(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Scaled training examples in float64, a row each, and their classes."""
    train = TABLES[name]().train.cached()
    batch = train.gather(torch.arange(len(train)))
    return batch.x.flatten(1).double(), batch.labels


def objective(
    x: torch.Tensor, y: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, l2: float
) -> tuple[float, float]:
    """Value and largest entry of the gradient, by autograd."""
    w, b = weight.clone().requires_grad_(), bias.clone().requires_grad_()
    scores = x @ w.T + b
    value = F.cross_entropy(F.pad(scores, (1, 0)) if len(w) == 1 else scores, y) + l2 / 2 * w.square().sum()
    value.backward()  # type: ignore[no-untyped-call]
    return value.item(), max(w.grad.abs().max().item(), b.grad.abs().max().item())


def seconds_of(work: Callable[[], Any], least: float = 0.2) -> tuple[float, Any]:
    """Seconds of one call, a mean over as many as fill `least` seconds."""
    began, calls = time.perf_counter(), 0
    while True:
        result = work()
        calls += 1
        if (spent := time.perf_counter() - began) >= least:
            return spent / calls, result


def measure(name: str, C: float, tolerance: float, rounds: int) -> dict[str, Any]:
    """Compare the two on one table."""
    x, y = table(name)
    l2 = 1 / (C * len(x))
    array, labels = x.numpy(), y.numpy()
    fit = logistic_regression if int(y.max()) == 1 else softmax_regression

    def ours() -> Any:
        return fit(x, y, l2, tolerance, 5000)

    def theirs() -> Any:
        return LogisticRegression(C=C, tol=tolerance, max_iter=100_000).fit(array, labels)

    def alone() -> Any:
        with threadpool_limits(1):
            return theirs()

    ours(), theirs()
    # small fits are faster on one thread: the peer is given the better of the two
    peer_of = min((theirs, alone), key=lambda work: seconds_of(work)[0])
    pairs = [(seconds_of(ours), seconds_of(peer_of)) for _ in range(rounds)]
    (_, mine), (_, peer) = pairs[-1]
    own = objective(x, y, mine.weight, mine.intercept, l2)
    other = objective(x, y, torch.from_numpy(peer.coef_), torch.from_numpy(np.atleast_1d(peer.intercept_)), l2)
    return {
        "table": f"{name} ({len(x):,} x {x.shape[1]}, {int(y.max()) + 1} classes)",
        "C": C,
        "tolerance": tolerance,
        "ratio": median(b[0] / a[0] for a, b in pairs),
        "seconds": [a[0] for a, _ in pairs],
        "scikit_learn_seconds": [b[0] for _, b in pairs],
        "scikit_learn_threads": 1 if peer_of is alone else 2,
        "steps": mine.steps,
        "scikit_learn_steps": int(peer.n_iter_.max()),
        "gradient": own[1],
        "scikit_learn_gradient": other[1],
        "objective_minus_scikit_learns": own[0] - other[0],
    }


def markdown(results: dict[str, Any]) -> str:
    """Draw the table, ratio first."""
    lines = [
        "# Logistic and softmax regression to the same optimum",
        "",
        __doc__.split("\n\n")[2].replace("\n", " ").strip(),
        "",
        "| lbfgs / neurarium, time | table | C | tolerance | seconds | lbfgs | steps | lbfgs | gradient | lbfgs "
        "| objective less lbfgs's |",
        "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['ratio']:.2f} | {row['table']} | {row['C']:g} | {row['tolerance']:g} | {median(row['seconds']):.4f} "
        f"| {median(row['scikit_learn_seconds']):.4f} | {row['steps']} | {row['scikit_learn_steps']} "
        f"| {row['gradient']:.1e} | {row['scikit_learn_gradient']:.1e} | {row['objective_minus_scikit_learns']:+.1e} |"
        for row in results["rows"]
    ]
    return "\n".join([*lines, "", *(f"- {name}: {fact}" for name, fact in results["machine"].items())]) + "\n"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small tables, one round; writes nothing")
    quick = parser.parse_args().quick
    warn_if_busy()
    warnings.simplefilter("error")
    rows = [measure(name, C, tol, 1 if quick else 5) for name in SMALL for C in (0.01, 1.0) for tol in (1e-4, 1e-6)]
    if not quick:  # minutes a fit at the smaller tolerance, on either side
        rows += [measure("mnist-5k", C, 1e-4, 2) for C in (0.01, 1.0)]
    results = {"rows": rows, "machine": describe_machine() | {"threads": str(torch.get_num_threads())}}
    print(markdown(results))
    if not quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "regression.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "regression.md").write_text(markdown(results), encoding="utf-8")


if __name__ == "__main__":
    main()
