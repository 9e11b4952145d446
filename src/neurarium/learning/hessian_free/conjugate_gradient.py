"""Linear equations B x = b by conjugate gradients, where B is known only by its products with vectors.

B is symmetric and positive definite, so that the solution is the minimum of

    phi(x) = x.B x / 2 - b.x,    r = b - B x = -grad phi,    phi(x) = -x.(b + r) / 2

and every iteration goes to the minimum along a direction that is conjugate to all directions before it.

Source: M. Hestenes, E. Stiefel, "Methods of conjugate gradients for solving linear systems", 1952; the test of progress
and the stored iterates: J. Martens, "Deep learning via Hessian-free optimization", 2010, sections 4.4 and 4.6.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import NonFiniteError

SPACING = 1.3
"""Iterates are stored at iterations that grow by this factor."""


@dataclass(frozen=True)
class Solution:
    """What conjugate gradients passed through.

    Attributes:
        iterates: some of the points, the last one last.
        values: phi at the start and after every iteration.
    """

    iterates: list[Tensor]
    values: list[float]


def conjugate_gradient(
    product: Callable[[Tensor], Tensor],
    b: Float[Tensor, " n"],
    start: Float[Tensor, " n"],
    preconditioner: Float[Tensor, " n"] | None = None,
    iterations: int = 250,
    tolerance: float = 5e-4,
) -> Solution:
    """Solve B x = b as far as it pays.

    Args:
        preconditioner: diagonal matrix M near B, all entries > 0; the iteration is that of M^-1/2 B M^-1/2.
        iterations: most products, beside the one at the start.
        tolerance: see `has_stalled`; 0 stops at the exact solution alone.
    Raises NonFiniteError: a product is infinite or undefined.

    Example:
        >>> B, b = torch.tensor([[2.0, 1.0], [1.0, 3.0]]), torch.tensor([3.0, 4.0])
        >>> conjugate_gradient(lambda x: B @ x, b, torch.zeros(2)).iterates[-1].round(decimals=5)
        tensor([1., 1.])
    """
    m = torch.ones_like(b) if preconditioner is None else preconditioner
    x, r = start, b - product(start)
    y = r / m
    direction, ry = y, float(r @ y)
    exact = torch.finfo(b.dtype).eps ** 2 * float(b @ (b / m))
    iterates, values, keep = [], [-float(x @ (b + r)) / 2], SPACING
    for i in range(1, iterations + 1):
        if ry <= exact:
            break
        moved = product(direction)
        curvature = float(direction @ moved)
        if not math.isfinite(curvature):
            raise NonFiniteError(
                f"conjugate gradients, iteration {i}", expected="finite curvature", got=f"{curvature:g}"
            )
        if curvature <= 0:  # rounding, or a loss that is not convex in the outputs
            break
        x = x + (ry / curvature) * direction
        r = r - (ry / curvature) * moved
        y = r / m
        before, ry = ry, float(r @ y)
        direction = y + (ry / before) * direction
        values.append(-float(x @ (b + r)) / 2)
        if i >= keep:
            iterates.append(x)
            keep *= SPACING
        if has_stalled(values, tolerance):
            break
    if not iterates or iterates[-1] is not x:
        iterates.append(x)
    return Solution(iterates, values)


def has_stalled(values: list[float], tolerance: float) -> bool:
    """Whether the last k iterations gained less than the fraction k epsilon of all there is.

        stop at i when   i > k,   phi_i < 0   and   (phi_i - phi_{i-k}) / phi_i < k epsilon,    k = max(10, i / 10)

    `values` are phi_0 to phi_i, `tolerance` is epsilon.
    """
    i = len(values) - 1
    k = max(10, math.ceil(i / 10))
    return i > k and values[i] < 0 and (values[i] - values[i - k]) / values[i] < k * tolerance
