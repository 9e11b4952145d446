"""Nets that forecast a series, as a recipe names them (no torch)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from neurarium.checks import DataError
from neurarium.nets.recurrent.recurrent_spec import RecurrentSpec
from neurarium.nets.refusals import other_input
from neurarium.record.schema import Field, Schema

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ForecastSpec(RecurrentSpec):
    """Recurrent net of any cell that says how far from its last value a series will be. Raises as `RecurrentSpec`."""

    summary: ClassVar[str] = "recurrent net of any cell that forecasts a series from where it stands"
    task: ClassVar[str] = "forecast"
    laws: ClassVar[tuple[str, ...]] = ("batch",)

    @classmethod
    def example(cls) -> Schema:
        """Windows of 12 steps, and the three that follow."""
        return Schema({"series": Field((12, 1))}, {"next": Field((3,), names=("in 1", "in 2", "in 3"))})

    def build(self, schema: Schema, backbone: "torch.nn.Module | None" = None) -> "torch.nn.Module":
        """Make the net for one series of one number a step, scaled as what follows it is.

        Raises ShapeError: other inputs or targets; DataError: input and target are scaled differently.
        """
        from neurarium.nets.recurrent.forecast_net import ForecastNet

        if schema.input.categories or schema.input.shape[1:] != (1,):
            raise other_input("recurrent-forecast", "one series (time, 1) of numbers", schema)
        scales = {pair for field in (schema.input, schema.target) for pair in zip(field.mean, field.std, strict=True)}
        if len(scales) > 1:
            remedy = "choose the net recurrent, or data made by data.forecasts.from_series"
            expected = "a series and its next values, scaled by one mean and one standard deviation"
            raise DataError("data", expected=expected, got=f"{len(scales)} different ones", remedy=remedy)
        return ForecastNet(super().build(schema, backbone))
