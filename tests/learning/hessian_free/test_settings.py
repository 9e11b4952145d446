import math

import pytest

from neurarium.checks import ConfigError
from neurarium.learning.hessian_free.settings import HessianFree


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("damping", 0.0),
        ("damping", math.inf),
        ("iterations", 0),
        ("tolerance", -1e-3),
        ("warm_start", 1.5),
        ("curvature", 0.0),
        ("curvature", 1.1),
        ("preconditioner", -0.5),
        ("preconditioner", math.nan),
    ],
)
def test_refuses(field: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"optimizer.hessian_free.{field}"):
        HessianFree(**{field: value})
