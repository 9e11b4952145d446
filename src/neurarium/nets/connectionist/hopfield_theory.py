"""How much a Hopfield net holds: random patterns, Hebb's rule without diagonal, load alpha = s / n.

A unit of a stored pattern feels its own pattern, 1 - 1/n, and the cross-talk of the s - 1 others, for large n a normal
variable of variance alpha. One unit in the pattern itself is therefore unstable with probability

    P = int_1^inf sqrt(n / (2 pi s)) exp(-n z^2 / (2 s)) dz = Phi(-sqrt(n/s)) = 1/2 erfc(sqrt(n / (2 s)))

which is smooth in s/n. That errors then cause errors until the memory is lost, at one sharp load for n -> inf, is what
the mean-field theory adds: overlap m, noise r from the other patterns, susceptibility C,

    m = erf(m / sqrt(2 alpha r)),    r = 1 / (1 - C)^2,    C = sqrt(2 / (pi alpha r)) exp(-m^2 / (2 alpha r))

and with y = m / sqrt(2 alpha r) one equation,

    sqrt(2 alpha) = erf(y) / y - 2/sqrt(pi) exp(-y^2) = g(y)

Its largest value gives the critical load, alpha_c = g(y_c)^2 / 2 = 0.137906 with overlap erf(y_c) = 0.967; larger y are
the retrieval states.

Source: D. Amit, H. Gutfreund, H. Sompolinsky, "Storing infinite numbers of patterns in a spin-glass model of neural
networks", 1985 (T = 0, replica-symmetric); R. McEliece, E. Posner, E. Rodemich, S. Venkatesh, "The capacity of the
Hopfield associative memory", 1987.
Departs from the notes: their integral lacks sqrt(n / (2 pi s)) (errata E30), their capacity has log_2 in place of the
natural logarithm (E31), and 0.138 follows from the mean-field equations, not from P (E63).
"""

import math
from functools import cache

from neurarium.checks import ConfigError

_TURNS = 60  # halvings of an interval: beyond float64's last bit


def flip_probability(load: float) -> float:
    """Probability that one unit of a stored random pattern is unstable, Phi(-1 / sqrt(load)), load > 0."""
    _positive(load)
    return math.erfc(math.sqrt(1 / (2 * load))) / 2


def hebbian_capacity(neurons: int, all_patterns: bool = False) -> float:
    """Most random patterns that are fixed points without a wrong unit, for large n and with probability near 1.

    n / (2 ln n) for nearly every pattern, n / (4 ln n) for all of them at once.
    """
    return neurons / ((4 if all_patterns else 2) * math.log(max(neurons, 2)))


def storkey_capacity(neurons: int) -> float:
    """Random patterns that Storkey's rule holds, n / sqrt(2 ln n)."""
    return neurons / math.sqrt(2 * math.log(max(neurons, 2)))


def dense_capacity(neurons: int, order: int) -> float:
    """Random patterns that a polynomial memory holds without errors, n^(k-1) / (2 (2k-3)!! ln n); for k = 2 Hebb's.

    Source: D. Krotov, J. Hopfield, "Dense associative memory for pattern recognition", 2016.
    """
    odd = math.prod(range(1, 2 * order - 2, 2))
    return float(neurons) ** (order - 1) / (2 * odd * math.log(max(neurons, 2)))


def critical_load() -> float:
    """Load beyond which no retrieval state exists for n -> inf, alpha_c."""
    return _g(_critical_argument()) ** 2 / 2


def mean_field_overlap(load: float) -> float:
    """Overlap between a stored pattern and the state in which the net rests beside it, for n -> inf; 0 above alpha_c.

    A finite net started in a pattern does not end at overlap 0 there: just above, small nets still retrieve, and far
    above a remnant of 0.2 to 0.4 stays. Raises ConfigError: a load that is not positive.
    """
    _positive(load)
    if load > critical_load():
        return 0.0
    target = math.sqrt(2 * load)
    low, high = _critical_argument(), 2.0
    while _g(high) > target:
        high *= 2
    for _ in range(_TURNS):
        middle = (low + high) / 2
        low, high = (middle, high) if _g(middle) > target else (low, middle)
    return math.erf(low)


def _g(y: float) -> float:
    return math.erf(y) / y - 2 / math.sqrt(math.pi) * math.exp(-y * y)


@cache
def _critical_argument() -> float:
    """Where g is largest: the only zero of y^2 g'(y) = 2/sqrt(pi) exp(-y^2) (y + 2 y^3) - erf(y) in [1, 3]."""
    low, high = 1.0, 3.0
    for _ in range(_TURNS):
        y = (low + high) / 2
        rising = 2 / math.sqrt(math.pi) * math.exp(-y * y) * (y + 2 * y**3) > math.erf(y)
        low, high = (y, high) if rising else (low, y)
    return low


def _positive(load: float) -> None:
    if not load > 0:
        raise ConfigError("load", expected="patterns per neuron, above 0", got=str(load))
