from itertools import pairwise

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from neurarium.learning.quasi_newton import QuasiNewton


def quadratic(seed: int, d: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(d, d, generator=generator, dtype=torch.float64)
    return root @ root.T + 0.1 * torch.eye(d), torch.randn(d, generator=generator, dtype=torch.float64)


def run(descent: QuasiNewton, matrix: Tensor, right: Tensor, steps: int) -> None:
    for _ in range(steps):
        w = descent.point
        descent.tell(float(w @ matrix @ w / 2 - right @ w), matrix @ w - right)


def test_exact_curvature_ends_a_quadratic_in_one_step() -> None:
    matrix, right = quadratic(0, 6)
    descent = QuasiNewton(torch.ones(6).double(), lambda v: torch.linalg.solve(matrix, v))
    run(descent, matrix, right, 1)
    np.testing.assert_allclose(descent.point, np.linalg.solve(matrix, right), rtol=1e-10)
    run(descent, matrix, right, 5)
    np.testing.assert_allclose(descent.point, np.linalg.solve(matrix, right), rtol=1e-10)


def test_reaches_the_minimum_without_being_told_the_curvature() -> None:
    matrix, right = quadratic(1, 6)
    descent = QuasiNewton(torch.ones(6).double())
    run(descent, matrix, right, 60)
    np.testing.assert_allclose(descent.point, np.linalg.solve(matrix, right), rtol=1e-8)


def test_reaches_the_minimum_of_a_sum_of_exponentials_as_scipy_does() -> None:
    """f(w) = sum_i exp(a_i . w + c_i): convex, far from quadratic where the descent starts."""
    generator = np.random.default_rng(0)
    half = generator.normal(size=(6, 3))
    a, c = 0.5 * np.concatenate([half, -half]), generator.normal(size=12)

    def value(w: np.ndarray) -> tuple[float, np.ndarray]:
        terms = np.exp(a @ w + c)
        return float(terms.sum()), a.T @ terms

    start = np.full(3, 3.0)
    descent = QuasiNewton(torch.from_numpy(start))
    for _ in range(120):
        objective, gradient = value(descent.point.numpy())
        descent.tell(objective, torch.from_numpy(gradient))
    theirs = minimize(value, start, jac=True, method="BFGS", options={"gtol": 1e-10})
    np.testing.assert_allclose(descent.base, theirs.x, atol=1e-7)


def test_the_objective_never_rises_from_step_to_step() -> None:
    matrix, right = quadratic(2, 5)
    descent, seen = QuasiNewton(10 * torch.ones(5).double(), lambda v: 50 * v), []
    for _ in range(40):  # an inverse fifty times too large: the first steps must be halved
        run(descent, matrix, right, 1)
        seen.append(descent.objective)
    assert all(b <= a + 1e-6 * abs(a) for a, b in pairwise(seen))
    np.testing.assert_allclose(descent.point, np.linalg.solve(matrix, right), rtol=1e-6)


def test_goes_on_from_its_state() -> None:
    matrix, right = quadratic(3, 5)
    one, other = (QuasiNewton(torch.ones(5).double()) for _ in range(2))
    run(one, matrix, right, 7)
    other.load_state_dict(one.state_dict())
    run(one, matrix, right, 5)
    run(other, matrix, right, 5)
    assert torch.equal(one.point, other.point)
