"""Linear separability: is there a hyperplane, how wide is its margin, and if there is none, why not?

Examples x with signs y in {-1, +1} are separable if some (w, b) has y (w . x + b) > 0 for all of them: if their version
space is not empty. With z = y (x, 1), the signed examples, the linear programme

    max t    subject to   z_i . v >= t,   -1 <= v_j <= 1

has a value above 0, and v = (w, b) separates; or the value is 0, and its dual

    min sum_j |sum_i alpha_i z_ij|    subject to   alpha >= 0,   sum_i alpha_i = 1

shows why nothing can: a convex combination of signed examples is zero (were z_i . v > 0 for all i,
0 = (sum_i alpha_i z_i) . v > 0 could not be). See `certificate`.

The hyperplane of the widest margin is the least v with z_i . v >= 1, a least-distance problem that non-negative least
squares solve; the number of mistakes of a perceptron is at most (max_i |z_i|)^2 / (widest margin of the z_i)^2.

Large sets are tried on a few examples first, to which those on the wrong side are added until none is.

Letters: n examples, d features.

Source: A. Novikoff, "On convergence proofs for perceptrons", 1962; C. Lawson, R. Hanson, "Solving least squares
problems", 1974, chapter 23 (least distance).
Departs from the notes: mistakes are at most floor(R^2/gamma^2), which may be reached, not fewer than the ceiling
(errata E28).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from neurarium.checks import DataError, ShapeError
from neurarium.nets.connectionist.certificate import Certificate, certificate

_SHOWN = 6
_ROUNDING = 1e-12  # of a margin, relative to the lengths of both sides


@dataclass(frozen=True, eq=False)
class Separator:
    """A hyperplane with all examples on their own sides."""

    # y (w . x + b) > 0 for every example, in float64.
    weight: Float[Tensor, "features"]
    bias: float
    margin: float  # least distance of an example to it, min_i y_i (w . x_i + b) / |w|.


@dataclass(frozen=True)
class Bound:
    """Novikoff's bound on the number of mistakes, for the examples as the algorithm sees them."""

    radius: float  # R, length of the longest example; where a bias is learned, of (x, 1)
    margin: float  # gamma, widest margin there
    mistakes: int  # floor(R^2 / gamma^2)


def signs(labels: Shaped[Tensor, "examples"], subject: str = "labels") -> Float[Tensor, "examples"]:
    """Turn labels -1 and +1, or 0 and 1, into signs. Raises DataError: other labels, -1 together with 0, or none."""
    one = labels == 1
    if len(labels) == 0 or not (bool((one | (labels == 0)).all()) or bool((one | (labels == -1)).all())):
        values = labels.unique().tolist()
        shown = ", ".join(f"{v:g}" for v in values[:_SHOWN]) + (", ..." if len(values) > _SHOWN else "")
        raise DataError(
            subject,
            expected="two classes, as -1 and +1 or as 0 and 1",
            got=f"the labels {shown}" if values else "no examples",
            remedy=f"(labels == {values[-1]:g}) tells one class from the rest" if values else "",
        )
    return one.to(torch.get_default_dtype()) * 2 - 1


def check_labeled(x: Tensor, labels: Tensor) -> None:
    """Refuse what is not (examples, features) and a label for each. Raises ShapeError."""
    if x.dim() != 2 or labels.shape != x.shape[:1]:
        raise ShapeError(
            "examples",
            expected="(examples, features) and a label for each",
            got=f"{tuple(x.shape)} and {tuple(labels.shape)}",
        )


def margins(
    weight: Float[Tensor, "features"],
    bias: Float[Tensor, ""] | float,
    x: Float[Tensor, "examples features"],
    y: Float[Tensor, "examples"],
) -> Float[Tensor, "examples"]:
    """Signed distance of each example to a hyperplane, above 0 on its own side; zero weights give y b.

    gamma(x, y) = y (w . x + b) / |w|
    """
    length = weight.norm()
    return y * (x @ weight + bias) / torch.where(length > 0, length, torch.ones_like(length))


def separate(x: Shaped[Tensor, "..."], labels: Shaped[Tensor, "..."], bias: bool = True) -> Separator | Certificate:
    """Find a hyperplane with all examples on their own sides, or a proof that there is none.

    Where rounding leaves the case open (a margin below about 1e-9 of the examples' size), the answer is a certificate
    that is not `exact`. Labels are -1 and +1 or 0 and 1; without a bias hyperplanes go through the origin.

    Raises DataError: other labels, no examples, or infinite ones; ShapeError: not a label for each example.

    Example:
        >>> corners = torch.tensor([[0, 0], [1, 1], [0, 1], [1, 0]])
        >>> print(separate(corners, torch.tensor([1, 1, -1, -1])))
        the signed sum 1/4 of example 0 + 1/4 of example 1 + 1/4 of example 2 + 1/4 of example 3 = 0
    """
    z = _signed(x, labels, bias)
    scale = np.abs(z).max(0)
    scale[scale == 0] = 1.0

    def solve(chosen: np.ndarray) -> np.ndarray | Certificate:
        v, fractions = _programme(z[chosen] / scale)
        v = v / scale
        if _clear_of(z[chosen], v):
            return v
        return certificate(z, chosen, fractions)

    found = _on_few(z, solve, 0.0)
    return found if isinstance(found, Certificate) else _separator(found, z, bias)


def widest(x: Shaped[Tensor, "..."], labels: Shaped[Tensor, "..."], bias: bool = True) -> Separator | Certificate:
    """Find the hyperplane whose margin is widest, as the perceptron measures it, or a proof that none separates.

        max_v min_i z_i . v / |v|,    z = y (x, 1), v = (w, b)

    The length of v counts the bias with the weights, for the perceptron learns it as the weight of an input that is
    always 1; `margin` of the result is the distance of the examples without that input. Errors are those of `separate`.
    """
    first = separate(x, labels, bias)
    if isinstance(first, Certificate):
        return first
    z = _signed(x, labels, bias)
    best = np.append(first.weight.numpy(), first.bias)[: z.shape[1]]
    # lengths near 1 keep the digits of a residual that is 1 / (1 + |v|^2)
    wanted = float((z @ best).min() / np.linalg.norm(best))

    def solve(chosen: np.ndarray) -> np.ndarray:
        return _least_distance(z[chosen] / wanted)

    found = _on_few(z / wanted, solve, 1 - 1e-9)
    assert not isinstance(found, Certificate)
    if (z @ found).min() / np.linalg.norm(found) > wanted:
        best = found
    return _separator(best, z, bias)


def novikoff(x: Shaped[Tensor, "..."], labels: Shaped[Tensor, "..."], bias: bool = True) -> Bound | Certificate:
    """Bound the mistakes of a perceptron that begins at zero, whatever the order of the examples and its rate.

    after k mistakes:  k gamma <= u . v_k <= |v_k| <= sqrt(k) R    so    k <= R^2 / gamma^2
    """
    found = widest(x, labels, bias)
    if isinstance(found, Certificate):
        return found
    z = _signed(x, labels, bias)
    v = np.append(found.weight.numpy(), found.bias)[: z.shape[1]]
    radius, gamma = float(np.linalg.norm(z, axis=1).max()), float((z @ v).min() / np.linalg.norm(v))
    # a ratio that is an integer must not fall below it by rounding
    return Bound(radius, gamma, math.floor((radius / gamma) ** 2 * (1 + _ROUNDING)))


def _signed(x: Tensor, labels: Tensor, bias: bool) -> np.ndarray:
    """Signed examples z = y (x, 1) in float64."""
    check_labeled(x, labels)
    y = signs(labels).double().cpu().numpy()
    z = x.double().cpu().numpy()
    if not np.isfinite(z).all():
        row = int((~np.isfinite(z)).any(1).argmax())
        raise DataError("examples", expected="finite numbers", got=f"others in example {row}", remedy="leave it out")
    return (np.column_stack([z, np.ones(len(z))]) if bias else z) * y[:, None]


def _on_few(
    z: np.ndarray, solve: Callable[[np.ndarray], np.ndarray | Certificate], wanted: float
) -> np.ndarray | Certificate:
    """Solve for a few examples, and again with those on the wrong side, until z_i . v > wanted for all."""
    some = 10 * (z.shape[1] + 1)
    chosen = np.unique(np.linspace(0, len(z) - 1, min(some, len(z))).astype(int))
    while True:
        found = solve(chosen)
        if isinstance(found, Certificate):
            return found
        reached = z @ found
        reached[chosen] = math.inf  # as near as it gets
        worst = np.argpartition(reached, min(some, len(z) - 1))[:some]
        worst = worst[reached[worst] <= wanted]
        if len(worst) == 0:
            return found
        chosen = np.union1d(chosen, worst)


def _programme(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve the linear program and its dual: v, and alpha."""
    from scipy.optimize import linprog

    lengths = np.linalg.norm(z, axis=1)
    lengths[lengths == 0] = 1.0
    count, width = z.shape
    rows = np.column_stack([-z / lengths[:, None], np.ones(count)])
    found = linprog(
        np.append(np.zeros(width), -1.0),
        A_ub=rows,
        b_ub=np.zeros(count),
        bounds=[(-1, 1)] * width + [(None, None)],
        method="highs-ds",
    )
    assert found.status == 0, found.message
    fractions = np.maximum(-found.ineqlin.marginals, 0) / lengths
    return found.x[:-1], fractions / fractions.sum()


def _clear_of(z: np.ndarray, v: np.ndarray) -> bool:
    """Whether z . v > 0 for all, beyond rounding."""
    sizes = np.abs(z) @ np.abs(v)
    return bool((z @ v > _ROUNDING * sizes).all()) and bool(sizes.all())


def _least_distance(z: np.ndarray) -> np.ndarray:
    """Least v with z_i . v >= 1: from min_u |(Z^T; 1^T) u - (0; 1)| over u >= 0, v = -r / r_last of its residual r."""
    from scipy.optimize import nnls

    system = np.vstack([z.T, np.ones(len(z))])
    wanted = np.append(np.zeros(z.shape[1]), 1.0)
    u, _ = nnls(system, wanted, maxiter=30 * len(z))
    residual = system @ u - wanted
    return -residual[:-1] / residual[-1]


def _separator(v: np.ndarray, z: np.ndarray, bias: bool) -> Separator:
    weight, offset = (v[:-1], float(v[-1])) if bias else (v, 0.0)
    length = float(np.linalg.norm(weight))
    margin = float((z @ v).min()) / length if length > 0 else math.inf
    return Separator(torch.from_numpy(weight.copy()), offset, margin)
