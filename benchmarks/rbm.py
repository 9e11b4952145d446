"""CD-1 epochs of a restricted Boltzmann machine beside scikit-learn's BernoulliRBM: 784-256, batches of 128.

    python benchmarks/rbm.py                  writes benchmarks/results/rbm.json and rbm.md
    python benchmarks/rbm.py --quick          few epochs, few rounds, short annealing, writes nothing

All sides learn from the 4,000 training digits of mnist-5k, gray values in [0, 1], in one process in turns (AB, BA,
...), with the same threads, rate, number of updates and plain gradient steps. scikit-learn runs in float32, in which it
is fastest, and in float64, in which NumPy users commonly call it; the target is set against the faster. It knows
persistent chains alone (k = 1, as many as a batch holds), so ours is timed with those as well. Our epochs are the
trainer's: shuffling, schedule, gradient norm, finite check, and the scores that it reports. Reconstruction errors are
taken with one formula from all sides' weights, on the validation split, by hidden probabilities and without draws.

Beside it: mean log-probability of test digits by annealed importance sampling, and what hidden units are worth as
features of a linear classifier with few labels.
"""

import argparse
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegressionCV
from sklearn.neural_network import BernoulliRBM
from threadpoolctl import threadpool_limits

from machine import describe_machine, measured_on, warn_if_busy
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.mnist_5k import load
from neurarium.data.plan import grouped, plan
from neurarium.data.table import Table
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.connectionist.annealed import base_rates, estimate_log_partition
from neurarium.nets.connectionist.rbm import RBM, RBMWeights
from neurarium.nets.connectionist.rbm_likelihood import log_likelihood
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.tasks.task import Context
from neurarium.training.recipe import Recipe
from neurarium.training.session import Session, build_session
from table import publish

HIDDEN, BATCH, RATE, TARGET = 256, 128, 0.05, 3.0
OURS = {"CD-1": RBMSpec(HIDDEN), "persistent CD-1": RBMSpec(HIDDEN, persistent=True, chains=BATCH)}
PEERS = {"scikit-learn, float32": np.float32, "scikit-learn, float64": np.float64}
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few epochs and rounds, write nothing")
    parser.add_argument("--threads", type=int, default=2, help="threads of all sides")
    parser.add_argument("--repeats", type=int, default=9, help="rounds measured, after one to warm up")
    parser.add_argument("--epochs", type=int, default=10, help="epochs of a round")
    given = parser.parse_args()
    if given.quick:
        given.repeats, given.epochs = 2, 2
    warn_if_busy()
    torch.set_num_threads(given.threads)
    data = load()
    results: dict[str, Any] = {"machine": describe_machine(), "threads": given.threads, "epochs": given.epochs}
    with threadpool_limits(given.threads, user_api="blas"):
        results["speed"] = speed(data, given)
        results["model"] = model(data, given)
        results["features"] = features(data, given)
    publish("rbm", results, markdown(results), None if given.quick else RESULTS)
    return 0


def pixels(examples: Examples) -> np.ndarray:
    """Gray values in [0, 1], a row an image, float32."""
    return torch.cat(list(examples.pieces("image"))).flatten(1).float().div(255).numpy()


def session(data: Dataset, spec: RBMSpec, epochs: int, threads: int, **settings: Any) -> Session:
    """Our side."""
    settings = {"optimizer": Optimizer("sgd", lr=RATE), "batch_size": BATCH, "seed": 0} | settings
    return build_session(Recipe(net=spec, epochs=epochs, threads=threads, device="cpu", **settings), data)


def our_epochs(found: Session, epochs: int) -> float:
    """Seconds an epoch of the trainer's steps; the measurement of the validation split is no part of an epoch."""
    step, recipe = 0, found.recipe
    began = time.perf_counter()
    for epoch in range(1, epochs + 1):
        order = plan(len(found.dataset.train), recipe.batch_size, seed=recipe.seed, epoch=epoch)
        for parts in grouped(found.dataset.train, order):
            found.rule.step(parts, Context(recipe.seed, epoch, step, training=True))
            step += 1
    return (time.perf_counter() - began) / epochs


def weights_of(net: Any) -> RBMWeights:
    return RBMWeights(*(part.detach() for part in net.weights))


def error_of(w: RBMWeights, v: np.ndarray) -> float:
    """Mean squared error of the reconstruction from hidden probabilities, in NumPy."""
    W, b, c = (part.numpy() for part in w)
    h = 1 / (1 + np.exp(-(v @ W.T + c)))
    return float(((1 / (1 + np.exp(-(h @ W + b))) - v) ** 2).mean())


def speed(data: Dataset, given: argparse.Namespace) -> dict[str, Any]:
    """Seconds an epoch of all sides in turns, and the reconstruction error after the same epochs."""
    train, held_out = pixels(data.train), pixels(data.validation)
    seconds: dict[str, list[float]] = {name: [] for name in (*OURS, *PEERS)}
    errors: dict[str, float] = {}
    order = list(seconds)
    for round_ in range(given.repeats + 1):
        for name in order:
            if name in PEERS:
                inputs = train.astype(PEERS[name])
                peer = BernoulliRBM(HIDDEN, batch_size=BATCH, n_iter=given.epochs, learning_rate=RATE, random_state=0)
                began = time.perf_counter()
                peer.fit(inputs)
                spent = (time.perf_counter() - began) / given.epochs
                parts = (peer.components_, peer.intercept_visible_, peer.intercept_hidden_)
                w = RBMWeights(*(torch.as_tensor(part.astype(np.float32, order="C")) for part in parts))
            else:
                found = session(data, OURS[name], given.epochs, given.threads)
                spent, w = our_epochs(found, given.epochs), weights_of(found.net)
            errors[name] = error_of(w, held_out)
            if round_ > 0:
                seconds[name].append(spent)
        order.reverse()
    return {"seconds": seconds, "errors": errors}


def model(data: Dataset, given: argparse.Namespace) -> dict[str, Any]:
    """Mean log-probability of binary test digits under machines trained on binary digits."""
    binary = {name: torch.from_numpy(pixels(getattr(data, name))).gt(0.5).float() for name in ("train", "test")}
    digits = data_of_binary(data)
    chains, steps, epochs = (20, 200, 2) if given.quick else (100, 20_000, 100)
    rows = {}
    for name, spec in OURS.items():
        found = session(
            digits, spec, epochs, given.threads,
            optimizer=Optimizer("momentum", lr=0.01), schedule=Schedule("cosine"), batch_size=64,
        )  # fmt: skip
        for _ in found.events():
            pass
        w = weights_of(found.net)
        z = estimate_log_partition(
            w, base=base_rates(binary["train"]), chains=chains, steps=steps, generator=torch.Generator().manual_seed(0)
        )
        scores = {part: float(log_likelihood(w, v, z.value).mean()) for part, v in binary.items()}
        rows[name] = {"epochs": epochs, "log_z": z.value, "low": z.low, "high": z.high, **scores}
        rows[name] |= {"effective_chains": z.effective_chains, "chains": chains, "steps": steps}
    v = binary["test"]
    independent = base_rates(binary["train"])
    rows["no hidden units"] = {
        "test": float((v @ independent - torch.nn.functional.softplus(independent).sum()).mean())
    }
    return rows


def data_of_binary(data: Dataset) -> Dataset:
    """The digits as 0 and 255."""

    def cut(examples: Examples) -> Table:
        assert isinstance(examples, Table)
        return replace(examples, inputs=((examples.inputs[0] > 127).to(torch.uint8) * 255,))

    return replace(data, train=cut(data.train), validation=cut(data.validation), test=cut(data.test))


def features(data: Dataset, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Accuracy of a linear classifier on pixels and on hidden probabilities, with few labels, drawn several times."""
    epochs, draws = (2, 2) if given.quick else (30, 10)
    found = session(data, RBMSpec(HIDDEN), epochs, given.threads, optimizer=Optimizer("momentum", lr=0.02))
    for _ in found.events():
        pass
    assert isinstance(found.net, RBM)
    inputs = {"pixels": (pixels(data.train), pixels(data.test))}
    with torch.no_grad():
        train, test = (found.net(part.gather(torch.arange(len(part))).x).numpy() for part in (data.train, data.test))
    inputs["hidden units"] = (train, test)
    labels, truth = data.train.target("label").numpy(), data.test.target("label").numpy()
    rows = []
    for a_class in (2, 5, 10, 30):
        scores: dict[str, list[float]] = {name: [] for name in inputs}
        for draw in range(draws):
            generator = np.random.default_rng(draw)
            chosen = np.concatenate(
                [generator.choice(np.flatnonzero(labels == k), a_class, replace=False) for k in range(10)]
            )
            for name, (x, t) in inputs.items():
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    # each side's own best regularization, chosen among the same constants by cross-validation
                    linear = LogisticRegressionCV(
                        Cs=np.logspace(-3, 2, 6), cv=min(a_class, 5), max_iter=300, scoring="neg_log_loss"
                    ).fit(x[chosen], labels[chosen])
                scores[name].append(float((linear.predict(t) == truth).mean()))
        means = {name: float(np.mean(values)) for name, values in scores.items()}
        gains = np.array(scores["hidden units"]) - np.array(scores["pixels"])
        error = float(gains.std(ddof=1) / np.sqrt(draws))
        rows.append({"labels": 10 * a_class, **means, "gain": float(gains.mean()), "error": error, "draws": draws})
    return rows


def markdown(results: dict[str, Any]) -> str:
    """Draw the tables, ratios first."""
    found = results["speed"]
    fastest = min(PEERS, key=lambda name: median(found["seconds"][name]))
    peer = median(found["seconds"][fastest])
    lines = [
        "# Restricted Boltzmann machine beside scikit-learn",
        "",
        f"784-{HIDDEN}, batches of {BATCH}, 4,000 digits, rate {RATE:g}, plain gradient, {results['epochs']} epochs, "
        f"{results['threads']} thread(s), medians of rounds in turns. Target: CD-1 at least "
        f"{TARGET:g} times as fast as the faster scikit-learn, at no larger reconstruction error.",
        "",
        "| times as fast | side | seconds an epoch | middle half | reconstruction error (validation) |",
        "|---:|---|---:|---|---:|",
    ]
    for name, seconds in found["seconds"].items():
        ordered = sorted(seconds)
        half = f"{ordered[len(ordered) // 4]:.4f} to {ordered[-1 - len(ordered) // 4]:.4f}"
        lines.append(
            f"| {peer / median(seconds):.2f} | {name} | {median(seconds):.4f} | {half} | {found['errors'][name]:.4f} |"
        )
    met = peer / median(found["seconds"]["CD-1"]) >= TARGET and found["errors"]["CD-1"] <= found["errors"][fastest]
    lines += ["", f"Target **{'met' if met else 'MISSED'}**.", "", "## Log-probability of binary test digits", ""]
    lines += [
        "| nats a digit | rule | epochs | log Z | three standard errors | effective chains |",
        "|---:|---|---:|---:|---|---:|",
    ]
    for name, row in results["model"].items():
        if "log_z" not in row:
            lines.append(f"| {row['test']:.1f} | {name} | | | | |")
            continue
        lines.append(
            f"| {row['test']:.1f} | {name} | {row['epochs']} | {row['log_z']:.2f} "
            f"| {row['low']:.2f} to {row['high']:.2f} | {row['effective_chains']:.0f} of {row['chains']} |"
        )
    lines += ["", "## Features for a linear classifier", ""]
    lines += ["| gain in accuracy | labels | hidden units | pixels |", "|---:|---:|---:|---:|"]
    for row in results["features"]:
        gain = f"{row['gain']:+.3f} ± {row['error']:.3f}"
        lines.append(f"| {gain} | {row['labels']} | {row['hidden units']:.3f} | {row['pixels']:.3f} |")
    lines += ["", f"Test split; mean over {results['features'][0]['draws']} draws of the labels, ± the standard error."]
    return "\n".join([*lines, "", measured_on(results["machine"])]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
