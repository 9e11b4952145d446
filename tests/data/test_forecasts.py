import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.data import forecasts
from neurarium.data.dataset import Dataset
from neurarium.data.scaling import unscaled


def numbers(data: Dataset, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Windows and what follows them, in the units of the series."""
    examples = data.parts()[part]
    inputs = torch.cat(list(examples.pieces("series")))[..., 0]
    return inputs.numpy(), unscaled(examples.target("next"), data.schema.target).numpy()


def test_windows_are_slices_and_parts_follow_each_other() -> None:
    values = np.arange(100.0) ** 1.5
    data = forecasts.from_series(values, "toy", length=8, names=("1", "2", "3"), provenance="made up")
    last_asked = 7
    for part in ("train", "validation", "test"):
        inputs, targets = numbers(data, part)
        starts = np.searchsorted(values, inputs[:, 0])
        assert (np.diff(starts) == 1).all()
        for start, window, asked in zip(starts, inputs, targets, strict=True):
            np.testing.assert_array_equal(window, values[start : start + 8])
            np.testing.assert_allclose(asked, values[start + 8 : start + 11], rtol=1e-6)
        # nothing is asked for in two parts, nothing is left out
        assert starts[0] + 8 == last_asked + 1
        last_asked = starts[-1] + 10
    assert last_asked == 99


def test_scaled_by_the_time_of_training_alone() -> None:
    values = np.random.RandomState(0).normal(size=200)
    later = np.concatenate([values[:141], values[141:] + 50])
    one, other = (
        forecasts.from_series(v, "toy", length=5, names=("next",), provenance="made up") for v in (values, later)
    )
    assert one.schema.input.mean == other.schema.input.mean == one.schema.target.mean * 5
    seen = numbers(one, "train")
    np.testing.assert_allclose(one.schema.target.mean, np.mean([*seen[0][0], *seen[1][:, 0]]), rtol=1e-6)


def test_the_stored_series() -> None:
    data = forecasts.co2()
    inputs, targets = numbers(data, "test")
    assert inputs.shape[1:] == (36,)
    assert targets[-1, -1] == pytest.approx(371.02, abs=0.01)
    assert numbers(data, "train")[0][0, 0] == pytest.approx(322.00)
    inputs, targets = numbers(forecasts.sunspots(), "train")
    np.testing.assert_allclose(inputs[0, :4], [5, 11, 16, 23])
    assert targets.shape[1:] == (1,)


@pytest.mark.parametrize(
    ("values", "match"), [(np.arange(20.0), "longer series"), (np.array([*range(50), np.nan]), r"value 50 .*finite")]
)
def test_what_is_no_series_is_refused(values: np.ndarray, match: str) -> None:
    with pytest.raises(DataError, match=match):
        forecasts.from_series(values, "toy", length=15, names=("next", "after"), provenance="made up")
