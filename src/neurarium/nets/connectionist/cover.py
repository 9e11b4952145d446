"""Cover's count: how many labelings of points hyperplanes make.

    C(s + 1, n) = C(s, n) + C(s, n - 1),    C(1, n) = C(s, 1) = 2

A point more splits those labelings whose hyperplane can be turned through it, as many as there are in one dimension
less. General position: any n of the s points are linearly independent.

Source: T. Cover, "Geometrical and statistical properties of systems of linear inequalities with applications in pattern
recognition", 1965.
Departs from the notes: what falls beyond s = 2n is the fraction of all labelings; their number keeps growing (errata
E29).
"""

import math
from fractions import Fraction

from neurarium.checks import ConfigError


def cover_count(points: int, dimensions: int) -> int:
    """Labellings of points in general position that hyperplanes through the origin make.

        C(s, n) = 2 sum_{i=0}^{n-1} binomial(s - 1, i)        = 2^s for s <= n

    It grows with s for ever; with a bias, n is the number of features + 1. Raises ConfigError: no point, no dimension.

    Example:
        >>> cover_count(4, 3)  # four points of the plane, with a bias: all labelings but XOR and XNOR
        14
    """
    if points < 1 or dimensions < 1:
        raise ConfigError(
            "Cover's count", expected="at least one point and one dimension", got=f"{points} and {dimensions}"
        )
    return 2 * sum(math.comb(points - 1, i) for i in range(dimensions))


def cover_fraction(points: int, dimensions: int) -> float:
    """Fraction C(s, n) / 2^s of all labelings: 1 up to s = n, 1/2 at s = 2n, and quickly nothing beyond."""
    return float(Fraction(cover_count(points, dimensions), 2**points))
