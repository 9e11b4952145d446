"""How well a memory gives back what it holds, from damaged examples of it."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from neurarium.data.dataset import Dataset
from neurarium.learning.loss import Loss
from neurarium.learning.recall import recall_scores
from neurarium.nets.expect import expect
from neurarium.nets.interfaces import Memory
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Schema
from neurarium.tasks.model import Model
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Device, Helpers, Task


@dataclass(frozen=True, eq=False)
class Recall(Task):
    """Damage the stored patterns, a fraction `flip` of their units, always the same, and let the net recall them."""

    flip: float = 0.25

    name: ClassVar[str] = "recall"

    @classmethod
    def build(cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu") -> "Recall":
        """Make the task; the damage is the spec's `flip`, where it has one."""
        return cls(getattr(spec, "flip", 0.25))

    def admits(self, net: nn.Module) -> None:
        """Refuse a net that is no `Memory`."""
        expect(net, Memory, "the task recall", remedy="leave it to the net: --task auto")

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """Fraction of exact recalls and of right units; the split does not matter: only what is stored is asked for."""
        net = expect(model.net, Memory, "the task recall")
        found = recall_scores(net.recall, net.kept, self.flip)
        stored = f"{len(net.kept):,} stored pattern{'' if len(net.kept) == 1 else 's'}"
        exact = f"fraction of the {stored} that come back without a wrong unit, {100 * self.flip:g} % of them flipped"
        right, against = "fraction of right units after the recall", "the damaged patterns themselves"
        metrics = (
            Metric("exact recall", found.exact, exact, "%"),
            Metric("right units", found.right_after, right, "%", baseline=found.right_before, against=against),
            Metric("overlap", found.overlap, "mean of 1/n x . x' of a pattern and what was recalled"),
            Metric("sweeps", found.steps, "passes over all units until nothing changed", higher_is_better=False),
        )
        return Scores(self.name, split, data.name, len(net.kept), None, metrics)
