"""Descent on a smooth convex function by remembered curvature (L-BFGS), asked for points and told what is there.

    d = -H g,   H from the last pairs s_k = w_{k+1} - w_k, y_k = g_{k+1} - g_k by the two-loop recursion around H_0:
          R a = S g,   r = H_0 (g - Y^T a),   R^T c = D a - Y r,   H g = r + S^T c
          (S, Y the pairs as rows, R the upper triangle of S Y^T, D its diagonal)
    w <- w + t d,   t = 1, halved until  f(w + t d) <= f(w) + 1e-4 t g.d

Near the minimum f falls by less than its rounding; where it is level the step is also good when the slope at its end is
no steeper uphill than it was downhill: g(w + t d).d <= -(1 - 2e-4) g.d, the same condition on a quadratic.

H_0 = theta P with P the caller's approximate inverse of the second derivatives and theta = s.y / y.P y from the newest
pair; before there is a pair, theta = 1. Where P is exact the first step ends at the minimum of a quadratic.

The function is never called here: `tell` takes its value and gradient at `point` and moves `point`. So the same lines
serve a function of arrays and sums over the batches of an epoch.

Source: J. Nocedal, "Updating quasi-Newton matrices with limited storage", 1980; J. Nocedal, S. Wright, "Numerical
optimization", 2006, algorithms 7.4 and 7.5; W. Hager, H. Zhang, "A new conjugate gradient method with guaranteed
descent and an efficient line search", 2005 (the condition on slopes).
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor

Vector = Float64[Tensor, "parameters"]
ROUNDING = 64 * torch.finfo(torch.float64).eps
LEVEL = 1e-6
"""Fraction of the objective within which its rounding may hide a descent; there the slopes decide."""


class QuasiNewton:
    """The descent above.

    `precondition`: P, a symmetric map with no negative eigenvalue; identity where None.

    Example:
        >>> descent = QuasiNewton(torch.tensor([4.0, 4.0], dtype=torch.float64))
        >>> curvature = torch.tensor([1.0, 10.0], dtype=torch.float64)
        >>> for _ in range(30):
        ...     w = descent.point
        ...     descent.tell(float(curvature @ w**2) / 2, curvature * w)
        >>> bool(descent.point.abs().max() < 1e-8)
        True
    """

    def __init__(self, start: Vector, precondition: Callable[[Vector], Vector] | None = None, memory: int = 20) -> None:
        self.point = start
        self.base, self.direction = start, torch.zeros_like(start)
        self.gradient: Vector | None = None
        self.objective, self.length = 0.0, 1.0
        self.steps = self.changes = start.new_zeros(0, len(start))
        self.precondition = precondition or (lambda vector: vector)
        self._memory = memory

    def tell(self, objective: float, gradient: Vector) -> None:
        """Take the function's value and gradient at `point`; `point` becomes where to look next."""
        if self.gradient is not None:
            slope = float(self.gradient @ self.direction)
            lower = objective <= self.objective + 1e-4 * self.length * slope
            level = objective <= self.objective + LEVEL * abs(self.objective)
            if not (lower or (level and float(gradient @ self.direction) <= -0.9998 * slope)):
                self.length /= 2
                self.point = self.base + self.length * self.direction
                return
            self._remember(self.point - self.base, gradient - self.gradient)
        self.base, self.gradient, self.objective = self.point, gradient, objective
        self.direction, self.length = -self._times_inverse(gradient), 1.0
        self.point = self.base + self.direction

    def stay(self) -> None:
        """Go back to the best point known: that of the last step taken."""
        self.point = self.base

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the caller's P."""
        pairs = {"steps": self.steps, "changes": self.changes}
        known = {} if self.gradient is None else {"gradient": self.gradient}
        numbers = {"objective": self.objective, "length": self.length}
        return {"point": self.point, "base": self.base, "direction": self.direction, **known, **numbers, **pairs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self.point, self.base, self.direction = state["point"], state["base"], state["direction"]
        self.gradient = state.get("gradient")
        self.objective, self.length = float(state["objective"]), float(state["length"])
        self.steps, self.changes = state["steps"], state["changes"]

    def _remember(self, step: Vector, change: Vector) -> None:
        # without a positive product H would not stay positive; convexity leaves only rounding to cause that
        if float(step @ change) > ROUNDING * float(step.norm() * change.norm()):
            self.steps = torch.cat([self.steps[-self._memory + 1 :], step[None]])
            self.changes = torch.cat([self.changes[-self._memory + 1 :], change[None]])

    def _times_inverse(self, gradient: Vector) -> Vector:
        """Return H g; both loops of the recursion are triangular systems in the products of the pairs."""
        if not len(self.steps):
            return self.precondition(gradient)
        products = (self.steps @ self.changes.T).triu_()
        fractions = torch.linalg.solve_triangular(products, (self.steps @ gradient)[:, None], upper=True)[:, 0]
        newest = self.changes[-1]
        theta = products[-1, -1] / torch.dot(newest, self.precondition(newest))
        r = theta * self.precondition(gradient - fractions @ self.changes)
        right = products.diagonal() * fractions - self.changes @ r
        return r + torch.linalg.solve_triangular(products.T, right[:, None], upper=False)[:, 0] @ self.steps
