"""Least squares and ridge regression by the singular values of the inputs: the exact answer, whatever the rank.

    f(W, b) = 1/(2N) sum_n |W x_n + b - y_n|^2 + l2/2 |W|^2

is smallest where, with the centered inputs X - 1 x~^T = U S V^T (N rows) and centered targets Y - 1 y~^T,

    W^T = V diag(s / (s^2 + N l2)) U^T (Y - 1 y~^T),    b = y~ - W x~.

The intercept b is not penalized. Against least squares without penalty, ridge regression shrinks the component along
the k-th singular direction by s_k^2 / (s_k^2 + N l2): much where the data hardly vary, little where they vary much. The
factors do not depend on the targets. scikit-learn's `alpha` is N l2.

Where columns depend on each other and l2 = 0 there are many minima. The one returned has the smallest |W|.

Source: A. Hoerl, R. Kennard, "Ridge regression: biased estimation for nonorthogonal problems", 1970; R. Penrose, "On
best approximate solutions of linear matrix equations", 1956.
Departs from the notes: with the notes' X (features x examples) gradient and solution are X X^T w - X y and
(X X^T)^-1 X y, and their "mean squared error" has no mean (errata E33); the penalty adds + l2 W to the gradient, with a
half before the square (errata E56).
"""

import math
import warnings
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64, Shaped
from torch import Tensor

from neurarium.checks import ConfigError, DataError, ShapeError


class SingularDesignWarning(UserWarning):
    """Columns of the inputs depend on each other: of many best weights the smallest are taken."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Weights W and b of an affine map, fitted; `rank` is that of the (centered) inputs."""

    weight: Float64[Tensor, "outputs features"]
    intercept: Float64[Tensor, "outputs"]
    rank: int

    def predict(self, x: Float[Tensor, "examples features"]) -> Float64[Tensor, "examples outputs"]:
        """Return W x + b for every row."""
        return x.double() @ self.weight.T + self.intercept


def least_squares(
    x: Float[Tensor, "examples features"], y: Shaped[Tensor, "..."], l2: float = 0.0, intercept: bool = True
) -> Solution:
    """Fit least squares or ridge regression to a whole table; computed in float64.

    Args:
        y: targets, (examples, outputs), or (examples) for one output.
        l2: weight of the penalty, in the units of the mean loss: scikit-learn's alpha divided by N.
        intercept: whether there is a b; without it nothing is centered and b is 0.
    Raises DataError: a number that is infinite or undefined, or no example; ShapeError: not as many targets as
    examples; ConfigError: l2 negative or not finite.
    Warns SingularDesignWarning: the columns depend on each other and l2 is 0.

    Example:
        >>> fit = least_squares(torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([1.0, 3.0, 4.0]))
        >>> print(round(fit.weight.item(), 6), round(fit.intercept.item(), 6))  # 3/2 and 7/6
        1.5 1.166667
    """
    inputs, targets = checked(x, y, l2)
    zero_x, zero_y = inputs.new_zeros(inputs.shape[1]), targets.new_zeros(targets.shape[1])
    mean_x, mean_y = (inputs.mean(0), targets.mean(0)) if intercept else (zero_x, zero_y)
    u, s, vt = torch.linalg.svd(inputs - mean_x, full_matrices=False)
    kept = s > rank_tolerance(s, *inputs.shape)
    rank = int(kept.sum())
    if rank < inputs.shape[1] and l2 == 0:
        warn_singular(rank, inputs.var(0, correction=0), inputs.square().mean(0))
    factors = torch.where(kept, s / (s.square() + len(inputs) * l2), 0.0)
    factors = torch.where(kept, factors, 0.0)  # 0/0 where nothing varies
    weight = ((u * factors).T @ (targets - mean_y)).T @ vt
    return Solution(weight, mean_y - weight @ mean_x, rank)


def shrinkage(singular_values: Float[Tensor, "*k"], ridge: float) -> Float[Tensor, "*k"]:
    """Factor by which ridge regression multiplies each component of the least-squares weights.

        s_k^2 / (s_k^2 + ridge),    ridge = N l2

    `ridge` is > 0, or 0 where all s > 0.

    Example:
        >>> shrinkage(torch.tensor([3.0, 1.0, 0.0]), 1.0)
        tensor([0.9000, 0.5000, 0.0000])
    """
    squares = singular_values.square()
    return squares / (squares + ridge)


def degrees_of_freedom(singular_values: Float[Tensor, "k"], ridge: float) -> float:
    """Sum of the shrinkage factors: how many weights a ridge regression has in effect, the intercept left out."""
    return float(shrinkage(singular_values, ridge).sum())


def rank_tolerance(s: Float64[Tensor, "_"], rows: int, columns: int) -> float:
    """Singular values up to this are rounding errors: largest singular value x longer side x machine precision."""
    return float(s.max()) * max(rows, columns) * torch.finfo(torch.float64).eps if len(s) else 0.0


def checked(x: Tensor, y: Tensor, l2: float) -> tuple[Float64[Tensor, "n d"], Float64[Tensor, "n k"]]:
    """Return inputs and targets in float64, targets with two axes. Raises what `least_squares` does."""
    if x.dim() != 2 or y.dim() not in (1, 2) or len(x) != len(y):
        raise ShapeError(
            "table",
            expected="inputs (examples, features) and as many targets, (examples) or (examples, outputs)",
            got=f"inputs {tuple(x.shape)}, targets {tuple(y.shape)}",
        )
    if len(x) == 0:
        raise DataError("table", expected="at least one example", got="none")
    check_l2(l2)
    check_finite(x, "inputs")
    check_finite(y, "targets")
    return x.double(), (y[:, None] if y.dim() == 1 else y).double()


def check_l2(l2: float) -> None:
    """Raise ConfigError where a penalty is negative or not finite."""
    if not 0 <= l2 < math.inf:
        raise ConfigError("l2", expected="a number >= 0", got=str(l2))


def check_finite(table: Tensor, subject: str) -> None:
    """Raise DataError where a number is infinite or undefined, with its row and column."""
    if bool((finite := table.isfinite()).all()):
        return
    place = (~finite).nonzero()[0].tolist()
    raise DataError(
        f"{subject}, row {place[0]}" + "".join(f", column {i}" for i in place[1:]) + " (counted from 0)",
        expected="a finite number",
        got=str(table[tuple(place)].item()),
        remedy="remove the row or fill the gap",
    )


def constant_columns(
    variance: Float64[Tensor, "features"], mean_square: Float64[Tensor, "features"]
) -> Int64[Tensor, "_"]:
    """Numbers of the columns that do not vary, up to rounding of their mean square."""
    return (variance <= 1e-14 * mean_square).nonzero().flatten()


def warn_singular(rank: int, variance: Float64[Tensor, "features"], mean_square: Float64[Tensor, "features"]) -> None:
    """Say that the weights are not determined by the data, and which columns are constant."""
    constant = constant_columns(variance, mean_square).tolist()
    shown = ", ".join(map(str, constant[:8])) + (", ..." if len(constant) > 8 else "")
    why = f"; {len(constant)} constant (numbers {shown}, from 0)" if constant else ""
    warnings.warn(
        f"singular design: the {len(variance)} columns have rank {rank}{why}. Of all best weights those of least norm "
        "are taken; a penalty l2 > 0 makes them unique",
        SingularDesignWarning,
        stacklevel=3,
    )
