import math

import pytest

from neurarium.learning.trace.flow import exploded, factors, mean_factor, vanished


def test_factors_run_backwards():
    assert factors([2.0, 4.0, None, 1.0]) == [0.5, None, None, None]
    assert factors([1.0, 0.0]) == [None, None]
    assert factors([]) == []


def test_mean_factor_is_the_geometric_mean_of_the_factors():
    errors = [3.0, 0.5, 8.0, 2.0]
    each = factors(errors)[:-1]
    assert mean_factor(errors) == pytest.approx(math.prod(each) ** (1 / 3))
    assert mean_factor([0.0, 1.0]) == 0
    assert mean_factor([1.0]) is None
    assert mean_factor([None, 1.0]) is None
    assert mean_factor([math.inf, 1.0]) is None


def test_vanished_and_exploded_are_measured_against_the_last():
    errors = [0.0, None, 1e-5, 0.5, 1e7, math.inf, 2.0]
    assert vanished(errors) == [0, 2]
    assert exploded(errors) == [4, 5]
    assert vanished(errors, below=0.5) == [0, 2, 3]
    assert vanished([0.0, 0.0]) == [0, 1]
    assert exploded([math.nan, 1.0]) == []
