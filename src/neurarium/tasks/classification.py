"""Telling classes apart: one class an example, or one for each node, point or step of it (-1: not counted)."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.learning.loss import Loss
from neurarium.learning.losses import Criterion, zero_one
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Schema
from neurarium.tasks.interval import wilson_interval
from neurarium.tasks.model import Model
from neurarium.tasks.prediction import Prediction
from neurarium.tasks.ranking import average_precision, roc_auc
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Device, Helpers, Outputs, Trainable, check_shape, tensor_of

_MISTAKES_LISTED = 25
_UNEVEN_FROM = 1.5  # times its even fraction: from there on the most frequent class is called much more frequent
_GUESSED = "try another learning rate or more epochs, and see that the inputs can tell the classes."
_UNEVEN = "look at the balanced accuracy, and try more epochs or weights for rare classes (--loss.balanced)."
LEAST = torch.finfo(torch.float32).tiny
"""What a sum over no entries is divided by."""


@dataclass(frozen=True, eq=False)
class Classification(Trainable):
    """Logits against class numbers: of one class an example, or `per_element` of one for each of its elements."""

    criterion: Criterion
    classes: tuple[str, ...]
    per_element: bool = False

    name: ClassVar[str] = "classification"

    @classmethod
    def build(
        cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu"
    ) -> "Classification":
        """Make the task of the schema's first target."""
        return cls(loss.build(schema.target, device), schema.target.categories, bool(schema.target.shape))

    def counts(self, batch: Batch) -> Float[Tensor, "2"]:
        """Weights of the entries, and their number."""
        mask = self._mask(batch)
        weight = self.criterion.weight(batch.labels, mask)
        if self.criterion.weights is None:
            return weight.expand(2)
        entries = batch.size if mask is None else mask.sum()
        return torch.stack([weight, torch.as_tensor(entries, dtype=weight.dtype, device=weight.device)])

    def terms(self, outputs: Outputs, batch: Batch, counts: Float[Tensor, "2"]) -> tuple[Tensor, ...]:
        """The loss of the labels."""
        logits, mask = tensor_of(outputs, self.name), self._mask(batch)
        # where no element has a label the sum is 0, and so is the loss
        total = counts[0] if mask is None else counts[0].clamp(min=LEAST)
        return (self.criterion.loss(logits, batch.labels, total, mask),)

    def errors(self, outputs: Outputs, batch: Batch) -> Int[Tensor, ""]:
        """Number of wrong answers."""
        mask = self._mask(batch)
        if mask is None:
            return zero_one(tensor_of(outputs, self.name), batch.labels)
        return ((tensor_of(outputs, self.name).argmax(-1) != batch.labels) & mask).sum()

    def check(self, outputs: Outputs, batch: Batch) -> None:
        """Refuse other than a logit a class for each target."""
        logits, count = tensor_of(outputs, self.name), len(self.classes)
        remedy = "give the net's last layer as many outputs as there are classes"
        check_shape(logits, (*batch.labels.shape, count), f"a logit for each of the {count} classes", remedy)

    def predict(self, model: Model, batch: Batch, **options: Any) -> Prediction:
        """Probabilities of the classes, and the most probable one."""
        logits = tensor_of(model.run(self, batch), self.name).cpu()
        counts = _element_counts(batch, logits) if self.per_element else ()
        if counts and logits.ndim == 3:
            logits = torch.cat([row[:count] for row, count in zip(logits, counts, strict=True)])
        values = logits.softmax(-1).reshape(-1, len(self.classes)).numpy()
        return Prediction(self.classes, values, tuple(self.classes[k] for k in values.argmax(1)), counts)

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """Accuracy with its interval, confusion matrix, precision and recall of each class, worst mistakes."""
        examples = getattr(data, split)
        logits, targets, losses = [], [], []
        for batch, outputs in model.answers(self, examples):
            found, counts = tensor_of(outputs, self.name), self.counts(batch)
            losses.append([float(self.terms(found, batch, counts)[0]) * float(counts[0]), float(counts[0])])
            mask = self._mask(batch)
            logits.append((found if mask is None else found[mask]).cpu())
            targets.append((batch.labels if mask is None else batch.labels[mask]).cpu())
        if not any(map(len, targets)):
            expected, remedy = "at least one labeled example", "name another split"
            raise DataError("evaluation", expected=expected, got="none", remedy=remedy)
        total, weight = (sum(column) for column in zip(*losses, strict=True))
        return self._scores(torch.cat(logits), torch.cat(targets), total / weight, data, split, len(examples))

    def _scores(
        self,
        logits: Float[Tensor, "entries classes"],
        targets: Shaped[Tensor, " entries"],
        loss: float,
        data: Dataset,
        split: str,
        examples: int,
    ) -> Scores:
        confidence, predicted = logits.softmax(1).max(1)
        wrong = (predicted != targets).nonzero().flatten()
        worst = wrong[confidence[wrong].argsort(descending=True, stable=True)]
        confusion = _confusion(targets, predicted, len(self.classes))
        count, right = len(targets), int(confusion.trace())
        listed = worst[:_MISTAKES_LISTED]
        names = ([self.classes[k] for k in column[listed].tolist()] for column in (predicted, targets))
        keys = ("index", "predicted", "truth", "confidence")
        rows = zip(listed.tolist(), *names, confidence[listed].tolist(), strict=True)
        metrics = classification_metrics(logits.double().numpy(), targets.numpy(), confusion, self.classes)
        details = {
            "accuracy": right / count,
            "classes": list(self.classes),
            "confusion": confusion.tolist(),
            "per_class": per_class(confusion, self.classes),
            "mistakes": [dict(zip(keys, row, strict=True)) for row in rows],
        }
        found = {"predicted": predicted, "confidence": confidence, "targets": targets, "mistakes": worst}
        arrays = {name: array.numpy() for name, array in found.items()}
        entries = count if self.per_element else examples
        return Scores(self.name, split, data.name, entries, loss, metrics, details, arrays)

    def _mask(self, batch: Batch) -> Tensor | None:
        """Where a label is, of examples with a label for each element; none where every example has one."""
        return batch.labels >= 0 if self.per_element else None


def classification_metrics(
    logits: Float[np.ndarray, "entries classes"],
    targets: Int[np.ndarray, " entries"],
    confusion: Int[np.ndarray, "classes classes"],
    classes: tuple[str, ...],
) -> tuple[Metric, ...]:
    """Accuracy, beside that of always the most frequent class, balanced accuracy, and of two classes AUC and AP.

    The accuracy is no better than guessing where the other one lies within its 95 % interval or above.
    """
    truths, right = confusion.sum(1), int(confusion.trace())
    count, most, there = int(truths.sum()), float(truths.max() / truths.sum()), truths > 0
    interval = wilson_interval(right, count)
    remedy = _UNEVEN if most >= _UNEVEN_FROM / there.sum() else _GUESSED
    against = "always the most frequent class"
    guessed = remedy if interval[0] <= most and there.sum() > 1 else ""
    accuracy = Metric(
        "accuracy", right / count, "fraction of right answers", "%", True, most, against, interval, guessed
    )
    balanced = float((confusion.diagonal()[there] / truths[there]).mean())
    meaning, plain = "mean of the fractions of each class that are found", float(1 / there.sum())
    metrics = [accuracy, Metric("balanced accuracy", balanced, meaning, "%", True, plain, "always one class")]
    if len(classes) == 2 and there.all():
        # not by probabilities: those of sure answers are rounded to 1, and so to ties
        positive, scores, name = targets == 1, logits[:, 1] - logits[:, 0], f"“{classes[1]}”"
        meaning = f"how often an example of {name} is held for it more surely than one of “{classes[0]}”"
        metrics.append(Metric("AUC", roc_auc(scores, positive), meaning, "", True, 0.5, "a random order"))
        meaning = f"precision for {name}, mean over its examples from the surest down"
        precision, plain = average_precision(scores, positive), float(positive.mean())
        metrics.append(Metric("average precision", precision, meaning, "", True, plain, "a random order"))
    return tuple(metrics)


def per_class(confusion: Int[np.ndarray, "classes classes"], classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """Precision, recall, F1 and number of examples for each class; 0 where a ratio is undefined."""
    hits, answers, truths = confusion.diagonal(), confusion.sum(0), confusion.sum(1)
    rows = []
    for k, name in enumerate(classes):
        precision = float(hits[k] / answers[k]) if answers[k] else 0.0
        recall = float(hits[k] / truths[k]) if truths[k] else 0.0
        both = precision + recall
        f1 = 2 * precision * recall / both if both else 0.0
        rows.append({"class": name, "precision": precision, "recall": recall, "f1": f1, "examples": int(truths[k])})
    return rows


def _element_counts(batch: Batch, logits: Tensor) -> tuple[int, ...]:
    """How many elements each example has: the lengths behind its inputs, or as many as there are outputs."""
    lengths = [t for t, name in zip(batch.inputs, batch.names, strict=False) if name.endswith("_lengths")]
    if lengths:
        return tuple(lengths[0].tolist())
    return (logits.shape[1],) * batch.size if logits.ndim == 3 else ()


def _confusion(
    targets: Shaped[Tensor, " entries"], predicted: Shaped[Tensor, " entries"], classes: int
) -> Int[np.ndarray, "classes classes"]:
    counts = torch.bincount(targets * classes + predicted, minlength=classes * classes)
    return counts.view(classes, classes).numpy()
