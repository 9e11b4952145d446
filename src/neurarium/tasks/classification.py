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
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Device, Helpers, Outputs, Trainable, check_shape, tensor_of

_MISTAKES_LISTED = 25
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
        plain, against = float(confusion.sum(1).max() / count), "always the most frequent class"
        interval = wilson_interval(right, count)
        metric = Metric("accuracy", right / count, "share of right answers", "%", True, plain, against, interval)
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
        return Scores(self.name, split, data.name, entries, loss, (metric,), details, arrays)

    def _mask(self, batch: Batch) -> Tensor | None:
        """Where a label is, of examples with a label for each element; none where every example has one."""
        return batch.labels >= 0 if self.per_element else None


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
