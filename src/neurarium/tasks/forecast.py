"""Saying how a series goes on, from a window of it, judged beside simple forecasts.

    naive:   y_(T+h) = x_(T-P+1 + (h-1) mod P)      the last value (P = 1), or what was a period P ago
    linear:  ridge regression of what follows on the window
    skill = 1 - MSE / MSE of the naive forecast

Source: R. J. Hyndman, G. Athanasopoulos, "Forecasting: principles and practice", 2021 (naive forecasts); A. H. Murphy,
"Skill scores based on the mean square error and their relationships to the correlation coefficient", 1988.
"""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.dataset import Dataset
from neurarium.data.scaling import unscaled
from neurarium.learning.least_squares import least_squares
from neurarium.learning.loss import Loss
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.model import Model
from neurarium.tasks.regression import Regression
from neurarium.tasks.sample_of import drawn_inputs
from neurarium.tasks.scores import Metric, Scores
from neurarium.tasks.task import Device, Helpers

_PENALTIES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


@dataclass(frozen=True, eq=False)
class Forecast(Regression):
    """Regression of what follows a window; the target's constant `period` says how long ago things were alike."""

    window: Field
    period: int

    name: ClassVar[str] = "forecast"

    @classmethod
    def build(cls, spec: NetSpec, loss: Loss, schema: Schema, helpers: Helpers, device: Device = "cpu") -> "Forecast":
        """Make the task. Raises DataError: an input that is no window of one series, or shorter than the period."""
        base, window = Regression.build(spec, loss, schema, helpers, device), schema.input
        period = int(schema.target.constants.get("period", 1))
        if len(schema.inputs) > 1 or window.is_ragged or window.categories or window.shape[1:] != (1,):
            expected = "windows (steps, 1) of one series, and the numbers that follow"
            raise DataError("input", expected=expected, got=schema.in_words(), remedy="choose the task regression")
        if not 1 <= period <= int(window.shape[0] or 0):
            expected = f"a period of 1 to {window.shape[0]} steps, as the window has so many"
            raise DataError("target", expected=expected, got=str(period), remedy="give longer windows")
        return cls(base.criterion, base.target, base.names, window, period)

    def score(self, model: Model, data: Dataset, split: str) -> Scores:
        """Root mean squared error and skill beside the naive and the linear forecast; by step ahead in the details."""
        found = super().score(model, data, split)
        answers, targets = (torch.from_numpy(found.arrays[name]).double() for name in ("answers", "targets"))
        inputs = drawn_inputs(getattr(data, split))
        naive = naive_forecast(unscaled(inputs, self.window)[..., 0], targets.shape[1], self.period).double()
        errors = [
            (y - targets).square() for y in (answers, naive, unscaled(linear_forecast(data, inputs), self.target))
        ]
        net, plain, linear = (float(error.mean()) for error in errors)
        last = "the last value" if self.period == 1 else f"the value {self.period} steps before"
        meaning = "root of the mean squared error over all steps ahead, in the units of the series"
        fraction = f"1 - mean squared error over that of the naive forecast, {last}"
        ridge = "ridge regression on the window"
        metrics = (
            Metric("RMSE", net**0.5, meaning, "", False, plain**0.5, last),
            Metric("skill", 1 - net / plain if plain else float("nan"), fraction, "", True, 1 - linear / plain, ridge),
        )
        by_step = zip(self.names, *(error.mean(0).sqrt().tolist() for error in errors), strict=True)
        details = {"by_step": [dict(zip(("step", "RMSE", "naive", "linear"), row, strict=True)) for row in by_step]}
        return dataclasses.replace(found, metrics=metrics, details=details)


def naive_forecast(window: Float[Tensor, "examples steps"], ahead: int, period: int) -> Float[Tensor, "examples ahead"]:
    """What was a period ago, over and over.

    Example:
        >>> naive_forecast(torch.tensor([[1.0, 2.0, 3.0]]), ahead=4, period=2)
        tensor([[2., 3., 2., 3.]])
    """
    return window[:, window.shape[1] - period + torch.arange(ahead) % period]


def linear_forecast(data: Dataset, inputs: Float[Tensor, "examples steps 1"]) -> Float[Tensor, "examples ahead"]:
    """Ridge regression on the training windows, scaled as the net sees them; the penalty that is best in validation."""
    target = next(iter(data.schema.targets))
    x, y = drawn_inputs(data.train).flatten(1), data.train.target(target).cpu()
    fits = [least_squares(x, y, l2) for l2 in _PENALTIES]
    held_x, held_y = drawn_inputs(data.validation).flatten(1), data.validation.target(target).cpu()
    best = min(fits, key=lambda fit: float((fit.predict(held_x) - held_y).square().sum()))
    return best.predict(inputs.flatten(1))
