import dataclasses

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch import Tensor, nn

from neurarium.checks import DataError
from neurarium.data.forecasts import from_series
from neurarium.learning.loss import Loss
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.forecast import _PENALTIES, Forecast, linear_forecast
from neurarium.tasks.model import Model
from neurarium.tasks.sample_of import drawn_inputs

from .small import SERIES

SEASONS = from_series(
    np.sin(np.arange(120.0) * np.pi / 2) + np.random.RandomState(0).normal(0, 0.1, 120),
    "toy",
    length=6,
    names=("in 1", "in 2"),
    period=4,
    provenance="made up",
)


class LastTwo(nn.Module):
    """Answers with the last two values."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, -2:, 0]


def test_scores_by_hand() -> None:
    task = Forecast.build(NetSpec(), Loss(), SEASONS.schema, {})
    found = task.score(Model(LastTwo(), torch.device("cpu")), SEASONS, "test")
    x = torch.cat(list(SEASONS.test.pieces("series")))[..., 0].numpy()
    mean, std = SEASONS.schema.target.mean[0], SEASONS.schema.target.std[0]
    y = SEASONS.test.target("next").double().numpy() * std + mean
    net, naive = ((x[:, columns] - y) ** 2 for columns in ([4, 5], [2, 3]))
    assert found.value("RMSE") == pytest.approx(net.mean() ** 0.5, rel=1e-5)
    assert found.metrics[0].baseline == pytest.approx(naive.mean() ** 0.5, rel=1e-5)
    assert found.metrics[0].against == "the value 4 steps before"
    assert found.value("skill") == pytest.approx(1 - net.mean() / naive.mean(), rel=1e-4)
    rows = found.details["by_step"]
    assert [row["step"] for row in rows] == ["in 1", "in 2"]
    np.testing.assert_allclose([row["RMSE"] for row in rows], net.mean(0) ** 0.5, rtol=1e-5)
    np.testing.assert_allclose([row["naive"] for row in rows], naive.mean(0) ** 0.5, rtol=1e-5)
    # half a period apart it is worse than one that knows the season
    assert found.value("skill") < -10


def test_the_linear_forecast_is_the_best_ridge_of_scikit_learn() -> None:
    (x, y), (held_x, held_y), (test_x, _) = (
        (drawn_inputs(part)[..., 0].double().numpy(), part.target("next").double().numpy())
        for part in SEASONS.parts().values()
    )
    fits = [Ridge(alpha=len(x) * l2).fit(x, y) for l2 in _PENALTIES]
    best = min(fits, key=lambda fit: ((fit.predict(held_x) - held_y) ** 2).sum())
    found = linear_forecast(SEASONS, drawn_inputs(SEASONS.test))
    np.testing.assert_allclose(found, best.predict(test_x), rtol=1e-6, atol=1e-9)


def test_what_is_no_window_is_refused() -> None:
    def build(schema: Schema) -> Forecast:
        return Forecast.build(NetSpec(), Loss(), schema, {})

    assert build(SERIES).period == 2
    with pytest.raises(DataError, match="windows"):
        build(Schema({"series": Field((5, 2))}, SERIES.targets))
    with pytest.raises(DataError, match="period of 1 to 5"):
        build(Schema(SERIES.inputs, {"next": dataclasses.replace(SERIES.target, constants={"period": 6})}))
