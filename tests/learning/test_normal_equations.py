import contextlib

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LinearRegression, Ridge
from torch import Tensor

from neurarium.checks import DataError, ShapeError
from neurarium.learning.least_squares import SingularDesignWarning
from neurarium.learning.normal_equations import STRIP, NormalEquations, gram, product
from neurarium.training.matrix_products import FastLinear


def summed(x: Tensor, y: Tensor, block: int = 50) -> NormalEquations:
    sums = NormalEquations(x.shape[1], y.shape[1])
    for rows, targets in zip(x.split(block), y.split(block), strict=True):
        sums.add(rows, targets)
    return sums


def diabetes() -> tuple[Tensor, Tensor]:
    x, y = load_diabetes(return_X_y=True)
    return torch.from_numpy(x), torch.from_numpy(y)[:, None]


def test_agrees_with_scikit_learn_whatever_the_blocks() -> None:
    x, y = diabetes()
    theirs = LinearRegression().fit(x, y)
    for block in (1, 50, 1000):
        fit = summed(x, y, block).solve()
        np.testing.assert_allclose(fit.weight, theirs.coef_, rtol=1e-6)
        np.testing.assert_allclose(fit.predict(x), theirs.predict(x), rtol=1e-6)
        assert fit.rank == 10


def test_ridge_on_digits_agrees_with_scikit_learn() -> None:
    x, labels = load_digits(return_X_y=True)
    codes = np.eye(10)[labels]
    fit, theirs = summed(torch.from_numpy(x), torch.from_numpy(codes)).solve(2 / len(x)), Ridge(2.0).fit(x, codes)
    np.testing.assert_allclose(fit.weight, theirs.coef_, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(fit.intercept, theirs.intercept_, rtol=1e-6)


def test_dependent_and_constant_columns_give_least_norm_with_a_warning() -> None:
    x, y = diabetes()
    x = torch.cat([x, x[:, :2].sum(1, keepdim=True), torch.full((len(x), 1), 0.3, dtype=torch.float64)], 1)
    sums = summed(x, y)
    with pytest.warns(SingularDesignWarning, match=r"12 columns have rank 10; 1 constant \(numbers 11"):
        fit = sums.solve()
    centered = (x - x.mean(0)).numpy()
    by_pinv = np.linalg.pinv(centered, rcond=1e-9) @ (y - y.mean(0)).numpy()
    np.testing.assert_allclose(fit.weight.T, by_pinv, rtol=1e-6, atol=1e-6)
    assert sums.constant() == [11]


def test_float32_blocks_sum_in_float64() -> None:
    """A million ones and a 2^-25 each: a float32 sum would stay where one more changes nothing."""
    sums = NormalEquations(1)
    for _ in range(20):
        sums.add(torch.full((100_000, 1), 1 + 2**-12))
    assert sums.sum_inputs.item() == pytest.approx(2_000_000 * (1 + 2**-12), rel=1e-12)
    assert sums.products.item() == pytest.approx(2_000_000 * (1 + 2**-12) ** 2, rel=1e-6)


def test_wide_float32_blocks_are_summed_strip_by_strip() -> None:
    """More columns than a strip, the last one narrower; with and without faster products in the place of torch's."""
    z = torch.randn(300, 2 * STRIP + 37, generator=torch.Generator().manual_seed(1)) + 1
    for products in (contextlib.nullcontext(), FastLinear()):
        sums = NormalEquations(z.shape[1])
        with products:
            for rows in z.split(130):
                sums.add(rows)
        expected = np.cov(z.double().numpy().T, bias=True)
        np.testing.assert_allclose(sums.covariance(), expected, atol=2e-5)
        np.testing.assert_allclose(sums.mean, z.double().numpy().mean(0), rtol=1e-6, atol=1e-7)


def test_inverse_is_that_of_the_penalized_covariance() -> None:
    x, _ = diabetes()
    sums = NormalEquations(10)
    sums.add(x)
    inverse, rank = sums.inverse(l2=1e-3, curvature=0.5)
    direct = np.linalg.inv(0.5 * np.cov(x.numpy().T, bias=True) + 1e-3 * np.eye(10))
    np.testing.assert_allclose(inverse(torch.eye(10, dtype=torch.float64)), direct, rtol=1e-8, atol=1e-9)
    assert rank == 10


def test_products_are_those_of_the_definition() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(7, 3, generator=generator), torch.randn(7, 4, generator=generator)
    torch.testing.assert_close(product(a, b), torch.einsum("ni,nj->ij", a, b))
    torch.testing.assert_close(gram(a), torch.einsum("ni,nj->ij", a, a))


def test_bad_blocks_are_named() -> None:
    sums = NormalEquations(2, 1)
    with pytest.raises(ShapeError, match=r"\(block, 2\) and \(block, 1\)"):
        sums.add(torch.zeros(3, 3), torch.zeros(3, 1))
    with pytest.raises(DataError, match="inputs of a block, row 1, column 0"):
        sums.add(torch.tensor([[0.0, 0.0], [float("nan"), 0.0]]), torch.zeros(2, 1))
    with pytest.raises(DataError, match="targets of a block, row 0"):
        sums.add(torch.zeros(1, 2), torch.tensor([[float("inf")]]))
    with pytest.raises(DataError, match="at least one example"):
        sums.solve()
