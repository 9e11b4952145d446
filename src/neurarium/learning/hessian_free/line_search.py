"""From a direction that promises something to a step that keeps it: backtracking over iterates, then over lengths.

Source: J. Martens, "Deep learning via Hessian-free optimization", 2010, section 4.6; L. Armijo, "Minimization of
functions having Lipschitz continuous first partial derivatives", 1966.
"""

import math
from collections.abc import Callable, Sequence

from torch import Tensor

SUFFICIENT, SHORTER, TRIALS = 1e-2, 0.8, 60


def best_iterate(objective: Callable[[Tensor], float], iterates: Sequence[Tensor]) -> tuple[Tensor, float]:
    """Go back from the last iterate as long as the objective falls.

    Conjugate gradients improve the model to the end; the objective itself is often lower at an earlier iterate.
    `objective`: of a step p: f(W + p); may be infinite or undefined.
    """
    best, lowest = iterates[-1], objective(iterates[-1])
    for iterate in reversed(iterates[:-1]):
        value = objective(iterate)
        if value < lowest or not math.isfinite(lowest):
            best, lowest = iterate, value
        else:
            break
    return best, lowest


def line_search(objective: Callable[[float], float], before: float, slope: float, at_one: float) -> tuple[float, float]:
    """Shorten a step until it gains a fraction of what its slope promises (Armijo's rule).

        largest a in 1, 0.8, 0.8^2, ... with  f(W + a p) <= f(W) + 0.01 a g.p

    `objective` is f(W + a p) of the rate a, `before` f(W), `slope` g.p, `at_one` f(W + p).
    Returns the rate and the objective there; rate 0 where no step is worth taking.

    Example:
        >>> line_search(lambda a: (1 - 4 * a) ** 2, before=1.0, slope=-8.0, at_one=9.0)  # doctest: +ELLIPSIS
        (0.409..., 0.407...)
    """
    rate, value = 1.0, at_one
    if slope < 0:
        for _ in range(TRIALS):
            if value <= before + SUFFICIENT * rate * slope:
                return rate, value
            rate *= SHORTER
            value = objective(rate)
    return 0.0, before
