"""Which pictures a report shows of a net, by what the net is for."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from neurarium.checks import ConfigError
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense, Examples
from neurarium.nets.connectionist.associative_memory import AssociativeMemory
from neurarium.nets.connectionist.perceptron import Perceptron
from neurarium.nets.connectionist.rbm import RBM
from neurarium.nets.generative.autoencoder import Autoencoder
from neurarium.nets.generative.gan import GAN, sample
from neurarium.report import filters, rbm_pictures, samples
from neurarium.report.feature_maps import feature_maps_figure
from neurarium.report.gallery import Plate
from neurarium.report.numbers import percent
from neurarium.report.perceptron_picture import hyperplane_figure
from neurarium.report.recall_of_run import hopfield_figure
from neurarium.report.regression_picture import regression_figure
from neurarium.report.saliency import saliency_figure
from neurarium.training.evaluation import Evaluation, outputs_of
from neurarium.training.perceptron_rule import MOST_TESTED
from neurarium.training.run import Run
from neurarium.training.scores.appraise import damaged_by
from neurarium.training.scores.measure import Measured

if TYPE_CHECKING:
    from neurarium.training.scores.measure import Measure

_ROW = 10  # pictures side by side


def plates_of(run: Run, dataset: Dataset, split: str, evaluation: Evaluation | Measured) -> list[Plate]:
    """Draw what a trained net has learnt.

    Args:
        run: the net.
        dataset: its data set.
        split: what it was measured on.
        evaluation: how well it did.
    """
    known = run.scaled(dataset)
    examples: Examples = getattr(known, split)
    return list(_plates(run, known, examples, evaluation))


def _plates(run: Run, known: Dataset, examples: Examples, evaluation: Evaluation | Measured) -> Iterator[Plate]:
    net, drawable = run.net, known.kind == "images" and known.shape[0] in (1, 3)
    if isinstance(net, Autoencoder) and drawable:
        yield _reconstructions(run, net, known, examples)
    elif isinstance(net, RBM) and known.kind == "images" and known.shape[0] == 1:
        yield from _machine(run, net, examples)
    elif isinstance(net, GAN):
        yield from _generated(run, net, known, evaluation, drawable)
    elif isinstance(net, Perceptron) and len(known.train) * math.prod(known.shape) <= MOST_TESTED:
        yield _hyperplane(run, net, known)
    elif isinstance(net, AssociativeMemory):
        words = (
            "Some of the stored patterns, damaged and recalled: no state that is passed has more energy than before."
        )
        yield Plate("recall", "Recall", words, hopfield_figure(net, flip=run.recipe.net.flip))  # type: ignore[attr-defined]
    elif isinstance(evaluation, Evaluation) and known.kind == "images":
        yield from _convolutions(run, examples, evaluation)
    elif isinstance(evaluation, Measured) and evaluation.task == "regression":
        yield _predictions(run, known, examples)


def _reconstructions(run: Run, net: Autoencoder, known: Dataset, examples: Examples) -> Plate:
    undo = known.scaling.undo
    x = _some(examples, _ROW)
    rows = {"given": undo(x)}
    if net.corruption is not None:
        x = damaged_by(net, x)
        rows["damaged"] = undo(x)
    rows["given back"] = undo(_through(run, x))
    spec = run.recipe.net
    title = f"Through a code of {spec.code} numbers"  # type: ignore[attr-defined]
    words = "Examples that it has not learnt from, and what it makes of them: what is lost, it holds for unimportant."
    ends = spec.span  # type: ignore[attr-defined]
    return Plate("reconstructions", "Reconstructions", words, samples.reconstructions_figure(rows, title, ends))


def _machine(run: Run, net: RBM, examples: Examples) -> Iterator[Plate]:
    size = (run.shape[1], run.shape[2])
    words = (
        "The weights of hidden units as pictures: where a unit is on, it asks for what is red and against what is blue."
    )
    yield Plate("filters", "What hidden units look for", words, rbm_pictures.filters_figure(net, size))
    words = "Chains of Gibbs sampling begun at coin tosses: what the machine itself holds for likely."
    yield Plate("samples", "Samples", words, rbm_pictures.samples_figure(net, size))
    words = "Examples that it has not learnt from, and what comes back from its hidden units."
    x = _some(examples, _ROW).to(net.weight.device)
    yield Plate("reconstructions", "Reconstructions", words, rbm_pictures.reconstructions_figure(net, x, size))


def _generated(
    run: Run, net: GAN, known: Dataset, evaluation: Evaluation | Measured, drawable: bool
) -> Iterator[Plate]:
    scaling, scores = known.scaling, evaluation.measures if isinstance(evaluation, Measured) else ()
    if drawable:
        made = scaling.undo(sample(net, 100).cpu())
        words = "Made from noise alone. Where the same picture comes again and again, the generator has collapsed."
        figure = samples.samples_figure(made, "100 examples made of noise", run.recipe.net.span)  # type: ignore[attr-defined]
        yield Plate("samples", "Samples", words, figure)
    elif known.shape == (2,):
        made, real = scaling.undo(sample(net, 2000).cpu()), scaling.undo(_some(known.train, 2000))
        note = ", ".join(f"{m.name} {_short(m)}" for m in scores)
        words = "Points of the data and points made of noise, in the units of the data."
        yield Plate("samples", "Samples", words, samples.points_figure(real, made, "Data and generated points", note))


def _hyperplane(run: Run, net: Perceptron, known: Dataset) -> Plate:
    train = _some(known.train, len(known.train)).flatten(1)
    counts = [round(entry["train"]["error"] * len(train)) for entry in run.history]
    words = "Each mistake moves the hyperplane. Where one separates the classes, the number of mistakes has a bound."
    figure = hyperplane_figure(
        net.weight,
        net.bias.item(),
        counts,
        train,
        known.train.targets,
        "The perceptron's training examples",
        run.classes,
    )
    return Plate("hyperplane", "Hyperplane and mistakes", words, figure)


def _convolutions(run: Run, examples: Examples, evaluation: Evaluation) -> Iterator[Plate]:
    """Filters, feature maps and saliency; nothing of a net without convolutions."""
    try:
        yield Plate(
            "filters",
            "Filters",
            "The first layer's filters: blue speaks for a unit, red against it.",
            filters.filters_figure(run.net),
        )
    except ConfigError:  # no convolution
        return
    wrong = evaluation.mistakes[:4].tolist()
    right = [k for k in range(min(len(examples), 200)) if k not in set(evaluation.mistakes.tolist())][: 6 - len(wrong)]
    chosen = torch.tensor([*wrong, *right])
    some = examples.select(chosen)
    x, raw = _some(some, len(chosen)).to(run.placement.device), torch.cat(list(some.pieces()))
    said, truth = evaluation.predicted[chosen.numpy()], some.targets.cpu().numpy()
    labels = [
        f"said {run.classes[s]} ({percent(float(evaluation.confidence[k]), 0)})"
        + (f", is {run.classes[t]}" if s != t else "")
        for k, s, t in zip(chosen.tolist(), said, truth, strict=True)
    ]
    net = run.net.float()
    yield Plate(
        "feature-maps",
        "Feature maps",
        "What the last convolutional layer makes of one example, channel by channel.",
        feature_maps_figure(net, x[-1], raw[-1]),
    )
    yield Plate(
        "saliency",
        "What speaks for the answer",
        "Which pixels the answer hangs on, by three methods, the most confident mistakes first. Such pictures show "
        "what the net is sensitive to, not why.",
        saliency_figure(net, x, raw, torch.as_tensor(said, device=x.device), labels),
    )


def _predictions(run: Run, known: Dataset, examples: Examples) -> Plate:
    assert run.target_scaling is not None
    undo = run.target_scaling.undo
    answers = undo(outputs_of(run.net, examples, run.placement))
    figure = regression_figure(answers, undo(examples.targets.cpu()), known.classes)
    words = "Each point is an example that it has not learnt from; on the line the prediction is right."
    return Plate("predictions", "Predictions", words, figure)


def _some(examples: Examples, count: int) -> Tensor:
    """So many examples, evenly spread as they may be sorted by class, scaled, on the CPU."""
    count = min(count, len(examples))
    index = torch.linspace(0, len(examples) - 1, count).round().long().to(examples.targets.device)
    return examples.gather(index).inputs.cpu()


def _through(run: Run, x: Tensor) -> Tensor:
    return outputs_of(run.net, Dense(x, torch.zeros(len(x), dtype=torch.int64)), run.placement)


def _short(measure: "Measure") -> str:
    return percent(measure.value, 1) if measure.unit == "%" else f"{measure.value:.3g}"
