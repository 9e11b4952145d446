from fractions import Fraction

import numpy as np

from neurarium.nets.connectionist.certificate import certificate


def test_shares_near_a_solution_become_the_solution() -> None:
    # 1/3 (2, 0) + 2/3 (-1, 0) = 0; the third row stays out
    z = np.array([[2.0, 0.0], [-1.0, 0.0], [5.0, 5.0]])
    found = certificate(z, np.array([0, 1, 2]), np.array([0.33333, 0.66667, 1e-12]))
    assert (found.examples, found.fractions) == ((0, 1), (Fraction(1, 3), Fraction(2, 3)))
    assert found.exact
    assert found.residual == 0


def test_numbers_refer_to_all_examples() -> None:
    z = np.array([[9.0], [1.0], [9.0], [-3.0]])
    found = certificate(z, np.array([1, 3]), np.array([0.75, 0.25]))
    assert (found.examples, found.fractions) == ((1, 3), (Fraction(3, 4), Fraction(1, 4)))


def test_more_examples_than_equations() -> None:
    z = np.array([[1.0], [-1.0], [0.5], [-0.5]])
    found = certificate(z, np.arange(4), np.full(4, 0.25))
    assert sum(found.fractions) == 1
    assert min(found.fractions) > 0
    assert sum(a * Fraction(z[k, 0]) for k, a in zip(found.examples, found.fractions, strict=True)) == 0


def test_no_solution_is_not_called_one() -> None:
    # on a line but for the last digits of 0.1: zero only up to rounding
    z = np.array([[0.1, 0.3], [-0.2, -0.6 + 1e-15]])
    found = certificate(z, np.arange(2), np.array([2 / 3, 1 / 3]))
    assert not found.exact
    assert 0 < found.residual < 1e-14
    assert "up to" in str(found)
