import dataclasses

import pytest
import torch

from neurarium.checks import DataError, ShapeError
from neurarium.nets.recurrent.forecast_spec import ForecastSpec
from neurarium.record.schema import Schema


def test_it_follows_a_series_to_any_level() -> None:
    torch.manual_seed(0)
    net, x = ForecastSpec(hidden=5).build(ForecastSpec.example()).double(), torch.randn(4, 12, 1).double()
    torch.testing.assert_close(net(x + 1000), net(x) + 1000, rtol=0, atol=1e-9)
    # the net inside sees how far each step is from the last
    inside = net.get_submodule("net")
    torch.testing.assert_close(net(x), x[:, -1] + inside(x - x[:, 11:12]))


def test_other_series_are_refused() -> None:
    net = ForecastSpec(hidden=5).build(ForecastSpec.example())
    with pytest.raises(ShapeError, match="layer net"):
        net(torch.zeros(4, 12, 2))
    with pytest.raises(ShapeError, match="layer net"):
        net(torch.zeros(4, 12))


def test_scales_that_differ_are_refused() -> None:
    schema = ForecastSpec.example()
    x, y = schema.input, schema.target
    alike = Schema(
        {"series": dataclasses.replace(x, mean=(1.0,) * 12, std=(2.0,) * 12)},
        {"next": dataclasses.replace(y, mean=(1.0,) * 3, std=(2.0,) * 3)},
    )
    ForecastSpec(hidden=5).build(alike)
    with pytest.raises(DataError, match="one mean"):
        ForecastSpec(hidden=5).build(
            Schema(alike.inputs, {"next": dataclasses.replace(y, mean=(0.0,) * 3, std=(2.0,) * 3)})
        )
