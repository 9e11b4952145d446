"""Least squares from sums over blocks of examples: nothing grows with their number.

    n = sum 1,   m = sum z,   G = sum z z^T,   C = sum z y^T,   t = sum y

are added up block by block in float64; then, with G~ = G/n - z~ z~^T and C~ = C/n - z~ y~^T (z~, y~ the means),

    (G~ + l2 I) W^T = C~,    b = y~ - W z~

minimizes 1/(2n) sum |W z + b - y|^2 + l2/2 |W|^2, the intercept b not penalized. The system is solved by Cholesky
factors. Where it is singular (l2 = 0, columns that depend on each other) the eigenvectors of G~ give the solution of
least norm, with a warning; since G~ has the squares of the singular values, directions below 1e-7 of the largest one
are not told from rounding (`least_squares` tells them down to 1e-13).

Memory: features^2 numbers, whatever n. Products are taken in the block's own number format: give blocks in float64
where columns are nearly dependent, in float32 where there are thousands of features and l2 > 0. G is symmetric: of a
wide float32 table little more than the lower triangle is computed, strip by strip, by `torch.nn.functional.linear`, so
that a caller who knows a faster one can put it in its place.

Source: A. Bjoerck, "Numerical methods for least squares problems", 1996, sections 2.2 and 2.3.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn import functional as F

from neurarium.checks import DataError, ShapeError
from neurarium.learning.least_squares import Solution, check_finite, check_l2, constant_columns, warn_singular

Rows = Float64[Tensor, "outputs features"]
STRIP = 500
"""Columns of a strip: few, and much of the symmetry is saved; many, and the product runs at full speed."""
SHORT = 128
"""Rows whose sum in float32 is as good as a product over a block in float32."""


@dataclass
class NormalEquations:
    """The sums above, of `features` columns and `outputs` targets (0: only the inputs matter).

    `products`: G, of which only the lower triangle counts.

    Example:
        >>> sums = NormalEquations(1, 1)
        >>> sums.add(torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [3.0]]))
        >>> sums.add(torch.tensor([[2.0]]), torch.tensor([[4.0]]))
        >>> print(round(sums.solve().weight.item(), 6))
        1.5
    """

    features: int
    outputs: int = 0
    device: torch.device | str = "cpu"
    count: int = 0
    sum_inputs: Float64[Tensor, "features"] = field(init=False)
    sum_targets: Float64[Tensor, "outputs"] = field(init=False)
    products: Float64[Tensor, "features features"] = field(init=False)
    cross: Float64[Tensor, "features outputs"] = field(init=False)

    def __post_init__(self) -> None:
        self.sum_inputs = torch.zeros(self.features, dtype=torch.float64, device=self.device)
        self.sum_targets = self.sum_inputs.new_zeros(self.outputs)
        self.products = self.sum_inputs.new_zeros(self.features, self.features)
        self.cross = self.sum_inputs.new_zeros(self.features, self.outputs)

    def add(self, z: Float[Tensor, "block features"], y: Float[Tensor, "block outputs"] | None = None) -> None:
        """Add a block of examples.

        Raises ShapeError: another number of columns; DataError: a number that is infinite or undefined.
        """
        y = z.new_zeros(len(z), 0) if y is None else y
        if z.shape[1:] != (self.features,) or y.shape != (len(z), self.outputs):
            raise ShapeError(
                "block of examples",
                expected=f"(block, {self.features}) and (block, {self.outputs})",
                got=f"{tuple(z.shape)} and {tuple(y.shape)}",
            )
        # one look at the sums, which an undefined number spoils, in place of a look at each number
        sum_inputs, sum_targets = _sum(z), _sum(y)
        if not bool(sum_inputs.sum().isfinite() & sum_targets.sum().isfinite()):
            check_finite(z, "inputs of a block")
            check_finite(y, "targets of a block")
        self.count += len(z)
        self.sum_inputs += sum_inputs
        self.sum_targets += sum_targets
        _add_gram(self.products, z)
        self.cross += z.T @ y.to(z.dtype)

    @property
    def mean(self) -> Float64[Tensor, "features"]:
        """Mean of the inputs."""
        return self.sum_inputs / self.count

    def covariance(self) -> Float64[Tensor, "features features"]:
        """Return G~."""
        lower = self.products.tril().div_(self.count)
        return lower.add_(lower.tril(-1).T).addr_(self.mean, self.mean, alpha=-1)

    def solve(self, l2: float = 0.0) -> Solution:
        """Fit W and b.

        Raises DataError: no example yet; ConfigError: l2 negative.
        Warns SingularDesignWarning: the columns depend on each other and l2 is 0.
        """
        if self.count == 0:
            raise DataError("normal equations", expected="at least one example", got="none")
        target = self.sum_targets / self.count
        right = (self.cross / self.count).addr_(self.mean, target, alpha=-1)
        inverse, rank = self.inverse(l2)
        weight = inverse(right.T)
        return Solution(weight, target - weight @ self.mean, rank)

    def inverse(self, l2: float = 0.0, curvature: float = 1.0) -> tuple[Callable[[Rows], Rows], int]:
        """Return R -> R (curvature G~ + l2 I)^-1 for rows R, and the rank of the inputs.

        Warns SingularDesignWarning: the columns depend on each other and l2 is 0; then it is the pseudo-inverse.
        """
        check_l2(l2)
        matrix = self.covariance().mul_(curvature)
        diagonal = matrix.diagonal()
        diagonal += l2
        factor, failed = torch.linalg.cholesky_ex(matrix)
        # A squared pivot beside its diagonal entry is the fraction of a column that the ones before do not explain.
        fraction = (factor.diagonal().square() / diagonal).nan_to_num(0.0)
        noise = self.features * torch.finfo(torch.float64).eps * 16
        if not int(failed) and bool((fraction > noise).all()):
            return lambda rows: torch.cholesky_solve(rows.T, factor).T, self.features
        return self._pseudo_inverse(matrix, l2, curvature)

    def _pseudo_inverse(
        self, matrix: Float64[Tensor, "d d"], l2: float, curvature: float
    ) -> tuple[Callable[[Rows], Rows], int]:
        values, vectors = torch.linalg.eigh(matrix)
        scale = self.products.diagonal().max() / self.count * curvature + l2
        kept = values > scale * self.features * torch.finfo(torch.float64).eps * 16
        rank = int(kept.sum())
        if l2 == 0:
            mean_square = self.products.diagonal() / self.count
            variance = mean_square - self.mean.square()
            warn_singular(rank, variance, mean_square)
        values, vectors = values[kept], vectors[:, kept]
        return lambda rows: (rows @ vectors / values) @ vectors.T, rank

    def constant(self) -> list[int]:
        """Numbers of the columns that do not vary; their weight is 0 in every solution here."""
        mean_square = self.products.diagonal() / self.count
        found: list[int] = constant_columns(mean_square - self.mean.square(), mean_square).tolist()
        return found


def _sum(z: Float[Tensor, "block columns"]) -> Float64[Tensor, "columns"]:
    """Sum of the rows; few at a time in their own format, since to widen each number takes several times as long."""
    return torch.stack([rows.sum(0) for rows in z.split(SHORT)]).sum(0, dtype=torch.float64)


def _add_gram(total: Float64[Tensor, "features features"], z: Float[Tensor, "block features"]) -> None:
    """Add the lower triangle of z^T z, and what else comes with it."""
    if z.device.type != "cpu" or z.dtype != torch.float32 or z.shape[1] <= STRIP:
        total += gram(z)
        return
    columns = z.detach().T.contiguous()
    for start in range(0, len(columns), STRIP):
        stop = start + STRIP
        # three arguments: the form in which `training.matrix_products` takes a linear layer over
        total[start:stop, :stop] += F.linear(columns[start:stop], columns[:stop], None)


def gram(z: Float[Tensor, "block features"]) -> Float[Tensor, "features features"]:
    """Return z^T z; on the CPU NumPy sees that the product is symmetric and computes half of it."""
    return product(z, z)


def product(z: Float[Tensor, "block rows"], x: Float[Tensor, "block columns"]) -> Float[Tensor, "rows columns"]:
    """Return z^T x.

    On the CPU by NumPy, whose library takes the sum over the longer side faster than torch's on many processors.
    """
    if z.device.type != "cpu":
        return z.T @ x
    left, right = z.detach().numpy(), x.detach().numpy()
    return torch.from_numpy(left.T @ (left if z is x else right))
