import numpy as np
import pytest
import torch

from neurarium.learning.quadratic import decay_shrinkage, early_shrinkage, equivalent_steps, ridge_optimum

DOUBLE = torch.float64


@pytest.fixture
def bowl() -> tuple[torch.Tensor, torch.Tensor]:
    """A Hessian with eigenvalues over two decades, and an optimum."""
    generator = torch.Generator().manual_seed(0)
    Q, _ = torch.linalg.qr(torch.randn(5, 5, dtype=DOUBLE, generator=generator))
    H = Q.T @ torch.diag(torch.tensor([0.02, 0.1, 0.3, 1.0, 2.0], dtype=DOUBLE)) @ Q
    return H, torch.randn(5, dtype=DOUBLE, generator=generator)


def _descend(
    H: torch.Tensor, optimum: torch.Tensor, steps: int, make: type[torch.optim.Optimizer], **settings: float
) -> torch.Tensor:
    theta = torch.zeros(5, dtype=DOUBLE, requires_grad=True)
    optimizer = make([theta], **settings)
    for _ in range(steps):
        optimizer.zero_grad()
        ((theta - optimum) @ H @ (theta - optimum) / 2).backward()
        optimizer.step()
    return theta.detach()


def test_decay_shrinks_each_eigendirection(bowl: tuple[torch.Tensor, torch.Tensor]) -> None:
    H, optimum = bowl
    mu = 0.05
    values, vectors = np.linalg.eigh(H.numpy())
    found = vectors.T @ ridge_optimum(H, optimum, mu).numpy()
    expected = [decay_shrinkage(value, mu) for value in values] * (vectors.T @ optimum.numpy())
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose([decay_shrinkage(v, mu) for v in values], values / (values + mu), rtol=1e-14)


def test_gradient_descent_with_weight_decay_ends_there(bowl: tuple[torch.Tensor, torch.Tensor]) -> None:
    # the gradient of l + mu/2 |theta|^2 vanishes there, and torch's SGD finds it: sign and 1/2 of errata E56
    H, optimum = bowl
    mu = 0.05
    expected = ridge_optimum(H, optimum, mu)
    torch.testing.assert_close(H @ (expected - optimum) + mu * expected, torch.zeros(5, dtype=DOUBLE))
    found = _descend(H, optimum, 800, torch.optim.SGD, lr=0.9, weight_decay=mu)
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)


def test_penalty_and_decay_part_company_outside_plain_descent(bowl: tuple[torch.Tensor, torch.Tensor]) -> None:
    H, optimum = bowl
    expected = ridge_optimum(H, optimum, 0.2)
    penalty = _descend(H, optimum, 1000, torch.optim.Adam, lr=0.02, weight_decay=0.2)
    decoupled = _descend(H, optimum, 1000, torch.optim.AdamW, lr=0.02, weight_decay=0.2)
    assert (penalty - expected).norm() < 1e-3 * expected.norm()
    assert (decoupled - expected).norm() > 0.2 * expected.norm()


@pytest.mark.parametrize("steps", [1, 10, 200])
def test_descent_stopped_early(bowl: tuple[torch.Tensor, torch.Tensor], steps: int) -> None:
    H, optimum = bowl
    values, vectors = np.linalg.eigh(H.numpy())
    found = vectors.T @ _descend(H, optimum, steps, torch.optim.SGD, lr=0.1).numpy()
    factors = [early_shrinkage(value, lr=0.1, steps=steps) for value in values]
    np.testing.assert_allclose(found, factors * (vectors.T @ optimum.numpy()), rtol=1e-8, atol=1e-12)


def test_numbers_of_the_errata() -> None:
    # E57: eta = .01, mu = .05, lambda = .02
    assert decay_shrinkage(0.02, 0.05) == pytest.approx(2 / 7)
    assert early_shrinkage(0.02, 0.01, 0.01 / 0.05) == pytest.approx(4e-5, rel=1e-3)  # as printed: eta / mu
    assert equivalent_steps(0.01, 0.05) == pytest.approx(2000)
    assert early_shrinkage(0.02, 0.01, 2000) == pytest.approx(0.330, abs=5e-4)


def test_equivalence_holds_where_decay_outweighs_curvature() -> None:
    eta, mu = 1e-3, 0.5
    for value in (1e-2, 1e-3, 1e-4):
        ratio = early_shrinkage(value, eta, equivalent_steps(eta, mu)) / decay_shrinkage(value, mu)
        assert ratio == pytest.approx(1, abs=value / mu)  # second order in lambda / mu
