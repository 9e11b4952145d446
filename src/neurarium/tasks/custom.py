"""A loss of the user's own: any function of outputs and targets that is a mean over the examples."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Num
from torch import Tensor

from neurarium.checks import ShapeError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.learning.loss import Loss
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Schema
from neurarium.tasks.model import Model
from neurarium.tasks.prediction import Prediction
from neurarium.tasks.scores import Scores
from neurarium.tasks.task import Context, Device, Helpers, Net, Outputs, Trainable


@dataclass(frozen=True, eq=False)
class CustomLoss(Trainable):
    """Another task with its loss replaced.

    `function`: `function(outputs, *targets)`, a scalar, the mean over the examples.
    """

    function: Callable[..., Tensor]
    inner: Trainable

    @classmethod
    def build(cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu") -> "CustomLoss":
        """Refuse: only the user has the function."""
        raise NotImplementedError

    @property
    def name(self) -> str:  # type: ignore[override]
        """The inner task's: it decides what errors and scores mean."""
        return self.inner.name

    @property
    def uses_gradient(self) -> bool:
        """Whether the inner task's outputs are a gradient."""
        return self.inner.uses_gradient

    def forward(self, net: Net, batch: Batch, context: Context) -> Outputs:
        """Call the net as the inner task does."""
        return self.inner.forward(net, batch, context)

    def drawn(self, batch: Batch, context: Context) -> Batch:
        """Draw what the inner task draws."""
        return self.inner.drawn(batch, context)

    def counts(self, batch: Batch) -> Float[Tensor, "2"]:
        """Examples, and what the errors are counted over."""
        entries = self.inner.counts(batch)[-1]
        return torch.stack([entries.new_tensor(float(batch.size)), entries])

    def terms(self, outputs: Outputs, batch: Batch, counts: Float[Tensor, "2"]) -> tuple[Tensor, ...]:
        """The function's mean, weighted by the examples that it is a mean over."""
        given = outputs if isinstance(outputs, tuple) else (outputs,)
        loss = self.function(*given, *batch.targets)
        if not isinstance(loss, Tensor) or loss.ndim:
            got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
            remedy = "let the function return loss.mean()"
            raise ShapeError("loss", expected="a scalar tensor, the mean over the examples", got=got, remedy=remedy)
        return (loss * (batch.size / counts[0].to(loss.dtype)),)

    def errors(self, outputs: Outputs, batch: Batch) -> Num[Tensor, ""]:
        """The inner task's errors."""
        return self.inner.errors(outputs, batch)

    def check(self, outputs: Outputs, batch: Batch) -> None:
        """Let the inner task look at the outputs."""
        self.inner.check(outputs, batch)

    def predict(self, model: Model, batch: Batch, **options: Any) -> Prediction:
        """As the inner task."""
        return self.inner.predict(model, batch, **options)

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """The inner task's scores; the loss in them is the inner task's."""
        return self.inner.score(model, data, split)
