"""Write `docs/feedforward.md`: each number and each image of the page is computed here.

    python docs/pages/feedforward.py            the whole page, a few minutes on two cores
    python docs/pages/feedforward.py --quick    smaller nets and fewer epochs: does everything run? Writes nothing.

Scores of recipes are taken from `benchmarks/results/`, which `make results` writes.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from approximation import approximation
from page import Page
from regressions import logistic_regression, softmax_regression
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from torch import Tensor
from torch.nn import functional as F

import neurarium
from neurarium.data import scikit_tables
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.learning.least_squares import Solution, degrees_of_freedom, least_squares, shrinkage
from neurarium.learning.normal_equations import NormalEquations
from neurarium.learning.optimizers import Optimizer, ParameterGroup
from neurarium.nets.feedforward.mlp import MLP
from neurarium.nets.feedforward.random_features import (
    RandomFeatureModel,
    arc_cosine_kernel,
    draw_features,
    gaussian_kernel,
    random_features,
)
from neurarium.nets.feedforward.regression import LinearModel, LogisticModel
from neurarium.nets.feedforward.residual_mlp import ResidualMLP, as_plain
from neurarium.nets.feedforward.residual_spec import ResidualMLPSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.parts.activation import ACTIVATIONS
from neurarium.nets.parts.features import truncate
from neurarium.nets.parts.residual import residual
from neurarium.nets.spec import NetSpec
from neurarium.record.events import EpochEnded
from neurarium.report import plotting
from neurarium.report.activations import activations_figure
from neurarium.symmetry.permutation import hidden_unit_deviation
from neurarium.training.recipe import Recipe
from neurarium.training.session import build_session
from results import RESULTS, score_table

DOCS = Path(__file__).parent.parent
CLOSE = 1e-6  # distance, as a fraction of the optimum's length, that counts as arrived
SCALES = {"relu": 0.3, "fourier": 0.8}
PENALTIES = (1e-3, 1e-4, 1e-5)


@dataclass(frozen=True, eq=False)
class Problem:
    """A regression with its closed form and what a descent on it needs.

    Attributes:
        name: of the method and its data.
        x, y: inputs in float64, and targets (numbers, or class numbers).
        l2: penalty.
        loss: of scores and targets, a mean over the examples.
        net: affine layer to descend with.
        optimum: closed form.
        curvature: largest second derivative of the loss with respect to a score.
        peer: coefficients and intercept by scikit-learn.
    """

    name: str
    x: Tensor
    y: Tensor
    l2: float
    loss: Callable[[Tensor, Tensor], Tensor]
    net: LinearModel | LogisticModel
    optimum: Solution
    curvature: float
    peer: tuple[np.ndarray, np.ndarray]

    def loss(self, weight: Tensor, bias: Tensor) -> Tensor:
        """Loss and penalty."""
        scores = self.net.outputs(self.x @ weight.T + bias)
        return self.loss(scores, self.y) + self.l2 / 2 * weight.square().sum()


def problems() -> list[Problem]:
    """The four methods of the chapter, each on a table that it suits."""
    number, bit, digit = (
        rows(loader().train) for loader in (scikit_tables.diabetes, scikit_tables.breast_cancer, scikit_tables.digits)
    )
    (x, y), (xb, yb), (xd, yd) = number, bit, digit
    code, nb, nd = F.one_hot(yd).double(), len(xb), len(xd)
    ordinary = LinearRegression().fit(x.numpy(), y.numpy())
    ridge = Ridge(alpha=1e-2 * nd).fit(xd.numpy(), code.numpy())
    strict = {"tol": 1e-12, "max_iter": 1000, "solver": "newton-cg"}
    logistic = LogisticRegression(C=1 / (1e-2 * nb), **strict).fit(xb.numpy(), yb.numpy())
    softmax = LogisticRegression(C=1 / (1e-2 * nd), **strict).fit(xd.numpy(), yd.numpy())
    return [
        Problem("least squares, diabetes", x, y.double(), 0.0, _half_square, LinearModel(10, 1),
                least_squares(x, y), 1.0, (ordinary.coef_, ordinary.intercept_)),
        Problem("ridge, digits", xd, code, 1e-2, _half_square, LinearModel(64, 10),
                least_squares(xd, code, 1e-2), 1.0, (ridge.coef_, ridge.intercept_)),
        Problem("logistic, breast cancer", xb, yb, 1e-2, F.cross_entropy, LogisticModel(30, 2),
                logistic_regression(xb, yb, 1e-2), 0.25, (logistic.coef_, logistic.intercept_)),
        Problem("softmax, digits", xd, yd, 1e-2, F.cross_entropy, LinearModel(64, 10),
                softmax_regression(xd, yd, 1e-2, 1000), 0.5, (softmax.coef_, softmax.intercept_)),
    ]  # fmt: skip


def regression(page: Page, epochs: int) -> None:
    """Closed form, gradient and scikit-learn: one optimum."""
    page.heading("Regression models")
    page.say(
        """Least squares, ridge, logistic and softmax regression make f(W, b) = 1/N sum_n L(W x_n + b, y_n) + l2/2 |W|^2
        small, without a penalty on b. For L = |a - y|^2 / 2 the gradient is X (X^T w - y), with the notes' X of
        features x examples; they print X^T X w - X^T y, whose sizes do not fit (errata E33). So w* = (X X^T + N l2
        I)^-1 X y. For the cross-entropy there is no formula, but the function is convex: quasi-Newton steps end at its
        minimum. `neurarium train least-squares|ridge|logistic|softmax` goes there. Gradient descent comes to the same
        place: its distance to that optimum, as a fraction of the optimum's length, for full-batch steps from zero with
        the rate 1 over a bound on the curvature:"""
    )
    figure = plotting.new_figure(7.6, 3.9)
    axes = figure.subplots()
    table, peers = [], []
    for problem, color in zip(problems(), plotting.COLORS, strict=False):
        bound, lowest = _curvatures(problem)
        ratio = math.sqrt(lowest / bound)
        plain = _descend(problem, epochs, 1 / bound, 0.0)
        fast = _descend(problem, epochs, 1 / bound, (1 - ratio) / (1 + ratio))
        axes.plot(range(epochs + 1), fast, color=color, label=problem.name)
        axes.plot(range(epochs + 1), plain, color=color, linestyle=":", linewidth=1.2)
        table.append(
            (problem.name, f"{bound / lowest:,.0f}", _arrival(plain), _arrival(fast), f"{plain[-1]:.1e}",
             f"{fast[-1]:.1e}")
        )  # fmt: skip
        peers.append(_parity(problem))
    plotting.style_axes(axes, "", "epoch (one step each)", "distance to the closed form")
    axes.set_yscale("log")
    axes.set_ylim(1e-13, 3)
    axes.set_xlim(0, epochs)
    plotting.legend_above(axes, 4)
    page.picture("descent", "distance to the optimum over epochs for four regressions", figure)
    page.say(
        f"""Solid: with Nesterov's momentum; dotted: plain. Condition: that bound over the smallest curvature at the
        optimum; near it plain descent needs that many epochs to shrink the distance by e, Nesterov's about the root of
        it. Arrived means a distance below {CLOSE:g}."""
    )
    page.table(
        (
            "problem",
            "condition",
            "arrived, plain",
            "arrived, Nesterov",
            "plain at the end",
            "Nesterov at the end",
        ),
        table,
    )
    page.say(
        """The same optimum by scikit-learn (alpha = N l2, C = 1/(N l2)), as the largest difference of a weight or
        intercept over the largest of them:"""
    )
    page.table(("problem", "scikit-learn", "largest difference"), peers)


def ridge_shrinkage(page: Page) -> None:
    """Measured and predicted factors, component by component."""
    page.heading("Ridge regression shrinks the spectrum")
    x, y = rows(scikit_tables.breast_cancer().train)
    _, s, vt = torch.linalg.svd(x - x.mean(0), full_matrices=False)
    free = least_squares(x, y).weight[0] @ vt.T
    figure = plotting.new_figure(7.6, 3.7)
    axes = figure.subplots()
    line, table = torch.logspace(-0.7, 2.1, 300, dtype=torch.float64), []
    for l2, color in zip((1e-4, 1e-2, 1.0), plotting.COLORS, strict=False):
        kept = (least_squares(x, y, l2).weight[0] @ vt.T) / free
        ridge = l2 * len(x)
        axes.plot(line, shrinkage(line, ridge), color=color, linewidth=1.2)
        axes.plot(s, kept, "o", color=color, markersize=4, label=f"l2 = {l2:g}")
        gap = float((kept - shrinkage(s, ridge)).abs().max())
        table.append((f"{l2:g}", f"{kept.min():.2g}", f"{kept.max():.4f}", f"{gap:.1e}",
                      f"{degrees_of_freedom(s, ridge):.2f}"))  # fmt: skip
    plotting.style_axes(axes, "", "singular value of the centered inputs", "fraction of the least-squares weight")
    axes.set_xscale("log")
    axes.legend(frameon=False, fontsize=9, labelcolor=plotting.INK)
    page.say(
        """With the centered inputs U S V^T, ridge regression keeps the fraction s_k^2 / (s_k^2 + N l2) of the
        least-squares weight along v_k: much where the data vary, little where they hardly do. Dots: ratio of the two
        solutions, direction by direction, for the 30 measurements of the tumours; lines: the formula."""
    )
    page.picture("shrinkage", "fraction kept of each component against its singular value", figure)
    page.table(
        ("l2", "smallest fraction", "largest fraction", "dots less formula, at most", "degrees of freedom of 30"), table
    )


def random_feature_models(page: Page, data: Dataset, widths: tuple[int, ...], draws: int, many: int) -> None:
    """Error against width, the kernel at the end of it, and bounded memory."""
    page.heading("Random features")
    page.say(
        """If the inner layer of f(x) = sum_j a_j sigma(b_j . x + c_j) stays as it was drawn, the outer one is least
        squares: a random-feature model. As the width grows, the features' inner products approach a kernel (the
        arc-cosine kernel for ReLU, the Gaussian one for cosines), and the model approaches ridge regression with it,
        the dotted lines. MNIST-5k; the validation digits choose the penalty, bars span the draws:"""
    )
    figure = plotting.new_figure(7.6, 3.8)
    axes = figure.subplots()
    best = {}
    for kind, color in zip(SCALES, plotting.COLORS, strict=False):
        found = torch.tensor([[_feature_error(data, kind, m, seed) for seed in range(draws)] for m in widths]) * 100
        middle = found.mean(1)
        reach = torch.stack([middle - found.min(1).values, found.max(1).values - middle])
        axes.errorbar(widths, middle, yerr=reach.numpy(), color=color, marker="o", markersize=4, capsize=3, label=kind)
        limit = 100 * _kernel_error(data, kind)
        axes.axhline(limit, color=color, linestyle=":", linewidth=1.2)
        best[kind] = (float(middle[0]), float(middle[-1]), limit)
    plotting.style_axes(axes, "", "random features", "test error, %")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(widths, [f"{m:,}" for m in widths])
    axes.minorticks_off()
    ticks = (4, 6, 10, 15, 25, 40)
    axes.set_yticks(ticks, map(str, ticks))
    axes.legend(frameon=False, fontsize=9, labelcolor=plotting.INK)
    page.picture("random-features", "test error of random-feature models against their width", figure)
    page.table(
        ("features", f"error at {widths[0]}, %", f"error at {widths[-1]:,}, %", "error of the kernel, %"),
        [(kind, *(f"{value:.1f}" for value in values)) for kind, values in best.items()],
    )
    with get_context("spawn").Pool(1) as pool:
        examples, added, error = pool.apply(fit_many, (many, widths[-1] // 2, torch.get_num_threads()))
    sums = 8 * (widths[-1] // 2) ** 2 / 2**20
    page.say(
        f"""The fit keeps sums over blocks, features^2 numbers however many examples there are. Each digit shifted by up
        to {many} pixels makes {examples:,} examples; {widths[-1] // 2:,} ReLU features of them would fill
        {examples * (widths[-1] // 2) * 4 / 2**20:,.0f} MiB, the sums take {sums:,.0f}. The fit, block and
        factors included, raised its process's peak memory by {added:,.0f} MiB. Test error {100 * error:.1f} %."""
    )
    if (RESULTS / "random_features.md").exists():
        page.say("Time beside scikit-learn: [random_features](../benchmarks/results/random_features.md).")


def fit_many(reach: int, width: int, threads: int) -> tuple[int, float, float]:
    """Fit shifted digits in a process of its own: examples, MiB by which the peak of memory rose, test error."""
    torch.set_num_threads(threads)
    data = neurarium.load_data("mnist-5k")
    batch, code = data.train.gather(torch.arange(len(data.train))), torch.eye(10)
    torch.manual_seed(0)
    weight, bias = draw_features(784, width, "relu", SCALES["relu"] * 28)
    dark, before = batch.x.min(), _peak()
    sums = NormalEquations(width, 10)
    framed = F.pad(batch.x, [reach] * 4, value=float(dark))
    for down in range(2 * reach + 1):
        for right in range(2 * reach + 1):
            moved = framed[:, :, down : down + 28, right : right + 28].flatten(1)
            for x, y in zip(moved.split(1000), batch.labels.split(1000), strict=True):
                sums.add(random_features(x, weight, bias), code[y])
    fit = sums.solve(1e-4)
    added = _peak() - before
    test = data.test.gather(torch.arange(len(data.test)))
    answers = fit.predict(random_features(test.x.flatten(1), weight, bias)).argmax(1)
    return sums.count, added, float((answers != test.labels).double().mean())


def _peak() -> float:
    """Largest memory of this process so far, in MiB; Linux alone.

    Not by `resource.getrusage`, which counts what the process was before it became this program.
    """
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


def multilayer(page: Page) -> None:
    """The law of hidden units, and scores."""
    page.heading("Multilayer perceptron")
    page.say(
        """a_l = phi(W_l a_(l-1) + b_l) for the hidden layers l = 1 .. L-1, and an affine last layer: one text puts phi
        on it too, another does not (errata E8). Test scores of the recipes, from `RESULTS.md`:"""
    )
    score_table(page, "mlp", "mlp-fashion", "mlp-diabetes", "residual-mlp")
    torch.manual_seed(0)
    net, x = MLP((20, 50, 50, 5), activation="tanh"), torch.randn(100, 20)
    single, double = hidden_unit_deviation(net, x), hidden_unit_deviation(net.double(), x.double())
    layer, inputs = torch.randn(2, 20).double(), x.double()
    mix = torch.tensor([[2.0, -1.0], [-1.0, 2.0]]).double()
    answer = torch.tanh(inputs @ layer.T)
    mixed = torch.tanh(inputs @ layer.T @ mix.T) @ torch.linalg.inv(mix).T
    page.say(
        f"""Renaming the hidden units leaves the function unchanged, phi(W x + b) = P^-1 phi(P W x + P b): the largest
        relative change of an output of a 20-50-50-5 net is {single:.1e} in float32 and {double:.1e} in float64. The
        notes ask of P that its rows and columns sum to 1. That is not enough, its entries have to be 0 or 1 (errata
        E34): with P = [[2, -1], [-1, 2]] two tanh units answer otherwise, by up to
        {float((mixed - answer).abs().max()):.2f}."""
    )


def activations(page: Page) -> None:
    """All of them side by side."""
    page.heading("Activations")
    page.picture("activations", "every activation function and its derivative", activations_figure())
    grid = torch.linspace(-8, 8, 1600, dtype=torch.float64)  # without 0, where some have a kink
    table = []
    for entry in ACTIVATIONS.values():
        x = grid.clone().requires_grad_()
        (slope,) = torch.autograd.grad(entry.module().double()(x).sum(), x, allow_unused=True)
        formula = entry.derivative(grid)
        gap = float((formula - (torch.zeros_like(grid) if slope is None else slope)).abs().max())
        zero = torch.zeros(1, dtype=torch.float64)
        ends = ", ".join("none" if end is None else f"{end:g}" for end in entry.saturates)
        table.append(
            (entry.name, f"{entry.function(zero).item():g}", f"{entry.derivative(zero).item():g}",
             f"{formula.min():.3f} to {formula.max():.3f}", ends, "yes" if entry.monotone else "no", f"{gap:.0e}")
        )  # fmt: skip
    page.say(
        """Values and derivatives; limits are those for x to minus and plus infinity, and towards a limit the derivative
        and with it the error signal vanishes. The last column: derivative by formula less derivative by autograd on
        1,600 points. A parametric ReLU is max(0, x) + a min(0, x); the printed max(a x, x) is that for a <= 1 alone
        (errata E10), and for a < 0 it is not monotone. sign(0) and step(0) are 1 (errata E25)."""
    )
    page.table(("activation", "f(0)", "f'(0)", "range of f'", "limits", "monotone", "formula less autograd"), table)


def residual_layers(page: Page, data: Dataset, depth: int, epochs: int) -> None:
    """The identity at zero weights, and a hundred layers that learn."""
    page.heading("Residual layers")
    torch.manual_seed(0)
    x, nothing = torch.randn(64, 16), torch.zeros(16)
    same = [torch.equal(residual(x, [torch.zeros(16, 16)], [nothing], e.function), x) for e in ACTIVATIONS.values()]
    net = ResidualMLP((16, 8, 8, 8, 4))
    plain = as_plain(net)
    inner = "-".join(str(layer.out_features) for layer in plain.modules() if isinstance(layer, torch.nn.Linear))
    gap = float((net(x) - plain(x)).detach().abs().max() / net(x).detach().abs().max())
    page.say(
        f"""`F[W, b](x) = x + (phi(W x + b) - phi(0))` is the identity for W = 0, b = 0: to the last bit, for
        {sum(same)} of the {len(same)} activations. A plain net of rectifiers can compute what a residual one does, but
        needs a wider layer for it: 16-8-8-8-4 becomes 16-{inner}, which answers the same up to {gap:.0e} (errata
        E12)."""
    )
    rates = (3e-3, 1e-3, 3e-4)
    figure = plotting.new_figure(9, 3.7)
    grid = figure.subplots(1, 2)
    table, best = [], dict[str, float]()
    nets: dict[str, NetSpec] = {
        "plain": MLPSpec(hidden=(64,) * depth),
        "residual": ResidualMLPSpec(width=64, depth=depth),
    }
    for (name, spec), color in zip(nets.items(), (plotting.VERMILION, plotting.BLUE), strict=True):
        for rate, style in zip(rates, ("-", "--", ":"), strict=True):
            optimizer = Optimizer("adam", lr=rate)
            recipe = Recipe(name=name, net=spec, optimizer=optimizer, epochs=epochs, device="cpu", clip_norm=1.0)
            ended = list(_learn(recipe, data))
            for axes, values in zip(grid, _curves(ended), strict=True):
                axes.plot(
                    [e.epoch for e in ended], values, color=color, linestyle=style, label=f"{name}, rate {rate:g}"
                )
            loss, error = (values[-1] for values in _curves(ended))
            table.append((name, f"{rate:g}", f"{loss:.3f}", f"{error:.1f}"))
            best[name] = min(best.get(name, 100.0), error)
    plotting.style_axes(grid[0], "", "epoch", "loss of the training digits")
    plotting.style_axes(grid[1], "", "epoch", "error of the validation digits, %")
    for axes in grid:
        plotting.epochs_axis(axes, epochs)
        axes.set_ylim(bottom=0)
    grid[0].legend(frameon=False, fontsize=8, labelcolor=plotting.INK, loc="center", bbox_to_anchor=(0.62, 0.33))
    page.say(
        f"""The notes: residual layers allow depths that plain ones do not. {depth} layers of 64 units on MNIST-5k,
        {epochs} epochs of Adam at three rates, gradients clipped at norm 1, He's initial weights (those of the branches
        1/{depth} of it). At the end the best of the three rates has a validation error of {best["residual"]:.1f} %
        with residual layers and of {best["plain"]:.1f} % with plain ones; 90 % is guessing."""
    )
    page.picture("residual", f"loss and error of {depth} plain and {depth} residual layers", figure)
    page.table(("net", "rate", "loss", "validation error, %"), table)


def bottleneck(page: Page, data: Dataset, epochs: int) -> None:
    """What passes through a narrow layer."""
    page.heading("Bottleneck features")
    page.say(
        f"""A net whose narrow layer everything has to pass: what that layer makes is a short description of an example,
        made for the task. 784-256-k-256-10 with tanh on MNIST-5k, {epochs} epochs. Left: the two numbers of the
        {len(data.train):,} training digits for k = 2. Right: a softmax regression on k such features, beside one on as
        many principal components and one on all 784 pixels; errors on the validation digits."""
    )
    (x, y), (held, truth) = rows(data.train), rows(data.validation)
    widths = (2, 4, 8, 16, 32)
    figure = plotting.new_figure(9.4, 4.2)
    left, right = figure.subplots(1, 2)
    narrow = {k: _narrow(data, k, epochs) for k in widths}
    shown = narrow[2](x)
    for digit in range(10):
        color = plotting.COLORS[digit % 8]
        left.scatter(*shown[y == digit].T, s=3, color=color, marker="o" if digit < 8 else "^", linewidths=0)
        middle = shown[y == digit].median(0).values
        left.text(
            *middle.tolist(), str(digit), fontsize=12, weight="bold", color=plotting.INK, ha="center", va="center",
            bbox={"boxstyle": "circle,pad=0.15", "facecolor": plotting.PAPER, "edgecolor": color, "alpha": 0.85},
        )  # fmt: skip
    plotting.style_axes(left, "", "first unit", "second unit")
    components = torch.linalg.svd(x - x.mean(0), full_matrices=False)[2]
    found: dict[str, list[float]] = {"narrow layer": [], "principal components": []}
    for k in widths:
        found["narrow layer"].append(_linear_error(narrow[k](x), y, narrow[k](held), truth))
        basis = components[:k].T
        found["principal components"].append(_linear_error(x @ basis, y, held @ basis, truth))
    pixels = _linear_error(x, y, held, truth)
    for (name, errors), color in zip(found.items(), (plotting.BLUE, plotting.VERMILION), strict=True):
        right.plot(widths, errors, marker="o", color=color, label=name)
    right.axhline(pixels, color=plotting.GREY, linestyle=":", label="all 784 pixels")
    plotting.style_axes(right, "", "features", "validation error, %")
    right.set_xscale("log")
    right.set_xticks(widths, map(str, widths))
    right.minorticks_off()
    right.set_ylim(bottom=0)
    right.legend(frameon=False, fontsize=9, labelcolor=plotting.INK)
    page.picture("bottleneck", "digits by two bottleneck units, and error against the number of features", figure)
    page.table(
        ("features", *(f"{name}, error %" for name in found)),
        [(str(k), *(f"{errors[i]:.1f}" for errors in found.values())) for i, k in enumerate(widths)],
    )
    page.say(f"On all pixels the error is {pixels:.1f} %. The recipes' test scores, from `RESULTS.md`:")
    score_table(page, "bottleneck-mlp", "bottleneck-features")


def rows(examples: Examples) -> tuple[Tensor, Tensor]:
    """Scaled inputs in float64, a row an example, and the targets."""
    batch = examples.gather(torch.arange(len(examples)))
    return batch.x.flatten(1).double(), batch.labels


def _half_square(scores: Tensor, targets: Tensor) -> Tensor:
    return (scores - targets).square().sum() / (2 * len(targets))


def _curvatures(problem: Problem) -> tuple[float, float]:
    """Bound on the curvature everywhere, and the smallest one at the optimum along which the function changes."""
    table = F.pad(problem.x, (0, 1), value=1.0)
    bound = problem.curvature * float(torch.linalg.eigvalsh(table.T @ table / len(table))[-1]) + problem.l2
    weight, bias = problem.optimum.weight, problem.optimum.intercept

    def loss(point: Tensor) -> Tensor:
        return problem.loss(point[: weight.numel()].view_as(weight), point[weight.numel() :])

    hessian = torch.autograd.functional.hessian(loss, torch.cat([weight.flatten(), bias]), vectorize=True)
    values = torch.linalg.eigvalsh(hessian)
    # one number added to all intercepts changes no softmax
    return bound, float(values[values > 1e-12 * values[-1]][0])


def _descend(problem: Problem, epochs: int, rate: float, momentum: float) -> list[float]:
    """Distances before each step and after the last."""
    head = problem.net.double().head
    with torch.no_grad():
        head.weight.zero_(), head.bias.zero_()
    settings: dict[str, Any] = {"name": "nesterov", "momentum": momentum} if momentum else {"name": "sgd"}
    (step,) = Optimizer(lr=rate, **settings).build([ParameterGroup(tuple(head.parameters()))])
    goal = torch.cat([problem.optimum.weight.flatten(), problem.optimum.intercept])
    distances = []
    for epoch in range(epochs + 1):
        here = torch.cat([head.weight.flatten(), head.bias]).detach()
        distances.append(float((here - goal).norm() / goal.norm()))
        if epoch < epochs:
            step.zero_grad()
            problem.loss(head.weight, head.bias).backward()
            step.step()
    return distances


def _arrival(distances: list[float]) -> str:
    """First epoch from which on the distance stays small."""
    far = [epoch for epoch, distance in enumerate(distances) if distance >= CLOSE]
    return f"{far[-1] + 1:,}" if far[-1] + 1 < len(distances) else "later"


def _parity(problem: Problem) -> tuple[str, str, str]:
    weight, bias = (np.atleast_1d(part) for part in problem.peer)
    theirs = np.concatenate([weight.ravel(), bias.ravel()])
    ours = torch.cat([problem.optimum.weight.flatten(), problem.optimum.intercept]).numpy()
    gap = np.abs(ours - theirs).max() / np.abs(theirs).max()
    method = problem.name.split(",")[0]
    names = {"least squares": "LinearRegression", "ridge": "Ridge"}
    return problem.name, f"`{names.get(method, 'LogisticRegression')}`", f"{gap:.1e}"


def _feature_error(data: Dataset, kind: str, width: int, seed: int) -> float:
    """Test error of a random-feature model whose penalty the validation digits chose."""
    torch.manual_seed(seed)
    net = RandomFeatureModel(784, width, 10, kind, SCALES[kind])
    parts = [rows(part) for part in (data.train, data.validation, data.test)]
    with torch.no_grad():
        (z, y), (held, truth), (test, final) = ((net.features(x.float()), y) for x, y in parts)
    sums = NormalEquations(width, 10)
    sums.add(z, torch.eye(10)[y])
    fits = [sums.solve(l2) for l2 in PENALTIES]
    best = min(fits, key=lambda fit: _wrong(fit.predict(held), truth))
    return _wrong(best.predict(test), final)


def _kernel_error(data: Dataset, kind: str) -> float:
    """Test error of ridge regression with the kernel itself, which is the model of infinite width."""
    (x, y), (held, truth), (test, final) = (rows(part) for part in (data.train, data.validation, data.test))
    kernel = arc_cosine_kernel if kind == "relu" else gaussian_kernel
    width, code = SCALES[kind] * 28, torch.eye(10).double()[y]
    values, vectors = torch.linalg.eigh(kernel(x, x, width))
    across = {name: kernel(rows_, x, width) @ vectors for name, rows_ in (("held", held), ("test", test))}
    signal = vectors.T @ (code - code.mean(0))
    fits = [signal / (values[:, None] + len(x) * l2) for l2 in PENALTIES]
    best = min(fits, key=lambda fit: _wrong(across["held"] @ fit, truth))
    return _wrong(across["test"] @ best, final)


def _wrong(scores: Tensor, truth: Tensor) -> float:
    return float((scores.argmax(1) != truth).double().mean())


def _learn(recipe: Recipe, data: Dataset) -> Iterator[EpochEnded]:
    return (event for event in build_session(recipe, data).events() if isinstance(event, EpochEnded))


def _curves(ended: list[EpochEnded]) -> tuple[list[float], list[float]]:
    return [e.train["loss"] for e in ended], [100 * e.validation["error"] for e in ended]


def _narrow(data: Dataset, width: int, epochs: int) -> Callable[[Tensor], Tensor]:
    """Features of the narrow layer of a net that has learned the digits."""
    base = neurarium.recipe("bottleneck-mlp")
    session = build_session(replace(base, net=MLPSpec((256, width, 256), "tanh"), epochs=epochs, device="cpu"), data)
    for _ in session.events():
        pass
    shape = data.schema.input.fixed_shape
    trunk, made = truncate(session.net, "tanh2", shape)
    assert made == width

    def features(x: Tensor) -> Tensor:
        with torch.no_grad():
            z: Tensor = trunk.eval()(x.float().view(-1, *shape)).double()
        return z

    return features


def _linear_error(x: Tensor, y: Tensor, held: Tensor, truth: Tensor) -> float:
    """Error in % on held-out examples of a softmax regression on standardised features."""
    mean, deviation = x.mean(0), x.std(0) + 1e-9
    fit = softmax_regression((x - mean) / deviation, y, 1e-3)
    return 100 * _wrong(fit.predict((held - mean) / deviation), truth)


def main() -> None:
    """Compute everything, then write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller nets, fewer epochs, write nothing")
    quick = parser.parse_args().quick
    page, data = Page(None if quick else DOCS, "feedforward"), neurarium.load_data("mnist-5k")
    page.parts.append("# Feedforward nets")
    page.say(
        """From the line through points to a hundred layers, in the order of the lecture. This page is written by
        `docs/pages/feedforward.py`: no number in it was typed in."""
    )
    regression(page, 200 if quick else 2000)
    ridge_shrinkage(page)
    widths = (62, 125) if quick else (62, 125, 250, 500, 1000, 2000, 4000)
    random_feature_models(page, data, widths, 2 if quick else 3, 1 if quick else 2)
    multilayer(page)
    approximation(page, (1, 2, 3, 4) if quick else (1, 2, 3, 4, 6, 8))
    activations(page)
    residual_layers(page, data, 20 if quick else 100, 1 if quick else 10)
    bottleneck(page, data, 1 if quick else 15)
    if quick:
        print(page.text())
    else:
        (DOCS / "feedforward.md").write_text(page.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
