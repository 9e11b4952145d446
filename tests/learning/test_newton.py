import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn import functional as F

from neurarium.checks import ConfigError, DataError
from neurarium.learning import newton
from neurarium.learning.newton import NotConvergedWarning, logistic_regression, softmax_regression


def breast_cancer() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(x), y


def objective(x: Tensor, y: Tensor, weight: Tensor, intercept: Tensor, l2: float) -> tuple[float, float]:
    """Value and largest entry of the gradient of the penalised mean loss, by autograd."""
    w, b = weight.clone().requires_grad_(), intercept.clone().requires_grad_()
    scores = x.double() @ w.T + b
    scores = F.pad(scores, (1, 0)) if len(w) == 1 else scores
    value = F.cross_entropy(scores, y) + l2 / 2 * w.square().sum()
    value.backward()
    return value.item(), max(w.grad.abs().max().item(), b.grad.abs().max().item())


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_logistic_agrees_with_scikit_learn(C: float) -> None:
    """Its C stands before the sum of losses, l2 beside their mean: C = 1 / (N l2)."""
    x, y = breast_cancer()
    fit = logistic_regression(torch.from_numpy(x), torch.from_numpy(y), 1 / (C * len(x)), tolerance=1e-11)
    theirs = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12).fit(x, y)
    np.testing.assert_allclose(fit.weight, theirs.coef_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(fit.intercept, theirs.intercept_, rtol=1e-6)
    ours = torch.sigmoid(fit.predict(torch.from_numpy(x)))[:, 0]
    np.testing.assert_allclose(ours, theirs.predict_proba(x)[:, 1], rtol=1e-6, atol=1e-12)


def test_many_columns_go_by_remembered_curvature_to_the_same_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = (torch.from_numpy(a) for a in breast_cancer())
    direct = logistic_regression(x, y, 1e-3, tolerance=1e-10)
    monkeypatch.setattr(newton, "MOST_FEATURES", 5)
    other = logistic_regression(x, y, 1e-3, tolerance=1e-10, most_steps=500)
    torch.testing.assert_close(other.weight, direct.weight, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(other.intercept, direct.intercept, rtol=1e-6, atol=1e-8)


def test_softmax_agrees_with_scikit_learn_on_digits() -> None:
    x, y = load_digits(return_X_y=True)
    x = x / 16
    fit = softmax_regression(torch.from_numpy(x), torch.from_numpy(y), 1 / len(x), tolerance=1e-10)
    theirs = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-10).fit(x, y)
    np.testing.assert_allclose(fit.weight, theirs.coef_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(fit.intercept, theirs.intercept_ - theirs.intercept_.mean(), rtol=1e-5, atol=1e-6)
    ours = fit.predict(torch.from_numpy(x)).softmax(1)
    np.testing.assert_allclose(ours, theirs.predict_proba(x), rtol=1e-5, atol=1e-7)


def test_reported_objective_and_gradient_are_autograds() -> None:
    x, y = torch.from_numpy(load_digits().data[:300]), torch.from_numpy(load_digits().target[:300])
    fit = softmax_regression(x, y, 1e-2, tolerance=1e-6)
    value, largest = objective(x, y, fit.weight, fit.intercept, 1e-2)
    assert fit.objective == pytest.approx(value, rel=1e-10)
    assert largest == pytest.approx(fit.gradient, rel=1e-3)
    assert largest <= 1e-6
    assert fit.weight.sum(0).abs().max() < 1e-5  # the rows of a penalised softmax sum to 0
    assert fit.intercept.sum().abs() < 1e-10


def test_two_classes_by_hand() -> None:
    """One constant input, three ones and one zero: the intercept is the log-odds log 3."""
    fit = logistic_regression(torch.zeros(4, 1), torch.tensor([1, 1, 1, 0]), l2=1.0, tolerance=1e-12)
    assert fit.intercept.item() == pytest.approx(np.log(3), rel=1e-10)
    assert fit.weight.item() == 0


def test_separable_classes_without_penalty_are_said_to_have_no_optimum() -> None:
    x, y = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]]), torch.tensor([0, 0, 1, 1])
    with pytest.warns(NotConvergedWarning, match="a plane separates"):
        logistic_regression(x, y, tolerance=1e-14, most_steps=12)
    with pytest.warns(NotConvergedWarning, match="a plane separates"):
        softmax_regression(x, y, tolerance=1e-14, most_steps=6)


def test_refuses_bad_labels_and_numbers() -> None:
    x = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    with pytest.raises(DataError, match="class numbers from 0 to 1"):
        logistic_regression(x, torch.tensor([0, 1, 2, 1]))
    with pytest.raises(DataError, match="from 1 to 1"):
        logistic_regression(x, torch.ones(4, dtype=torch.int64))
    with pytest.raises(DataError, match="whole number"):
        softmax_regression(x, torch.zeros(4))
    with pytest.raises(ConfigError, match="l2"):
        logistic_regression(x, torch.tensor([0, 1, 0, 1]), l2=-1.0)
    x[1, 1] = float("nan")
    with pytest.raises(DataError, match="row 1, column 1"):
        softmax_regression(x, torch.tensor([0, 1, 2, 1]))
