import math

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from neurarium.training.scores.regression import explained, regression_measures


def drawn(outputs: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(outputs)
    targets = random.normal(50.0, 20.0, (40, outputs)) * np.arange(1, outputs + 1)
    return targets + random.normal(2.0, 8.0, targets.shape), targets


@pytest.mark.parametrize("outputs", [1, 3])
def test_r2_is_scikit_learns(outputs: int) -> None:
    answers, targets = drawn(outputs)
    got = explained(torch.from_numpy(answers), torch.from_numpy(targets))
    assert got == pytest.approx(r2_score(targets, answers), rel=1e-12)


def test_float32_far_from_zero_keeps_its_digits() -> None:
    targets = torch.tensor([[100000.0], [100001.0], [100002.0]])
    assert explained(targets + torch.tensor([[1.0], [0.0], [0.0]]), targets) == pytest.approx(0.5)


def test_targets_without_variance_have_no_r2() -> None:
    targets = torch.tensor([[1.0, 2.0], [1.0, 3.0]])
    assert math.isnan(explained(targets, targets))
    assert explained(targets[:, 1:], targets[:, 1:]) == 1.0


def test_measures_of_one_output() -> None:
    answers, targets = drawn(1)
    found = regression_measures(torch.from_numpy(answers), torch.from_numpy(targets), ["price"], [48.0])
    plain = np.full_like(targets, 48.0)
    expected = {"R²": r2_score, "RMSE": root_mean_squared_error, "MAE": mean_absolute_error}
    assert [measure.name for measure in found] == list(expected)
    for measure, score in zip(found, expected.values(), strict=True):
        assert measure.value == pytest.approx(score(targets, answers), rel=1e-12)
        assert measure.baseline == pytest.approx(score(targets, plain), rel=1e-12)
        assert measure.higher_is_better == (measure.name == "R²")
    assert found[0].baseline < 0  # the mean of other examples is worse than their own


def test_each_output_has_its_own_errors() -> None:
    answers, targets = drawn(2)
    found = regression_measures(torch.from_numpy(answers), torch.from_numpy(targets), ["a", "b"], [0.0, 1.0])
    values = {measure.name: measure for measure in found}
    assert list(values) == ["R²", "RMSE of a", "MAE of a", "RMSE of b", "MAE of b"]
    for k, name in enumerate("ab"):
        assert values[f"RMSE of {name}"].value == pytest.approx(
            root_mean_squared_error(targets[:, k], answers[:, k]), rel=1e-12
        )
        assert values[f"MAE of {name}"].baseline == pytest.approx(np.abs(targets[:, k] - k).mean(), rel=1e-12)
