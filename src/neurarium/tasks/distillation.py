"""A task of classes taught by another net: its softened answers beside the labels.

    L = alpha T^2/N sum_n H(softmax(F_n / T), softmax(G_n / T)) + (1 - alpha) L_labels

with F the teacher's logits, G the student's, alpha the loss's fraction. Source: `learning.distillation`.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.learning.distillation import tempered_cross_entropy
from neurarium.learning.loss import Loss
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Schema
from neurarium.tasks.classification import LEAST, Classification
from neurarium.tasks.model import Model
from neurarium.tasks.scores import Scores
from neurarium.tasks.task import Device, Helpers, Outputs, tensor_of


@dataclass(frozen=True, eq=False)
class Distillation(Classification):
    """Classification with a `teacher`, which answers the inputs of a batch with logits, without gradient."""

    teacher: nn.Module | None = None
    settings: Loss = field(default_factory=Loss)

    needs: ClassVar[str] = "teacher"

    @classmethod
    def build(
        cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu"
    ) -> "Distillation":
        """Make the task; a `ConfigError` where there is no teacher."""
        if "teacher" not in helpers:
            expected = "a run whose net is the teacher, for the loss distillation"
            remedy = "name a recipe or a run folder: --pretrained lenet5"
            raise ConfigError("pretrained", expected=expected, got="none", remedy=remedy)
        target = schema.target
        criterion = loss.build(target, device)
        return cls(criterion, target.categories, bool(target.shape), helpers["teacher"], loss)

    def counts(self, batch: Batch) -> Float[Tensor, "_"]:
        """Entries that the teacher answers, then weights of the labels where classes are weighted, then entries."""
        weight, entries = super().counts(batch)
        return torch.stack([entries, weight, entries]) if self._weighted else torch.stack([entries, entries])

    def terms(self, outputs: Outputs, batch: Batch, counts: Float[Tensor, "_"]) -> tuple[Tensor, ...]:
        """The teacher's term and that of the labels in their fractions: one term where both count the same entries."""
        assert self.teacher is not None
        fraction, logits = self.settings.alpha, tensor_of(outputs, self.name)
        with torch.no_grad():
            answers: Tensor = self.teacher(*batch.inputs)
        mask, total = self._mask(batch), counts[0].clamp(min=LEAST)
        student, answers = (logits, answers) if mask is None else (logits[mask], answers[mask])
        soft = tempered_cross_entropy(student, answers, self.settings.temperature, total)
        (hard,) = super().terms(outputs, batch, counts[-2:])
        if self._weighted:
            return fraction * soft, (1 - fraction) * hard
        return (fraction * soft + (1 - fraction) * hard,)

    @property
    def _weighted(self) -> bool:
        return self.criterion.weights is not None

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """As a net that learned from labels: the loss is theirs."""
        labels = self.settings.without_teacher().build(data.schema.target, model.device)
        return Classification(labels, self.classes, self.per_element).score(model, data, split)
