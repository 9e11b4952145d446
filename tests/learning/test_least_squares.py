import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LinearRegression, Ridge
from torch import Tensor

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.learning.least_squares import (
    SingularDesignWarning,
    degrees_of_freedom,
    least_squares,
    shrinkage,
)


def diabetes() -> tuple[Tensor, Tensor]:
    x, y = load_diabetes(return_X_y=True)
    return torch.from_numpy(x), torch.from_numpy(y)


def random_table(seed: int, n: int, d: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=generator, dtype=torch.float64) * torch.arange(1, d + 1) + 3
    return x, torch.randn(n, 2, generator=generator, dtype=torch.float64)


def test_three_points_by_hand() -> None:
    """(0, 1), (1, 3), (2, 4): slope sum (x - 1)(y - 8/3) / sum (x - 1)^2 = 3/2, intercept 8/3 - 3/2 = 7/6.

    Through the origin: slope (3 + 8) / 5. With N l2 = 2 the slope is 3 / (2 + 2), the intercept 8/3 - 3/4."""
    x, y = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([1.0, 3.0, 4.0])
    free, origin, ridge = least_squares(x, y), least_squares(x, y, intercept=False), least_squares(x, y, l2=2 / 3)
    assert [free.weight.item(), free.intercept.item()] == pytest.approx([3 / 2, 7 / 6], rel=1e-12)
    assert [origin.weight.item(), origin.intercept.item()] == pytest.approx([11 / 5, 0], rel=1e-12)
    assert [ridge.weight.item(), ridge.intercept.item()] == pytest.approx([3 / 4, 23 / 12], rel=1e-12)


def test_agrees_with_numpy_and_scikit_learn_on_diabetes() -> None:
    x, y = diabetes()
    fit, theirs = least_squares(x, y), LinearRegression().fit(x, y)
    table = np.column_stack([x, np.ones(len(x))])
    by_numpy = np.linalg.lstsq(table, y.numpy(), rcond=None)[0]
    np.testing.assert_allclose(fit.weight[0], theirs.coef_, rtol=1e-6)
    np.testing.assert_allclose(np.append(fit.weight, fit.intercept), by_numpy, rtol=1e-8)
    np.testing.assert_allclose(fit.predict(x)[:, 0], theirs.predict(x), rtol=1e-6)


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 30.0])
def test_ridge_agrees_with_scikit_learn(alpha: float) -> None:
    """Its alpha stands beside the sum of squares, l2 beside half their mean: alpha = N l2."""
    x, y = diabetes()
    fit, theirs = least_squares(x, y, l2=alpha / len(x)), Ridge(alpha=alpha).fit(x, y)
    np.testing.assert_allclose(fit.weight[0], theirs.coef_, rtol=1e-6)
    np.testing.assert_allclose(fit.predict(x)[:, 0], theirs.predict(x), rtol=1e-6)


def test_ridge_without_intercept_agrees_with_scikit_learn() -> None:
    x, y = diabetes()
    theirs = Ridge(alpha=0.5, fit_intercept=False).fit(x, y)
    np.testing.assert_allclose(least_squares(x, y, 0.5 / len(x), intercept=False).weight[0], theirs.coef_, rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), ridge=st.floats(1e-3, 1e3), d=st.integers(1, 6))
def test_ridge_shrinks_along_the_singular_directions(seed: int, ridge: float, d: int) -> None:
    """Law: in NumPy's singular basis of the centered inputs, ridge weights = s^2 / (s^2 + ridge) x least squares'."""
    x, y = random_table(seed, 20, d)
    s, vt = np.linalg.svd((x - x.mean(0)).numpy(), full_matrices=False)[1:]
    free, shrunk = (least_squares(x, y, l2).weight.numpy() @ vt.T for l2 in (0.0, ridge / 20))
    np.testing.assert_allclose(shrunk, free * s**2 / (s**2 + ridge), rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(shrinkage(torch.from_numpy(s), ridge), s**2 / (s**2 + ridge), rtol=1e-12)


def test_degrees_of_freedom_are_the_trace_of_the_hat_matrix() -> None:
    x = random_table(0, 12, 4)[0].numpy()
    x = x - x.mean(0)
    hat = x @ np.linalg.inv(x.T @ x + 5.0 * np.eye(4)) @ x.T
    s = torch.linalg.svdvals(torch.from_numpy(x))
    assert degrees_of_freedom(s, 5.0) == pytest.approx(np.trace(hat), rel=1e-10)


def test_dependent_columns_give_the_smallest_solution_and_a_warning() -> None:
    x, y = random_table(1, 15, 3)
    x = torch.cat([x, x[:, :1] + x[:, 1:2], torch.full((15, 1), 7.0, dtype=torch.float64)], 1)
    with pytest.warns(SingularDesignWarning, match=r"5 columns have rank 3; 1 constant \(numbers 4, from 0\)"):
        fit = least_squares(x, y)
    centered = (x - x.mean(0)).numpy()
    by_pinv = np.linalg.pinv(centered, rcond=1e-10) @ (y - y.mean(0)).numpy()
    np.testing.assert_allclose(fit.weight.T, by_pinv, rtol=1e-9, atol=1e-12)
    assert fit.rank == 3


def test_more_columns_than_examples_interpolates_with_least_norm() -> None:
    x, y = random_table(2, 5, 9)
    with pytest.warns(SingularDesignWarning, match="rank 4"):
        fit = least_squares(x, y)
    torch.testing.assert_close(fit.predict(x), y, rtol=1e-9, atol=1e-9)
    by_pinv = np.linalg.pinv((x - x.mean(0)).numpy(), rcond=1e-10) @ (y - y.mean(0)).numpy()
    np.testing.assert_allclose(fit.weight.T, by_pinv, rtol=1e-8, atol=1e-12)


def test_constant_columns_need_no_warning_under_a_penalty() -> None:
    x, y = load_digits(return_X_y=True)  # three of its pixels are always white
    codes = np.eye(10)[y]
    fit, theirs = least_squares(torch.from_numpy(x), torch.from_numpy(codes), 1 / len(x)), Ridge(1.0).fit(x, codes)
    np.testing.assert_allclose(fit.weight, theirs.coef_, rtol=1e-6, atol=1e-12)
    assert fit.weight[:, 0].abs().max() < 1e-15


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_undefined_numbers_are_named(bad: float) -> None:
    x, y = random_table(0, 4, 2)
    x[2, 1] = bad
    with pytest.raises(DataError, match=r"inputs, row 2, column 1"):
        least_squares(x, y)
    with pytest.raises(DataError, match=r"targets, row 2"):
        least_squares(y, x[:, 1])


def test_refuses_what_is_no_table() -> None:
    x, y = random_table(0, 4, 2)
    with pytest.raises(ShapeError, match="as many targets"):
        least_squares(x, y[:3])
    with pytest.raises(DataError, match="at least one example"):
        least_squares(x[:0], y[:0])
    with pytest.raises(ConfigError, match="l2"):
        least_squares(x, y, l2=-1.0)
