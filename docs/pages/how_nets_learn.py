"""Write `docs/how-nets-learn.md`: each number and each image of the page is computed here.

    python docs/pages/how_nets_learn.py            the whole page, a few minutes on two cores
    python docs/pages/how_nets_learn.py --quick    smaller nets and fewer seeds: does everything run? Writes nothing.

Scores of recipes and speeds are taken from `benchmarks/results/`, which `make results` and `make benchmarks` write.
"""

import argparse
import math
import tempfile
from pathlib import Path
from typing import Any

import torch
from page import Page
from torch import nn

import neurarium
from neurarium.data.dataset import Dataset
from neurarium.learning.adam_as_printed import AdamAsPrinted
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.backprop.worked_example import worked_example
from neurarium.learning.losses import hinge, logistic, perceptron
from neurarium.learning.optimizers import Optimizer, ParameterGroup
from neurarium.learning.quadratic import decay_shrinkage, early_shrinkage, equivalent_steps
from neurarium.learning.targets import uniform_transition
from neurarium.learning.trace import Trace, trace
from neurarium.nets.feedforward.mlp import MLP
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.parts.dropout import exact_ensemble
from neurarium.report import plotting
from neurarium.report.augmented import augmented_figure
from neurarium.report.rates import rates_figure, suggestions
from neurarium.report.schedule import schedules_figure
from neurarium.report.sweep_scores import Spread
from neurarium.report.trace_figure import trace_figure
from neurarium.sweeps.sweep import sweep
from neurarium.training.rate_finder import find_rate
from neurarium.training.recipe import Recipe
from results import read_result, score_table

DOCS = Path(__file__).parent.parent


def back_propagation(page: Page, data: Dataset, depth: int) -> None:
    """The worked example, and two deep nets looked into."""
    page.heading("Back-propagation")
    page.say(
        """An error signal delta = dL/dy comes to a layer from above; the layer turns it into the signal for the layer
        below by the transposed Jacobian, and into the gradient of its own parameters. `learning/backprop` has this pair
        of functions for every layer, free of automatic differentiation, and chains them into nets that train
        (`neurarium train mlp --gradients explicit`). This is the worked example of the notes, by those rules, as
        `neurarium trace --step 003` prints it:"""
    )
    rows = [(w.part, w.name, f"`{w.formula}`", repr(w.value), w.printed or "") for w in worked_example()]
    page.table(("step", "", "formula", "value", "the notes print"), rows)
    page.say(
        f"""`neurarium trace` looks into any net. Two nets of {depth} layers of 64 units with fresh weights see 128
        digits; one has sigmoid units, one rectified linear units with the initial weights made for them. Gray: what the
        laws of variance expect of weights that are independent of the signal."""
    )
    first = data.train.gather(torch.arange(128))
    batch, targets = first.x.flatten(1), first.labels
    found: dict[str, Trace] = {}
    for activation, initial in (("sigmoid", "xavier"), ("relu", "he")):
        torch.manual_seed(0)
        net = MLP((784, *[64] * (depth - 1), 10), activation=activation, init=initial)
        found[activation] = trace(net, batch, targets)
        page.picture(
            f"trace-{activation}",
            f"activations, error signals, gradients and Jacobians of {depth} {activation} layers",
            trace_figure(found[activation], f"{depth} layers, {activation}, {initial} weights"),
        )
    factors = {name: _factor(t) for name, t in found.items()}
    page.say(
        f"""On its way back the error signal is multiplied by {factors["sigmoid"]:.3g} a layer in the sigmoid net
        (the slope of the sigmoid is at most 1/4) and by {factors["relu"]:.3g} in the other. Vanished, that is below
        {found["sigmoid"].vanishing_below:g} of the last layer's: {len(found["sigmoid"].vanishing)} of
        {len(found["sigmoid"].layers)} layers of the first, {len(found["relu"].vanishing)} of the second."""
    )


def losses(page: Page, data: Dataset) -> None:
    """Margin losses, smoothing, distillation."""
    page.heading("Losses and targets")
    axes_from, axes_to = -2.0, 3.0
    margin = torch.linspace(axes_from, axes_to, 401)
    figure = plotting.new_figure(7, 3.2)
    axes = figure.subplots()
    curves = {
        "zero-one (a score: slope 0)": (margin < 0).float(),
        "perceptron": perceptron(margin, torch.ones_like(margin)),
        "hinge": hinge(margin, torch.ones_like(margin)),
        "logistic": logistic(margin, torch.ones_like(margin)),
    }
    for (name, values), color in zip(curves.items(), plotting.COLORS, strict=False):
        axes.plot(margin, values, color=color, label=name)
    axes.set_xlabel("margin y a")
    axes.set_ylabel("loss")
    axes.legend(frameon=False)
    page.picture("losses", "zero-one, perceptron, hinge and logistic loss against the margin", figure)
    at = [f"{float(logistic(torch.tensor(m), torch.tensor(1.0))):.4f}" for m in (0.0, 1.0)]
    smoothed = uniform_transition(10, 0.1)[:, 0]
    page.say(
        f"""The logistic loss is {at[0]} at margin 0 and {at[1]} at margin 1. With label smoothing 0.1 the target of the
        right class of ten is {float(smoothed[0]):.2f} and that of each other class {float(smoothed[1]):.2f}; any
        column-stochastic confusion matrix can stand in its place (`loss.label_transition`)."""
    )
    page.say("Distillation and bottleneck features are recipes; their test scores, from `RESULTS.md`:")
    score_table(page, "small-mlp", "distilled-mlp", "bottleneck-mlp", "bottleneck-features")


def optimizers(page: Page, data: Dataset, recipe: Recipe, seeds: int) -> None:
    """First steps, a sweep, and Hessian-free."""
    page.heading("Optimizers")
    momentum = _distance(Optimizer("momentum", lr=1.0, momentum=0.9), 5)
    adam, printed = _distance(Optimizer("adam", lr=1e-3), 1), _distance(Optimizer("adam-as-printed", lr=1e-3), 1)
    page.say(
        f"""Under a constant gradient of 1 and rate 1, the fifth step of momentum 0.9 is {momentum[-1]:.4f} long: a sum
        over past gradients, not a mean. The first step of Adam with rate 0.001 is {adam[0]:.6f}; as the notes print it,
        without the correction of its means, {printed[0]:.6f}, that is {printed[0] / adam[0]:.2f} times as long
        (`{AdamAsPrinted.__name__}` is there for comparison)."""
    )
    names = ["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"]
    with tempfile.TemporaryDirectory() as folder:
        grid = {"optimizer.name": names}
        result = sweep(recipe, grid, seeds=seeds, data=data, out=Path(folder) / "sweep", progress=False)
        page.say(
            f"""`neurarium sweep mlp --optimizer.name {",".join(names)} --seeds {seeds}` trains one net an optimizer and
            seed; here for {recipe.epochs} epochs, all at rate {recipe.optimizer.lr:g}, which suits some better than
            others. The test split is not touched."""
        )
        page.picture("optimizers", "loss and validation error of six optimizers", result.figure())
        page.table(
            ("optimizer", "validation error at the best epoch, %", "loss at the end"),
            [(c.name, _spread(c.at_best("error"), 100), _spread(c.at_end("loss"), 1)) for c in result.cells],
        )
    found = read_result("hessian_free.json")
    if found:
        page.say("Hessian-free against Adam on the deep auto-encoder 784-1000-500-250-30, training loss against time:")
        page.parts.append("![training loss of Hessian-free and Adam against time](pictures/hessian-free.png)")
        best = {
            name: min(o["loss"] for o in found["outcomes"] if o["name"] == name) for name in ("hessian-free", "adam")
        }
        page.say(
            f"""After {found["minutes"]:g} minutes each, both tuned, the loss of an image is
            {best["hessian-free"]:.1f} nats by Hessian-free and {best["adam"]:.1f} by Adam; details in
            `benchmarks/results/hessian_free.md`."""
        )


def schedules(page: Page, data: Dataset, recipe: Recipe) -> None:
    """Images of schedules and of the rate finder."""
    page.heading("Learning rates")
    page.picture("schedules", "factor on the learning rate over a run, for each schedule", schedules_figure())
    curve = find_rate(recipe, data)
    page.picture("rates", "loss against a rising learning rate", rates_figure(curve, recipe.name))
    page.say(f"`neurarium find-rate {recipe.name}` lets the rate rise until learning diverges. {_said(curve)}")


def initial_weights(page: Page, depth: int) -> None:
    """Size of the signal through a deep net, measured and by theory."""
    page.heading("Initial weights")
    width, schemes = 256, ("normal", "uniform", "lecun", "xavier", "he", "orthogonal")
    figure = plotting.new_figure(9, 3.6)
    left, right = figure.subplots(1, 2)
    rows = []
    for scheme, color in zip(schemes, plotting.COLORS, strict=False):
        for axes, activation in ((left, "relu"), (right, "tanh")):
            torch.manual_seed(0)
            net = MLP((width, *[width] * depth), activation=activation, init=scheme)
            entries = trace(net, torch.randn(256, width), jacobian_examples=0).layers
            found = [(e.rms**2, (e.expected or math.nan) ** 2) for e in entries if e.kind == "Linear"]
            measured, theory = zip(*found, strict=True)
            axes.plot(range(1, len(found) + 1), measured, color=color, label=scheme)
            axes.plot(range(1, len(found) + 1), theory, color=color, linestyle=":", linewidth=1)
            if axes is left:
                rows.append((scheme, f"{measured[-1]:.3g}", f"{theory[-1]:.3g}"))
    for axes, activation in ((left, "relu"), (right, "tanh")):
        axes.set_yscale("log")
        axes.set_title(activation)
        axes.set_xlabel("layer")
    left.set_ylabel("mean square of the net input")
    right.legend(frameon=False, fontsize=8)
    page.picture("initial", "mean square of the net inputs by depth for six schemes, measured and by theory", figure)
    page.say(
        f"""Mean square of the net inputs of {depth} layers of {width} units, for one draw of the weights; dotted:
        theory. In layer {depth} of the ReLU net (`neurarium trace` has it for any net):"""
    )
    page.table(("scheme", "measured", "theory"), rows)


def regularizers(page: Page, data: Dataset) -> None:
    """Decay, early stopping, dropout, augmentation."""
    page.heading("Regularizers")
    eta, mu, lam = 0.01, 0.05, 0.02
    stop = equivalent_steps(eta, mu)
    page.say(
        f"""With learning rate {eta}, decay {mu} and curvature {lam}, weight decay leaves
        {decay_shrinkage(lam, mu):.3f} of a weight; gradient descent from zero that stops after t = 1/(eta mu) =
        {stop:.0f} steps has reached {early_shrinkage(lam, eta, stop):.3f} of it. At the notes' t = eta/mu =
        {eta / mu:g} it would have reached {early_shrinkage(lam, eta, eta / mu):.1g}."""
    )
    page.say(
        """Dropout trains an ensemble of masked nets; halving the weights stands for all of them. The exact ensemble
        (all masks enumerated) says how good that is, as the largest difference of a probability on random nets with
        p = 0.5:"""
    )
    page.table(("net", "masks", "largest difference"), [_dropout_gap(sizes) for sizes in ((6, 16, 3), (6, 8, 8, 3))])
    augmentation = Augmentation(shift=2, rotation=15.0, crop=0.2, noise=0.1)
    page.picture("augmentation", "digits under random transformations", augmented_figure(augmentation, data))


def speed(page: Page) -> None:
    """What the benchmarks found."""
    page.heading("Speed")
    page.say("Ratios of times in one process, from `benchmarks/results/`:")
    links = [f"[{name}](../benchmarks/results/{name}.md)" for name in ("backprop", "trace", "ensemble", "hessian_free")]
    page.say(", ".join(links) + ".")


def _factor(found: Trace) -> float:
    return math.nan if found.factor is None else found.factor


def _distance(optimizer: Optimizer, steps: int) -> list[float]:
    """Lengths of the first steps of a weight under a constant gradient of 1."""
    weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    (descent,), lengths = optimizer.build([ParameterGroup((weight,))]), []
    for _ in range(steps):
        before = weight.item()
        weight.grad = torch.ones_like(weight)
        descent.step()
        lengths.append(before - weight.item())
    return lengths


def _dropout_gap(sizes: tuple[int, ...]) -> tuple[str, str, str]:
    torch.manual_seed(0)
    net = MLP(sizes, dropout=0.5).eval()
    x = torch.randn(200, sizes[0])
    ensemble = exact_ensemble(net, x)
    gap = float((ensemble.geometric - net(x).detach().softmax(1)).abs().max())
    return "-".join(map(str, sizes)), f"{ensemble.members:,}", f"{gap:.2g}"


def _said(curve: Any) -> str:
    return " ".join(f"{' '.join(line.split()).rstrip('.')}." for line in suggestions(curve))


def _spread(values: Spread, unit: float) -> str:
    mean, deviation = values.mean * unit, values.sd * unit
    return f"{mean:.3g} ± {deviation:.2g}"


def main() -> None:
    """Compute everything, then write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller nets, fewer seeds, write nothing")
    quick = parser.parse_args().quick
    page, data = Page(None if quick else DOCS, "learn"), neurarium.load_data("mnist-5k")
    recipe = Recipe(
        name="mlp",
        net=MLPSpec(hidden=(64,)),
        optimizer=Optimizer("adam", lr=3e-3),
        epochs=2 if quick else 10,
        device="cpu",
    )
    page.parts.append("# How nets learn")
    page.say(
        """The learning part of the library, in the order of the lecture: what comes back through the layers, what is
        made small, how the weights follow, and what keeps them from learning too much. This page is written by
        `docs/pages/how_nets_learn.py`: no number in it was typed in."""
    )
    back_propagation(page, data, 30)
    losses(page, data)
    optimizers(page, data, recipe, 2 if quick else 5)
    schedules(page, data, recipe)
    initial_weights(page, 10 if quick else 50)
    regularizers(page, data)
    speed(page)
    if quick:
        print(page.text())
    else:
        (DOCS / "how-nets-learn.md").write_text(page.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
