"""What gradient descent promises: how far it falls in a step, how many steps it takes, how fast it converges.

    theta(t+1) = theta(t) - eta grad h(theta(t)),    h smooth: ||grad h(a) - grad h(b)|| <= L ||a - b||

h* is the infimum of h. With eta < 2/L every step goes down, and eta = 1/L is promised most. The promises are
upper bounds that hold for every such h; a quadratic of curvature L reaches the first with equality.

Source: B. Polyak, "Gradient methods for the minimization of functionals", 1963; Y. Nesterov, "Introductory lectures
on convex optimization", 2004, section 1.2.3; notes 004, chapter 3.2.
Departs from the notes: sufficient decrease is an inequality, with the norm of the gradient in it; the bound on the
number of steps is for the best iterate, not the last (errata E38); a geometric rate leads from step T-1 to step T, so
that T-1 stands on the right of the induction (errata E39).
"""

import math
from collections.abc import Callable, Iterator

from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ConfigError


def descend(
    gradient: Callable[[Tensor], Tensor], start: Float[Tensor, "*shape"], rate: float
) -> Iterator[Float[Tensor, "*shape"]]:
    """Yield theta(0), theta(1), ... without end.

    Example:
        >>> import itertools, torch
        >>> [theta.item() for theta in itertools.islice(descend(lambda x: 2 * x, torch.tensor(8.0), 0.25), 4)]
        [8.0, 4.0, 2.0, 1.0]
    """
    theta = start
    while True:
        yield theta
        theta = theta - rate * gradient(theta)


def sufficient_decrease(gradient_norm: float, smoothness: float, rate: float | None = None) -> float:
    """Least fall of h in one step.

        h(theta(t)) - h(theta(t+1)) >= eta (1 - L eta / 2) ||grad h(theta(t))||^2,    1/(2L) ||grad||^2 at eta = 1/L

    `rate`: eta; none: 1/L. At 2/L and beyond nothing is promised: the number is 0 or negative.
    """
    rate = 1 / smoothness if rate is None else rate
    return rate * (1 - smoothness * rate / 2) * gradient_norm**2


def steps_to_critical(gap: float, smoothness: float, epsilon: float) -> int:
    """Number of steps at eta = 1/L after which an iterate with ||grad h|| <= epsilon has been met.

        T = ceil(2 L (h(theta(0)) - h*) / epsilon^2),    min over t < T of ||grad h(theta(t))|| <= epsilon

    Summing the sufficient decrease over t < T gives T/(2L) min ||grad||^2 <= h(theta(0)) - h*. Gradients need not
    fall steadily where h is not convex: the last iterate may be worse than the best.
    `gap` is h(theta(0)) - h*.
    Raises ConfigError: `epsilon` not above 0.
    """
    if not epsilon > 0:
        raise ConfigError("epsilon", expected="a number > 0", got=str(epsilon))
    return math.ceil(2 * smoothness * gap / epsilon**2)


def pl_gap(gap: float, smoothness: float, mu: float, steps: int) -> float:
    """Largest h - h* left after so many steps at eta = 1/L, where h satisfies the Polyak-Lojasiewicz inequality.

        1/2 ||grad h||^2 >= mu (h - h*)  everywhere;    h(theta(T)) - h* <= (1 - mu/L)^T (h(theta(0)) - h*)

    Raises ConfigError: `mu` not in (0, L].
    """
    if not 0 < mu <= smoothness:
        raise ConfigError("mu", expected=f"a number in (0, L = {smoothness:g}]", got=str(mu))
    return (1 - mu / smoothness) ** steps * gap
