"""Measure a net by what it is for."""

import torch
from torch import Tensor, nn

from neurarium.checks import DataError
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense, Examples
from neurarium.data.mixtures import MIXTURES
from neurarium.learning.criterion import Criterion
from neurarium.nets.connectionist.associative_memory import AssociativeMemory
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.connectionist.rbm import RBM
from neurarium.nets.generative.autoencoder import Autoencoder
from neurarium.nets.generative.gan import GAN, sample
from neurarium.nets.generative.specs import AutoencoderSpec, ConvolutionalAutoencoderSpec
from neurarium.training.device import Placement
from neurarium.training.evaluation import Evaluation, answers_of, evaluate, outputs_of
from neurarium.training.recipe import Recipe, purpose_of
from neurarium.training.scores.density import density_measures
from neurarium.training.scores.generation import SAMPLES, SEED, judged_measures, mixture_measures
from neurarium.training.scores.measure import Measure, Measured
from neurarium.training.scores.memory import memory_measures
from neurarium.training.scores.reconstruction import (
    MOST_NUMBERS,
    principal_components,
    reconstruction_measures,
    through_components,
)
from neurarium.training.scores.regression import regression_measures
from neurarium.training.source import Source

_MOST_TRAINING = 20_000  # training examples by which a baseline is found


def appraise(
    net: nn.Module,
    recipe: Recipe,
    dataset: Dataset,
    split: str,
    criterion: Criterion,
    placement: Placement,
    judge: Source | None = None,
) -> Evaluation | Measured:
    """Measure a net on a split, by what it is for.

    Args:
        net: trained, on its device.
        recipe: by which it was trained.
        dataset: scaled as the net knows it.
        split: "train", "development" or "test".
        criterion: the recipe's objective.
        placement: where to compute.
        judge: a classifier, for what a generator makes; without it there are no scores unless the data are a known
            mixture.

    Raises:
        DataError: there are no examples.
    """
    examples: Examples = getattr(dataset, split)
    if len(examples) == 0:
        raise DataError(
            "evaluation", expected="at least one example", got="an empty split", remedy="name another split"
        )
    purpose = purpose_of(recipe)
    if purpose == "reconstruction":
        return _reconstruction(net, recipe, dataset, examples, criterion, placement)
    if purpose == "density":
        assert isinstance(net, RBM)
        both = (_inputs(examples), _inputs(dataset.train, _MOST_TRAINING))
        v, train = (net.units(raw.to(placement.device)) for raw in both)
        return Measured("density", None, len(examples), density_measures(net, v, train))
    if purpose == "generation":
        assert isinstance(net, GAN)
        return Measured("generation", None, len(examples), _generation(net, dataset, examples, placement, judge))
    if purpose == "recall":
        assert isinstance(net, AssociativeMemory)
        assert isinstance(recipe.net, HopfieldSpec)
        return Measured("recall", None, len(net.kept), memory_measures(net, recipe.net.flip))
    if dataset.task == "numbers":
        return _regression(net, dataset, examples, criterion, placement)
    return evaluate(net, examples, criterion, dataset.classes, placement)


def _regression(
    net: nn.Module, dataset: Dataset, examples: Examples, criterion: Criterion, placement: Placement
) -> Measured:
    assert dataset.target_scaling is not None
    outputs, objective = _outputs(net, examples, criterion, placement)
    scaling, targets = dataset.target_scaling, examples.targets.cpu()
    measures = regression_measures(scaling.undo(outputs), scaling.undo(targets), dataset.classes, scaling.mean)
    return Measured("regression", objective, len(examples), measures)


def _reconstruction(
    net: nn.Module, recipe: Recipe, dataset: Dataset, examples: Examples, criterion: Criterion, placement: Placement
) -> Measured:
    outputs, objective = _outputs(net, examples, criterion, placement)
    originals, undo = _inputs(examples), dataset.scaling.undo
    code = linear = damaged = span = None  # of a module of the user's own nothing more is known
    if isinstance(recipe.net, (AutoencoderSpec, ConvolutionalAutoencoderSpec)):
        code, span = recipe.net.code, recipe.net.span
    if code is not None and originals[0].numel() <= MOST_NUMBERS:
        mean, axes = principal_components(_inputs(dataset.train, _MOST_TRAINING).flatten(1), code)
        linear = through_components(originals.flatten(1), mean, axes).view_as(originals)
    if isinstance(net, Autoencoder) and net.corruption is not None:
        seen = damaged_by(net, originals)
        damaged = (undo(seen).flatten(1), undo(outputs_of(net, Dense(seen, examples.targets), placement)).flatten(1))
    whole = undo(originals).flatten(1)
    low, high = span if span and dataset.kind == "images" else (float(whole.min()), float(whole.max()))
    measures = reconstruction_measures(
        undo(outputs).flatten(1),
        whole,
        high - low,
        code,
        None if linear is None else undo(linear).flatten(1),
        damaged,
    )
    return Measured("reconstruction", objective, len(examples), measures)


def _generation(
    net: GAN, dataset: Dataset, examples: Examples, placement: Placement, judge: Source | None
) -> tuple[Measure, ...]:
    if dataset.name in MIXTURES:
        made = dataset.scaling.undo(sample(net, SAMPLES, SEED).cpu())
        return mixture_measures(made, MIXTURES[dataset.name]())
    if judge is None:
        return ()
    real, train = _inputs(examples), _inputs(dataset.train, SAMPLES)
    eye, device = placement.place(judge.scaled_as(dataset.scaling)), placement.device
    made = sample(net, len(train), SEED).to(device)
    return judged_measures(made, real.to(device), train.to(device), eye, judge.name)


def damaged_by(net: Autoencoder, originals: Tensor) -> Tensor:
    """Damage examples as the net's first layer does in training; the same way every time.

    Args:
        net: a denoising auto-encoder.
        originals: scaled as the net sees them, on the CPU.
    """
    assert net.corruption is not None
    device = net.corruption.low.device
    return net.corruption.damage(originals.to(device), torch.Generator(device).manual_seed(SEED)).cpu()


def _outputs(net: nn.Module, examples: Examples, criterion: Criterion, placement: Placement) -> tuple[Tensor, float]:
    """Outputs on the CPU, and the mean of the objective."""
    parts, objective = [], 0.0
    for batch, some in answers_of(net, examples, placement):
        objective += float(criterion.loss(some, batch.targets, batch.inputs)) * len(batch)
        parts.append(some.cpu())
    return torch.cat(parts), objective / len(examples)


def _inputs(examples: Examples, most: int | None = None) -> Tensor:
    """All examples, or so many of them, scaled, on the CPU."""
    index = torch.arange(len(examples))
    if most is not None and most < len(examples):  # drawn, as they may be sorted by class; the same way every time
        index = torch.randperm(len(examples), generator=torch.Generator().manual_seed(SEED))[:most]
    return examples.gather(index.to(examples.targets.device)).inputs.cpu()
