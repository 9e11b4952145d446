"""A trained run, read back from its folder: evaluate, predict, look at its history."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Dense
from neurarium.data.scaling import Scaling
from neurarium.nets.connectionist.rbm import RBM
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.generative.gan import GAN, sample
from neurarium.record.run_record import epochs_of, read_record
from neurarium.training.card import read_card
from neurarium.training.device import Placement, find_placement
from neurarium.training.evaluation import Evaluation, criterion_of, outputs_of
from neurarium.training.fast_inference import prepared_for_inference
from neurarium.training.folder import is_run, load_weights, read_recipe
from neurarium.training.recipe import Recipe, net_kind, purpose_of
from neurarium.training.scores.appraise import appraise
from neurarium.training.scores.measure import Measured
from neurarium.training.source import build_net, may_use_source, read_source, source_folder


@dataclass(frozen=True)
class Prediction:
    """Answers of a net for a table of inputs.

    Attributes:
        classes: names of the classes, in the order of the columns.
        probabilities: softmax of the outputs; rows sum to 1.
    """

    classes: tuple[str, ...]
    probabilities: Float[np.ndarray, "examples classes"]

    @property
    def indices(self) -> Int[np.ndarray, " examples"]:
        """Index of the most probable class of each example."""
        return self.probabilities.argmax(1)

    @property
    def labels(self) -> list[str]:
        """Name of the most probable class of each example."""
        return [self.classes[i] for i in self.indices]


@dataclass(frozen=True)
class NumberPrediction:
    """Numbers that a net predicts for a table of inputs.

    Attributes:
        names: of the outputs, in the order of the columns.
        values: in the units of the targets that it learnt.
    """

    names: tuple[str, ...]
    values: Float[np.ndarray, "examples outputs"]


@dataclass(frozen=True)
class Run:
    """A net with its weights, the recipe that made them and what it knows of the data."""

    folder: Path
    recipe: Recipe
    card: dict[str, Any]
    net: nn.Module
    placement: Placement
    notices: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, or of the numbers that are predicted."""
        return tuple(self.card["classes"])

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return tuple(self.card["shape"])

    @property
    def scaling(self) -> Scaling:
        """How inputs are scaled before they reach the net."""
        return Scaling.from_dict(self.card["scaling"])

    @property
    def target_scaling(self) -> Scaling | None:
        """By which the targets were standardised; none where they are classes."""
        numbers = self.card["targets"]
        return None if numbers is None else Scaling.from_dict(numbers)

    @property
    def history(self) -> list[dict[str, Any]]:
        """One entry an epoch: objective, errors, gradient norm, learning rate, seconds."""
        return epochs_of(read_record(self.folder / "record.jsonl"))

    def evaluate(self, dataset: Dataset, split: str = "test") -> Evaluation | Measured:
        """Measure the net, by what it is for, on a split of a data set of the same shape and classes.

        The objective is the run's own: balanced weights are those of the data set's training examples, and after a
        distillation, without its teacher, it is the cross-entropy of the labels.

        Raises:
            DataError: another shape or other classes than the run learnt.
        """
        answers = purpose_of(self.recipe) == "prediction"
        same = (self.classes, self.target_scaling is None) == (dataset.classes, dataset.target_scaling is None)
        if tuple(dataset.shape) != self.shape or (answers and not same):
            raise DataError(
                f"data {dataset.name}",
                expected=f"examples of shape {self.shape} in the classes {_few(self.classes)}",
                got=f"shape {tuple(dataset.shape)}, classes {_few(dataset.classes)}",
                remedy="evaluate on data like those of the training",
            )
        below = source_folder(self.folder)
        return appraise(
            self.net,
            self.recipe,
            self.scaled(dataset),
            split,
            criterion_of(self.recipe.objective.without_teacher(), dataset, None, self.placement),
            self.placement,
            read_source(below) if may_use_source(self.recipe) and is_run(below) else None,
        )

    def scaled(self, dataset: Dataset) -> Dataset:
        """A data set as the net knows its inputs and targets: scaled as its training examples were."""
        parts = {name: getattr(dataset, name).with_scaling(self.scaling) for name in dataset.counts()}
        own, theirs = self.target_scaling, dataset.target_scaling
        if own is not None and theirs is not None and own != theirs:
            parts = {n: replace(part, targets=own.apply(theirs.undo(part.targets))) for n, part in parts.items()}
        return replace(dataset, scaling=self.scaling, target_scaling=own, **parts)

    def predict(self, inputs: Tensor | np.ndarray) -> Prediction | NumberPrediction:
        """Answer for raw inputs, in the units of the training data (pixels 0 to 255 for images).

        Args:
            inputs: (examples, *shape), or one example of `shape`.

        Raises:
            ConfigError: a net that is for something else than answers.
            ShapeError: inputs of another shape.
        """
        self._check_that_it_predicts()
        tensor = self._raw(inputs)
        examples = Dense(tensor, torch.zeros(len(tensor), dtype=torch.int64), self.scaling)
        outputs = outputs_of(self.net, examples, self.placement)
        if self.target_scaling is not None:
            return NumberPrediction(self.classes, self.target_scaling.undo(outputs).numpy())
        return Prediction(self.classes, outputs.softmax(1).numpy())

    def prepared(self, inputs: Tensor | np.ndarray | None = None, precision: str = "auto") -> "Run":
        """The same run with a copy of its net made ready to answer fast (`training.fast_inference`); a notice says how.

        Args:
            inputs: raw examples, a few dozen, on which bfloat16 has to give the same classes; none: nothing is tried.
            precision: "float32", "bfloat16", or "auto": bfloat16 where the processor has it and the examples allow.

        Raises:
            ConfigError: a net that is for something else than answers, or an unknown precision.
            ShapeError: inputs of another shape.
        """
        self._check_that_it_predicts()
        probe = None if inputs is None else self.scaling.apply(self._raw(inputs))
        fast = prepared_for_inference(self.net, self.placement, precision, probe)
        # what it computes in is the net's own affair
        alone = replace(self.placement, precision="float32")
        return replace(self, net=fast, placement=alone, notices=(*self.notices, fast.choice.in_words()))

    def sample(self, count: int = 64, seed: int = 0, steps: int = 1000) -> Float[Tensor, "count *shape"]:
        """Make examples, in the units of the training data; the same ones for the same seed.

        Args:
            count: how many.
            seed: of the noise, or of the Markov chains.
            steps: of Gibbs sampling from coin tosses, for a Boltzmann machine.

        Raises:
            ConfigError: a net that makes no examples, or none asked for.
        """
        if count < 1:
            raise ConfigError("count", expected="a whole number >= 1", got=str(count))
        if isinstance(self.net, GAN):
            return self.scaling.undo(sample(self.net, count, seed).cpu())
        if isinstance(self.net, RBM) and isinstance(self.recipe.net, RBMSpec):
            generator = torch.Generator(self.placement.device).manual_seed(seed)
            units = self.net.sample(count, steps, generator).cpu().view(count, *self.shape)
            if self.net.visible == "gaussian":
                return self.scaling.undo(units)
            low, high = self.recipe.net.span
            return low + (high - low) * units
        raise ConfigError(
            f"run {self.folder}",
            expected="a net that makes examples: gan, dcgan or rbm",
            got=f"{net_kind(self.recipe.net)}, a net for {self.recipe.net.purpose}",
        )

    def _check_that_it_predicts(self) -> None:
        if purpose_of(self.recipe) != "prediction":
            raise ConfigError(
                f"run {self.folder}",
                expected="a net that predicts classes or numbers",
                got=f"{net_kind(self.recipe.net)}, a net for {purpose_of(self.recipe)}",
                remedy="call its net: run.net(inputs), with the inputs scaled by run.scaling.apply",
            )

    def _raw(self, inputs: Tensor | np.ndarray) -> Tensor:
        """Inputs as a batch of the run's shape."""
        tensor = torch.as_tensor(inputs)
        if tuple(tensor.shape) == self.shape:
            tensor = tensor[None]
        if tuple(tensor.shape[1:]) != self.shape:
            wanted = ", ".join(["examples", *map(str, self.shape)])
            raise ShapeError("inputs", expected=f"({wanted})", got=str(tuple(tensor.shape)))
        if len(tensor) == 0:
            raise ShapeError("inputs", expected="at least one example", got="none")
        return tensor


def load_run(folder: str | Path, net: nn.Module | None = None, device: str | None = None) -> Run:
    """Read a run back from its folder.

    Args:
        folder: a run folder.
        net: the module that was trained, where it was the user's own.
        device: where to compute; none: where the run was trained, or what is there.

    Raises:
        RunError: no run there, not trained yet, or damaged beyond its last checkpoint.
    """
    folder = Path(folder)
    recipe, card = read_recipe(folder), read_card(folder)
    placement = find_placement(device or "auto", recipe.precision)
    if net is None:
        # building draws initial weights; the caller's generator is none of its business
        with torch.random.fork_rng(devices=[]):
            scaling = Scaling.from_dict(card["scaling"])
            net = build_net(recipe, tuple(card["shape"]), tuple(card["classes"]), scaling, folder=folder)
    notices = load_weights(net, folder)
    return Run(folder, recipe, card, placement.place(net).eval(), placement, notices)


def _few(names: tuple[str, ...], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
