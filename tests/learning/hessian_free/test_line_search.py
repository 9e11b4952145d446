import math

import pytest
import torch

from neurarium.learning.hessian_free.line_search import best_iterate, line_search

POINTS = [torch.tensor([float(i)]) for i in range(6)]


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        ([5, 4, 3, 2, 1, 0], 5),
        ([5, 4, 3, 1, 2, 3], 3),
        ([0, 9, 3, 4, 5, 6], 2),  # goes back only as long as it falls
        ([5, 4, 3, math.inf, math.nan, math.inf], 2),
    ],
)
def test_backtracking(values: list[float], chosen: int) -> None:
    point, value = best_iterate(lambda p: float(values[int(p)]), POINTS)
    assert int(point) == chosen
    assert value == values[chosen]


def test_backtracking_looks_no_further_than_it_must() -> None:
    seen = []
    best_iterate(lambda p: seen.append(int(p)) or -float(p), POINTS)
    assert seen == [5, 4]


@pytest.mark.parametrize("minimum", [2.0, 1.0, 0.3, 0.01])
def test_rate_is_the_first_that_gains_its_share(minimum: float) -> None:
    # f(a) = a^2 - 2 minimum a falls by a fraction of its slope c where a <= 2 minimum (1 - c)
    def f(a: float) -> float:
        return a * a - 2 * minimum * a

    rate, value = line_search(f, before=0.0, slope=-2 * minimum, at_one=f(1.0))
    limit = 2 * minimum * 0.99
    assert rate == pytest.approx(1.0 if limit >= 1 else 0.8 ** math.ceil(math.log(limit) / math.log(0.8)))
    assert value == f(rate) < 0


@pytest.mark.parametrize("slope", [-1.0, 0.0, 1.0])
def test_no_step_is_taken_that_gains_nothing(slope: float) -> None:
    assert line_search(lambda a: 7.0 + a, before=7.0, slope=slope, at_one=8.0) == (0.0, 7.0)


def test_undefined_objective_shortens_the_step() -> None:
    assert line_search(lambda a: -a if a < 0.7 else math.nan, 0.0, -1.0, math.nan)[0] == pytest.approx(0.64)
