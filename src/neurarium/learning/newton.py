"""Logistic and softmax regression of a whole table to the optimum, in float64.

    f(W, b) = 1/N sum_n (log sum_k exp a_nk - a_n,t(n)) + l2/2 |W|^2,    a_n = W x_n + b

has no solution in closed form but is convex, with gradient 1/N sum_n (p_n - e_t(n)) x_n^T + l2 W, p = softmax(a), and
strictly convex in W for l2 > 0. The intercept b is not penalised.

- **Two classes, one row of weights** (`logistic_regression`): p = sigmoid(w x + b), the softmax with the first class's
  row held at 0. Newton steps, which are least squares with weights p (1 - p): each is one linear system, and the error
  is squared from step to step near the end.
- **K classes, K rows** (`softmax_regression`): remembered curvature (`quasi_newton`) around the bound

      Hessian <= 1/2 I (x) (1/N sum x x^T) + l2 I

  one matrix, factored once, whatever W is. It takes the inputs' correlations away, which make plain L-BFGS slow. After
  some steps the blocks of the Hessian at the point reached, one for each row of W, take its place.

A step is measured in centred inputs: there the bound has no entries between weights and intercept.

scikit-learn's C is 1 / (N l2). For two classes it, too, penalises one row of weights; two rows of opposite sign would
share the penalty and come out as if l2 were halved.

Where a plane separates the classes and l2 = 0 there is no optimum: the weights grow until the steps are used up, with a
warning.

Source: D. Cox, "The regression analysis of binary sequences", 1958; D. Boehning, "Multinomial logistic regression
algorithm", 1992 (the bound); P. Green, "Iteratively reweighted least squares for maximum likelihood estimation", 1984.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int, Shaped
from torch import Tensor
from torch.nn import functional as F

from neurarium.checks import DataError
from neurarium.learning.least_squares import SingularDesignWarning, Solution, check_finite, check_l2
from neurarium.learning.normal_equations import NormalEquations, gram, product
from neurarium.learning.quasi_newton import QuasiNewton
from neurarium.learning.threads import threads_for

MOST_FEATURES = 1000
"""Above so many columns a Newton step costs more than many quasi-Newton ones."""


FIRST_RENEWAL, NEGLIGIBLE = 40, 0.05
"""Step at which the bound gives way to blocks of the Hessian; share of the largest p (1 - p) left out of them."""
COARSE, SHORT = 1e-4, 0.1
"""Share of the first gradient, and length of a step, from which on the products are taken in float64; before that
float32 is as good and three times as fast."""


class NotConvergedWarning(UserWarning):
    """The steps are used up before the gradient is as small as asked for."""


@dataclass(frozen=True, eq=False)
class Optimum(Solution):
    """Weights at the minimum, and what is known of it.

    Attributes:
        objective: f there.
        gradient: largest entry of its gradient.
        steps: evaluations of f that it took.
    """

    objective: float
    gradient: float
    steps: int


def logistic_regression(
    x: Float[Tensor, "examples features"],
    y: Shaped[Tensor, "..."],
    l2: float = 0.0,
    tolerance: float = 1e-8,
    most_steps: int = 100,
) -> Optimum:
    """Fit logistic regression of two classes: the probability of class 1 is sigmoid(w x + b).

    Args:
        x: inputs.
        y: 0 or 1.
        l2: weight of the penalty in the units of the mean loss, 1 / (N C) in scikit-learn's C.
        tolerance: largest entry of the gradient at which to stop.
        most_steps: evaluations after which to give up.

    Raises:
        DataError: a number that is infinite or undefined, another label, or one class alone.
        ConfigError: l2 negative.

    Warns:
        NotConvergedWarning: stopped by `most_steps`; without a penalty, separable classes have no optimum.
    """
    with threads_for(x.numel()):
        inputs = _checked(x, y, 2, l2)
        if inputs.shape[1] > MOST_FEATURES:
            return _descend(inputs, y, 1, l2, tolerance, most_steps)
        return _newton(inputs, y.double(), l2, tolerance, most_steps)


def softmax_regression(
    x: Float[Tensor, "examples features"],
    y: Shaped[Tensor, "..."],
    l2: float = 0.0,
    tolerance: float = 1e-8,
    most_steps: int = 1000,
    classes: int | None = None,
) -> Optimum:
    """Fit softmax regression: one row of weights for each class; the intercepts sum to 0.

    Args:
        x: inputs.
        y: class numbers from 0.
        l2: as in `logistic_regression`.
        tolerance: likewise.
        most_steps: likewise.
        classes: how many there are; as many as occur where None.

    Raises:
        DataError: a number that is infinite or undefined, a label out of range, or one class alone.
        ConfigError: l2 negative.

    Warns:
        NotConvergedWarning: see `logistic_regression`.
    """
    count = int(y.max()) + 1 if classes is None and len(y) else classes or 0
    with threads_for(x.numel() * count):
        return _descend(_checked(x, y, count, l2), y, count, l2, tolerance, most_steps)


def _newton(
    inputs: Float64[Tensor, "n d"], targets: Float64[Tensor, "n"], l2: float, tolerance: float, most_steps: int
) -> Optimum:
    """Newton's method with halved steps, for two classes."""
    n, d = inputs.shape
    table = torch.cat([inputs, inputs.new_ones(n, 1)], 1)
    penalty = table.new_full((d + 1,), l2)
    penalty[d] = 0.0
    w, direction, length = table.new_zeros(d + 1), table.new_zeros(d + 1), 1.0
    known, slope = torch.inf, 0.0
    a = along = table.new_zeros(n)
    for step in range(1, most_steps + 1):  # noqa: B007
        trial, scores = w + length * direction, a + length * along
        objective = float(F.softplus(scores).mean() - scores @ targets / n + (penalty * trial) @ trial / 2)
        if not objective <= known + 1e-4 * length * slope + 1e-14 * abs(known):
            length /= 2
            continue
        w, a, known = trial, scores, objective
        p = torch.sigmoid(a)
        gradient = table.T @ (p - targets) / n + penalty * w
        largest = float(gradient.abs().max())
        if largest <= tolerance:
            break
        hessian = (table.T * (p * (1 - p) / n)) @ table
        hessian.diagonal().add_(penalty)
        direction, length = _newton_direction(hessian, gradient), 1.0
        slope, along = float(gradient @ direction), table @ direction
    else:
        _warn(largest, most_steps, l2)
    return Optimum(w[None, :d], w[d:], d, known, largest, step)


def _descend(
    x: Float64[Tensor, "n d"], y: Int[Tensor, "n"], rows: int, l2: float, tolerance: float, most_steps: int
) -> Optimum:
    """Quasi-Newton descent for `rows` rows of weights; one row: logistic regression."""
    problem = _Problem(x, y, rows, l2)
    descent = QuasiNewton(x.new_zeros(rows * (x.shape[1] + 1)), problem.by_bound())
    renewal, enough = FIRST_RENEWAL, 0.0
    for step in range(1, most_steps + 1):
        objective, gradient = problem.evaluate(descent.point)
        largest = problem.largest(gradient)
        enough = COARSE * largest if step == 1 else enough
        if problem.table is not x and (largest <= enough or descent.length < SHORT):
            problem.table = x
            objective, gradient = problem.evaluate(descent.point)
            largest = problem.largest(gradient)
        if largest <= tolerance:
            break
        if step == renewal:
            descent.precondition, renewal = problem.by_blocks(), 3 * renewal
        descent.tell(objective, gradient)
    else:
        descent.stay()
        _warn(largest, most_steps, l2)
    weight, bias = problem.split(descent.point)
    intercept = bias - weight @ problem.mean
    if rows > 1:
        intercept = intercept - intercept.mean()
    return Optimum(weight.clone(), intercept, problem.rank, objective, largest, step)


class _Problem:
    """Value, gradient and approximate curvature of f in centred inputs; a vector holds W row by row, then b."""

    def __init__(self, x: Float64[Tensor, "n d"], y: Int[Tensor, "n"], rows: int, l2: float) -> None:
        self.rows, self.l2 = rows, l2
        self.table = x.float()
        self.n, self.d = x.shape
        self.sums = NormalEquations(self.d)
        self.sums.add(x)
        self.mean = self.sums.mean
        self.labels = y.long()[None]
        self.signal = self.table

    def split(self, v: Tensor) -> tuple[Tensor, Tensor]:
        return v[: self.rows * self.d].view(self.rows, self.d), v[self.rows * self.d :]

    def evaluate(self, v: Tensor) -> tuple[float, Tensor]:
        """Value and gradient; the products with the table in the table's own number format."""
        table = self.table
        weight, bias = self.split(v)
        # a row for each class: the sums over classes then run along memory
        a = (weight.to(table.dtype) @ table.T).add_((bias - weight @ self.mean).to(table.dtype)[:, None])
        # p is made in place of the scores, and p - e in place of p
        if self.rows > 1:
            a = a.log_softmax(0)
            loss = -a.gather(0, self.labels).sum(dtype=torch.float64)
            signal = a.exp_().scatter_add_(0, self.labels, a.new_full((1, self.n), -1.0))
        else:
            loss = (F.softplus(a) - a * self.labels).sum(dtype=torch.float64)
            signal = a.sigmoid_().sub_(self.labels)
        self.signal = signal
        by_bias = signal.sum(1, dtype=torch.float64).div_(self.n)
        by_weight = product(signal.T, table).double().div_(self.n).addr_(by_bias, self.mean, alpha=-1)
        if self.rows > 1:  # they sum to 0 but for rounding, and no step by blocks would mend what that does to W
            by_weight, by_bias = by_weight - by_weight.mean(0), by_bias - by_bias.mean()
        by_weight.add_(weight, alpha=self.l2)
        value = float(loss) / self.n + self.l2 / 2 * float(weight.flatten() @ weight.flatten())
        return value, torch.cat([by_weight.flatten(), by_bias])

    def largest(self, gradient: Tensor) -> float:
        """Largest entry of the gradient with respect to weights and the intercept of the inputs as they came."""
        by_weight, by_bias = self.split(gradient)
        return float(torch.maximum((by_weight + torch.outer(by_bias, self.mean)).abs().max(), by_bias.abs().max()))

    def by_bound(self) -> Callable[[Tensor], Tensor]:
        """The inverse of the bound: one matrix for all rows."""
        curvature = 0.5 if self.rows > 1 else 0.25
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SingularDesignWarning)  # a pseudo-inverse serves as well here
            inverse, self.rank = self.sums.inverse(self.l2, curvature)

        def apply(v: Tensor) -> Tensor:
            weight, bias = self.split(v)
            return torch.cat([inverse(weight).flatten(), bias / curvature])

        return apply

    def by_blocks(self) -> Callable[[Tensor], Tensor]:
        """The inverse of the blocks of the Hessian at the point last looked at, each row of weights by itself.

        In float32: it steers the descent, and has no part in where that ends.
        """
        inverses, scales = [], []
        code = F.one_hot(self.labels[0], self.rows).T if self.rows > 1 else self.labels
        for p in self.signal + code:
            curvature = p * (1 - p) / self.n
            # the examples that are decided hardly bend f
            chosen = (curvature > NEGLIGIBLE * curvature.max()).nonzero().flatten()
            weights = curvature[chosen].float()
            block = gram((self.table[chosen].float() - self.mean.float()) * weights.sqrt()[:, None])
            block.diagonal().add_(max(self.l2, 1e-5 * float(block.diagonal().max())))
            inverses.append(torch.cholesky_inverse(torch.linalg.cholesky(block)))
            scales.append(weights.sum().double().clamp(min=1e-12))
        scale = torch.stack(scales)

        def apply(v: Tensor) -> Tensor:
            weight, bias = self.split(v)
            solved = torch.stack([m @ row for m, row in zip(inverses, weight.float(), strict=True)]).double()
            bias = bias / scale
            if self.rows > 1:  # the same change of all rows changes no probability
                solved, bias = solved - solved.mean(0), bias - bias.mean()
            return torch.cat([solved.flatten(), bias])

        return apply


def _newton_direction(hessian: Float64[Tensor, "d d"], gradient: Float64[Tensor, "d"]) -> Float64[Tensor, "d"]:
    factor, failed = torch.linalg.cholesky_ex(hessian)
    if int(failed) or float(factor.diagonal().min()) < 1e-8 * float(factor.diagonal().max()):
        return -torch.linalg.pinv(hessian, hermitian=True) @ gradient
    return -torch.cholesky_solve(gradient[:, None], factor)[:, 0]


def _checked(x: Tensor, y: Tensor, classes: int, l2: float) -> Float64[Tensor, "n d"]:
    check_l2(l2)
    check_finite(x, "inputs")
    if x.dim() != 2 or y.shape != x.shape[:1] or y.is_floating_point() or len(y) == 0:
        raise DataError(
            "labels",
            expected="inputs (examples, features) and a whole number for each example",
            got=f"inputs {tuple(x.shape)}, labels {tuple(y.shape)} of {y.dtype}",
        )
    if int(y.min()) < 0 or int(y.max()) >= classes or int(y.min()) == int(y.max()):
        raise DataError(
            "labels",
            expected=f"class numbers from 0 to {max(classes, 2) - 1}, two of them at least",
            got=f"numbers from {int(y.min())} to {int(y.max())}",
        )
    return x.double()


def _warn(gradient: float, steps: int, l2: float) -> None:
    hint = "" if l2 else "; classes that a plane separates have no optimum without a penalty: set l2 > 0"
    warnings.warn(f"gradient {gradient:.1e} after {steps} steps{hint}", NotConvergedWarning, stacklevel=3)
