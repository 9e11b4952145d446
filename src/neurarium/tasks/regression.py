"""Predicting numbers, standardized while they are learned.

    R^2 = 1 - sum_n (t_n - y_n)^2 / sum_n (t_n - mean t)^2      fraction of the variance that the answers explain
    RMSE = sqrt(1/N sum_n (t_n - y_n)^2),   MAE = 1/N sum_n |t_n - y_n|      in the units of the target

With several outputs R^2 is their mean, and each has its own errors. Targets may be tensors, such as frames: the outputs
are then what lies along their first axis, and each place of the others is an entry by itself. Beside the errors stand
those of always answering the mean of the training targets; the R^2 of that is 0 or, where the mean of these examples is
another, below.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.scaling import unscaled
from neurarium.learning.loss import Loss
from neurarium.learning.losses import Criterion, squared_distance
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.interval import Z_95
from neurarium.tasks.model import Model
from neurarium.tasks.prediction import Prediction
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Device, Helpers, Outputs, Trainable, check_shape, tensor_of

_GUESSED = "try another learning rate or more epochs, and see that the inputs tell something of the numbers."


@dataclass(frozen=True, eq=False)
class Regression(Trainable):
    """Outputs against numbers."""

    criterion: Criterion
    target: Field
    names: tuple[str, ...]

    name: ClassVar[str] = "regression"

    @classmethod
    def build(cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu") -> "Regression":
        """Make the task of the schema's first target."""
        if schema.target.is_ragged:
            got = f"numbers of shape {schema.target.in_words()}"
            remedy = "choose a task that is made for such targets, or a loss of your own: train(..., loss=callable)"
            raise DataError("target", expected="as many numbers for each example", got=got, remedy=remedy)
        return cls(loss.build(schema.target, device), schema.target, schema.classes)

    def counts(self, batch: Batch) -> Float[Tensor, "2"]:
        """Number of examples, twice."""
        return self.criterion.weight(self._rows(batch)).expand(2)

    def terms(self, outputs: Outputs, batch: Batch, counts: Float[Tensor, "2"]) -> tuple[Tensor, ...]:
        """The loss of the numbers."""
        return (self.criterion.loss(in_rows(tensor_of(outputs, self.name)), self._rows(batch), counts[0]),)

    def errors(self, outputs: Outputs, batch: Batch) -> Float[Tensor, ""]:
        """Sum of squared differences: its mean is the fraction of the variance that is not explained."""
        return squared_distance(in_rows(tensor_of(outputs, self.name)), self._rows(batch))

    def check(self, outputs: Outputs, batch: Batch) -> None:
        """Refuse other than a number for each output."""
        expected = (batch.size, len(self.names), *batch.labels.shape[2:])
        meaning = f"a number for each of {', '.join(self.names)}"
        remedy = "give the net's last layer as many outputs as there are numbers to predict"
        check_shape(tensor_of(outputs, self.name), expected, meaning, remedy)

    def predict(self, model: Model, batch: Batch, **options: Any) -> Prediction:
        """Numbers in the units of the targets."""
        outputs = unscaled(tensor_of(model.run(self, batch), self.name).cpu(), self.target)
        rows = in_rows(outputs)
        counts = (len(rows) // len(outputs),) * len(outputs) if outputs.ndim > 2 else ()
        return Prediction(self.names, rows.numpy(), counts=counts)

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """R^2, and the errors of each output in its units."""
        examples = getattr(data, split)
        outputs, loss = model.outputs(self, examples)
        stored = examples.target(next(iter(data.schema.targets))).cpu()
        answers, targets = (in_rows(unscaled(x, self.target)) for x in (outputs, stored.view(outputs.shape)))
        metrics = regression_metrics(answers, targets, self.names, self.target.mean or (0.0,) * len(self.names))
        arrays = {} if outputs.ndim > 2 else {"answers": answers.numpy(), "targets": targets.numpy()}
        return Scores(self.name, split, data.name, len(examples), loss, metrics, arrays=arrays)

    def _rows(self, batch: Batch) -> Float[Tensor, "batch outputs"]:
        return in_rows(batch.labels)


def in_rows(x: Float[Tensor, "batch *shape"]) -> Float[Tensor, "entries outputs"]:
    """Numbers along the first axis of an example as columns, each place of its other axes a row.

    Example:
        >>> in_rows(torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])).tolist()  # two outputs at two places
        [[1.0, 3.0], [2.0, 4.0]]
    """
    return x.movedim(1, -1).flatten(0, -2) if x.ndim > 2 else x.view(len(x), -1)


def r_squared(answers: Float[Tensor, "examples outputs"], targets: Float[Tensor, "examples outputs"]) -> float:
    """R^2, mean over the outputs; not a number where the targets of an output are all the same.

    Example:
        >>> r_squared(torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([[1.0], [2.0], [3.0]]))
        0.5
    """
    answers, targets = answers.double(), targets.double()
    residual = (targets - answers).square().sum(0)
    total = (targets - targets.mean(0)).square().sum(0)
    return float((1 - residual / total).mean()) if bool((total > 0).all()) else math.nan


def better_beyond_chance(
    answers: Float[Tensor, "examples outputs"],
    simple: Float[Tensor, "examples outputs"],
    targets: Float[Tensor, "examples outputs"],
) -> bool:
    """Whether the squared errors of the answers are smaller than those of simple ones, by more than chance explains.

    The mean over the examples of d = |t - s|^2 - |t - y|^2, each output in units of its spread, exceeds 1.96 of its
    standard errors.
    """
    spread = targets.std(0, correction=0).clamp(min=torch.finfo(targets.dtype).tiny)
    ours, theirs = (((targets - said) / spread).square().sum(1) for said in (answers, simple))
    gains = theirs - ours
    return bool(gains.mean() > Z_95 * gains.std(correction=1) / math.sqrt(len(gains))) if len(gains) > 1 else True


def regression_metrics(
    answers: Float[Tensor, "examples outputs"],
    targets: Float[Tensor, "examples outputs"],
    names: Sequence[str],
    mean: Sequence[float],
) -> tuple[Metric, ...]:
    """Compare answers with targets, both in the units of the source; `mean` is that of the training targets."""
    answers, targets = answers.double(), targets.double()
    plain = torch.tensor(mean, dtype=torch.float64).expand_as(targets)
    against = "always the mean of the training targets"
    of_what = names[0] if len(names) == 1 else "the targets"
    meaning, r2 = f"fraction of the variance of {of_what} that the answers explain", r_squared(answers, targets)
    guessed = "" if better_beyond_chance(answers, plain, targets) else _GUESSED
    metrics = [Metric("R²", r2, meaning, baseline=r_squared(plain, targets), against=against, remedy=guessed)]
    for k, name in enumerate(names):
        of = f" of {name}" if len(names) > 1 else ""
        gap, simple = answers[:, k] - targets[:, k], plain[:, k] - targets[:, k]
        rmse, plain_rmse = (float(x.square().mean().sqrt()) for x in (gap, simple))
        meaning = f"root of the mean squared error of {name}, in its units"
        metrics.append(Metric(f"RMSE{of}", rmse, meaning, "", False, plain_rmse, against))
        mae, plain_mae = (float(x.abs().mean()) for x in (gap, simple))
        meaning = f"mean absolute error of {name}, in its units"
        metrics.append(Metric(f"MAE{of}", mae, meaning, "", False, plain_mae, against))
    return tuple(metrics)
