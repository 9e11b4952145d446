import math

import pytest

from neurarium.learning.hessian_free.damping import LEAST, adapted, reduction_ratio


@pytest.mark.parametrize(
    ("ratio", "factor"),
    [(-math.inf, 1.5), (-1.0, 1.5), (0.0, 1.5), (0.24, 1.5), (0.25, 1.0), (0.75, 1.0), (0.76, 2 / 3), (2.0, 2 / 3)],
)
def test_damping_follows_the_ratio(ratio: float, factor: float) -> None:
    assert adapted(12.0, ratio) == pytest.approx(12.0 * factor)


def test_damping_never_vanishes() -> None:
    assert adapted(LEAST, 1.0) == LEAST


@pytest.mark.parametrize(
    ("fall", "predicted", "ratio"),
    [(-2.0, -2.0, 1.0), (-1.0, -4.0, 0.25), (1.0, -4.0, -0.25), (math.nan, -1.0, -math.inf), (0.0, 0.0, -math.inf)],
)
def test_ratio(fall: float, predicted: float, ratio: float) -> None:
    assert reduction_ratio(fall, predicted) == ratio
