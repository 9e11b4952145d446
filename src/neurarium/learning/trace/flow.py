"""How the error signal fares on its way back through the layers: its factor a layer, where it vanishes or explodes.

    delta^l = J_{l+1}^T delta^{l+1},    so that  ||delta^l|| <= sigma_1(J_{l+1}) ||delta^{l+1}||

with J the Jacobian of a layer. With all sigma_1 < 1 the error signal must vanish on a long way; for it to explode some
sigma_1 > 1 is needed, but not enough.

Source: S. Hochreiter, "Untersuchungen zu dynamischen neuronalen Netzen", 1991; R. Pascanu, T. Mikolov, Y. Bengio, "On
the difficulty of training recurrent neural networks", 2013.
Departs from the notes: they print that the gradient vanishes if sigma_1(U) >= 1/alpha; it does if sigma_1(U) < 1/alpha
(errata E45), and the Jacobian in the recurrence lacks its partial signs (errata E37).
"""

import itertools
import math
from collections.abc import Sequence

VANISHING_BELOW = 1e-3
"""Fraction of the last layer's error signal under which that of a layer counts as vanished."""

EXPLODING_ABOVE = 1e3
"""Multiple of the last layer's error signal over which that of a layer counts as exploded."""


def factors(errors: Sequence[float | None]) -> list[float | None]:
    """What the error signal is multiplied by from each layer to the one before it in the list.

    `errors`: error signals (root mean squares) in the order of computation; None where none comes back.
    Returns: for each layer its error signal over that of the layer after it; None for the last, and where one is
    missing or the latter is 0.

    Example:
        >>> factors([0.5, 2.0, 1.0])
        [0.25, 2.0, None]
    """
    pairs = itertools.pairwise(errors)
    found = [None if before is None or not after else before / after for before, after in pairs]
    return [*found, None] if errors else []


def mean_factor(errors: Sequence[float | None]) -> float | None:
    """Geometric mean of the factors between the layers in the list.

    Example:
        >>> mean_factor([0.01, 0.1, 1.0])  # doctest: +ELLIPSIS
        0.1...
    """
    if len(errors) < 2 or errors[0] is None or not errors[-1] or not math.isfinite(errors[0] / errors[-1]):
        return None
    ratio: float = (errors[0] / errors[-1]) ** (1 / (len(errors) - 1))
    return ratio


def vanished(errors: Sequence[float | None], below: float = VANISHING_BELOW) -> list[int]:
    """Positions of the layers whose error signal is zero, or less than `below` times the last layer's.

    Example:
        >>> vanished([1e-5, 0.5, 1.0])
        [0]
    """
    last = reference(errors) or 0.0
    return [l for l, error in enumerate(errors) if error is not None and (error < below * last or error == 0)]


def exploded(errors: Sequence[float | None], above: float = EXPLODING_ABOVE) -> list[int]:
    """Positions of the layers whose error signal is more than `above` times the last layer's, or infinite."""
    last = reference(errors) or 0.0
    return [l for l, error in enumerate(errors) if error is not None and (error > above * last or error == math.inf)]


def reference(errors: Sequence[float | None]) -> float | None:
    """Error signal of the last layer that one comes back to: what the others are measured against."""
    return next((error for error in reversed(errors) if error is not None), None)
