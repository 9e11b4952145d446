import itertools
import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from neurarium.checks import ConfigError
from neurarium.nets.connectionist.cover import cover_count, cover_fraction
from neurarium.nets.connectionist.separability import Separator, separate


def labelings_by_programmes(points: np.ndarray) -> int:
    """2 times the labelings, first label +1, for which y_i x_i . w >= 1 has a solution."""
    feasible = 0
    for rest in itertools.product((-1, 1), repeat=len(points) - 1):
        z = np.array([1, *rest])[:, None] * points
        found = linprog(np.zeros(z.shape[1]), A_ub=-z, b_ub=-np.ones(len(z)), bounds=(None, None))
        ours = separate(torch.from_numpy(points), torch.tensor([1, *rest]), bias=False)
        assert isinstance(ours, Separator) == (found.status == 0)
        feasible += found.status == 0
    return 2 * feasible


@pytest.mark.parametrize(("s", "n"), [(1, 1), (3, 1), (2, 2), (4, 2), (5, 2), (3, 3), (5, 3), (6, 3), (6, 4)])
def test_count_is_that_of_linear_programmes(s: int, n: int) -> None:
    points = np.random.default_rng(s * 10 + n).standard_normal((s, n))
    assert cover_count(s, n) == labelings_by_programmes(points)


def test_count_grows_by_its_recursion() -> None:
    for s in range(1, 30):
        assert cover_count(s, 1) == 2
        assert cover_count(1, s) == 2
        for n in range(2, 30):
            assert cover_count(s + 1, n) == cover_count(s, n) + cover_count(s, n - 1)


def test_fraction_falls_beyond_twice_the_dimension_and_the_count_does_not() -> None:
    for n in (1, 5, 50):
        assert cover_fraction(n, n) == 1.0
        assert cover_fraction(2 * n, n) == 0.5
        assert cover_count(4 * n + 1, n) >= cover_count(4 * n, n) >= cover_count(2 * n, n)
    # sum of the first 50 of 151 binomials, each term from log-gamma
    logs = [math.lgamma(150) - math.lgamma(i + 1) - math.lgamma(150 - i) for i in range(50)]
    assert cover_fraction(150, 50) == pytest.approx(sum(math.exp(v - 149 * math.log(2)) for v in logs), rel=1e-9)
    assert cover_fraction(150, 50) < 1e-3 * 0.1
    assert cover_fraction(5000, 50) >= 0.0  # integers far beyond floats


def test_no_points() -> None:
    for s, n in ((0, 2), (2, 0)):
        with pytest.raises(ConfigError):
            cover_count(s, n)
