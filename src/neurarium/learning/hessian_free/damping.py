"""How far the quadratic model is trusted: Levenberg-Marquardt damping, adapted by how well the last step was predicted.

    q(p) = g.p + p.G p / 2;    the step makes q(p) + lambda |p|^2 / 2 small
    rho = (f(W + p) - f(W)) / q(p)
    rho < 1/4: lambda <- 3/2 lambda;    rho > 3/4: lambda <- 2/3 lambda

Source: D. Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", 1963; J. Martens, "Deep
learning via Hessian-free optimization", 2010, section 4.1.
"""

import math

LEAST = 1e-20
"""Below this, weights without any curvature would divide by zero in float32."""


def reduction_ratio(fall: float, predicted: float) -> float:
    """Return rho: 1 where the model is exact, negative where the objective rose; minus infinity where it is undefined.

    `fall` is f(W + p) - f(W), `predicted` q(p).
    """
    if not math.isfinite(fall) or not predicted < 0:
        return -math.inf
    return fall / predicted


def adapted(damping: float, ratio: float) -> float:
    """Return the damping of the next step."""
    if ratio < 0.25:
        return damping * 3 / 2
    return max(LEAST, damping * 2 / 3) if ratio > 0.75 else damping
