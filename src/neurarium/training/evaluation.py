"""Measure a trained net on labelled examples: scores, confusion matrix, worst mistakes."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from neurarium.checks import DataError
from neurarium.data.batch import Batch
from neurarium.data.batches import in_order
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.learning.criterion import Criterion
from neurarium.learning.objective import Objective
from neurarium.training.device import Placement
from neurarium.training.loop import EVALUATION_BATCH


@dataclass(frozen=True)
class Evaluation:
    """Scores of a net on a set of labelled examples.

    Attributes:
        objective: mean of the objective.
        accuracy: share of right answers.
        confusion: examples of class i answered with class j, at [i, j].
        mistakes: indices of the wrongly answered examples, the most confident first.
        predicted: the answers.
        confidence: softmax probability of each answer.
    """

    classes: tuple[str, ...]
    objective: float
    accuracy: float
    confusion: Int[np.ndarray, "classes classes"]
    mistakes: Int[np.ndarray, " wrong"]
    predicted: Int[np.ndarray, " examples"]
    confidence: Float[np.ndarray, " examples"]

    @property
    def error(self) -> float:
        """Share of wrong answers."""
        return 1.0 - self.accuracy

    def per_class(self) -> list[dict[str, Any]]:
        """Precision, recall, F1 and number of examples for each class; 0 where a ratio is undefined."""
        hits, answers, truths = self.confusion.diagonal(), self.confusion.sum(0), self.confusion.sum(1)
        rows = []
        for k, name in enumerate(self.classes):
            precision = float(hits[k] / answers[k]) if answers[k] else 0.0
            recall = float(hits[k] / truths[k]) if truths[k] else 0.0
            both = precision + recall
            f1 = 2 * precision * recall / both if both else 0.0
            rows.append(
                {
                    "class": name,
                    "precision": precision,
                    "recall": recall,
                    "f1": f1,
                    "examples": int(truths[k]),
                }
            )
        return rows

    def to_plain(self) -> dict[str, Any]:
        """Return the scores as JSON can hold them."""
        return {
            "task": "classification",
            "objective": self.objective,
            "accuracy": self.accuracy,
            "examples": int(self.confusion.sum()),
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
            "per_class": self.per_class(),
        }


def outputs_of(net: nn.Module, examples: Examples, placement: Placement) -> Float[Tensor, "examples *outputs"]:
    """Run a net over examples in evaluation mode; the outputs come back on the CPU in float32."""
    return torch.cat([outputs.cpu() for _, outputs in answers_of(net, examples, placement)])


def criterion_of(
    objective: Objective, dataset: Dataset, teacher: Callable[[Tensor], Tensor] | None, placement: Placement
) -> Criterion:
    """Build an objective for a data set: its number of classes, and how often each occurs among the training examples.

    Raises:
        ConfigError: a constant of the objective does not fit the classes, or the teacher is missing.
    """
    classes, counts = len(dataset.classes), []
    if dataset.task == "numbers":
        return objective.build(classes, numbers=True, device=placement.device)
    if objective.balanced:
        counts = torch.bincount(dataset.train.targets.cpu(), minlength=classes).tolist()
    return objective.build(classes, counts, teacher, placement.device)


def evaluate(
    net: nn.Module, examples: Examples, criterion: Criterion, classes: tuple[str, ...], placement: Placement
) -> Evaluation:
    """Measure a net on labelled examples.

    Raises:
        DataError: there are no examples.
    """
    if len(examples) == 0:
        raise DataError(
            "evaluation", expected="at least one example", got="an empty split", remedy="name another split"
        )
    answers, objective, errors = [], 0.0, 0.0
    for batch, some in answers_of(net, examples, placement):
        objective += float(criterion.loss(some, batch.targets, batch.inputs)) * len(batch)
        errors += float(criterion.error(some, batch.targets, batch.inputs))
        answers.append(some.cpu())
    outputs, targets = torch.cat(answers), examples.targets.cpu()
    confidence, predicted = outputs.softmax(1).max(1)
    wrong = (predicted != targets).nonzero().flatten()
    worst = wrong[confidence[wrong].argsort(descending=True, stable=True)]
    return Evaluation(
        classes=classes,
        objective=objective / len(targets),
        accuracy=1.0 - errors / len(targets),
        confusion=_confusion(targets, predicted, len(classes)),
        mistakes=worst.numpy(),
        predicted=predicted.numpy(),
        confidence=confidence.numpy(),
    )


def answers_of(net: nn.Module, examples: Examples, placement: Placement) -> Iterator[tuple[Batch, Tensor]]:
    """Yield batches with the net's outputs in float32, in evaluation mode."""
    was_training = net.training
    net.eval()
    try:
        with contextlib.closing(in_order(examples, EVALUATION_BATCH)) as batches:
            for batch in batches:
                batch = batch.to(placement.device)
                with torch.inference_mode(), placement.computing():
                    outputs = net(batch.inputs).float()
                yield batch, outputs
    finally:
        net.train(was_training)


def _confusion(
    targets: Shaped[Tensor, " examples"], predicted: Shaped[Tensor, " examples"], classes: int
) -> Int[np.ndarray, "classes classes"]:
    counts = torch.bincount(targets * classes + predicted, minlength=classes * classes)
    return counts.view(classes, classes).numpy()
