import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.checks import NonFiniteError
from neurarium.learning.hessian_free.conjugate_gradient import conjugate_gradient, has_stalled


def problem(n: int, seed: int, spread: float = 10.0) -> tuple[torch.Tensor, torch.Tensor]:
    """A symmetric positive definite matrix of known condition number, and a right-hand side."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((n, n)))
    return torch.from_numpy(q @ np.diag(np.geomspace(1, spread, n)) @ q.T), torch.from_numpy(rng.standard_normal(n))


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 30), seed=st.integers(0, 1000), preconditioned=st.booleans(), warm=st.booleans())
def test_solves_as_numpy_does(n: int, seed: int, preconditioned: bool, warm: bool) -> None:
    B, b = problem(n, seed)
    m = B.diagonal() ** 0.75 if preconditioned else None
    start = torch.from_numpy(np.random.default_rng(seed + 1).standard_normal(n)) if warm else torch.zeros_like(b)
    solution = conjugate_gradient(lambda x: B @ x, b, start, m, iterations=10 * n, tolerance=0.0)
    np.testing.assert_allclose(solution.iterates[-1], np.linalg.solve(B.numpy(), b.numpy()), rtol=1e-7, atol=1e-9)


def test_values_are_those_of_the_quadratic_and_fall() -> None:
    B, b = problem(20, 0, spread=1000.0)
    start = torch.ones_like(b)
    solution = conjugate_gradient(lambda x: B @ x, b, start, iterations=15, tolerance=0.0)
    first, last = start, solution.iterates[-1]
    assert solution.values[0] == pytest.approx(float(first @ B @ first / 2 - b @ first))
    assert solution.values[-1] == pytest.approx(float(last @ B @ last / 2 - b @ last))
    assert (np.diff(solution.values) < 0).all()


def test_k_directions_solve_a_matrix_of_k_eigenvalues() -> None:
    q = torch.linalg.qr(torch.randn(12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]
    B = q @ torch.diag(torch.tensor([1.0, 5.0, 9.0], dtype=torch.float64).repeat(4)) @ q.T
    b = torch.ones(12, dtype=torch.float64)
    solution = conjugate_gradient(lambda x: B @ x, b, torch.zeros_like(b), iterations=3, tolerance=0.0)
    torch.testing.assert_close(solution.iterates[-1], torch.linalg.solve(B, b))


def test_the_diagonal_itself_as_preconditioner_solves_a_diagonal_matrix_at_once() -> None:
    d, b = torch.tensor([1.0, 10.0, 1000.0]), torch.ones(3)
    solution = conjugate_gradient(lambda x: d * x, b, torch.zeros(3), d, iterations=1)
    torch.testing.assert_close(solution.iterates[-1], 1 / d)


def test_iterates_are_kept_ever_more_rarely() -> None:
    B, b = problem(60, 1, spread=1e4)
    steps = []
    solution = conjugate_gradient(
        lambda x: steps.append(x) or B @ x, b, torch.zeros_like(b), tolerance=0.0, iterations=50
    )
    assert len(steps) == 51  # one product at the start, one an iteration
    # 1.3^j rounded up: 2, 2 -> 3, 3 -> ... 50 iterations keep about log(50) / log(1.3) = 15
    assert 10 <= len(solution.iterates) <= 16


def test_stops_where_progress_stalls() -> None:
    B, b = problem(200, 2, spread=1e6)
    products = []
    conjugate_gradient(lambda x: products.append(x) or B @ x, b, torch.zeros_like(b), iterations=1000, tolerance=5e-4)
    assert 10 < len(products) < 500


@pytest.mark.parametrize(
    ("values", "stalled"),
    [
        ([0.0, *[-1.0] * 10], False),  # i = k: too early to say
        ([0.0, *[-1.0] * 11], True),
        ([0.0, -1.0, *[-1.0051] * 10], False),  # gained 0.51 % in ten iterations, asked are 0.5 %
        ([0.0, -1.0, *[-1.0049] * 10], True),
        ([0.0, *[1.0] * 20], False),  # nothing is gained yet over standing still
        ([0.0, *[-1.0] * 89, *[-2.0] * 20], True),
        ([0.0, *[-1.0] * 99, *[-2.0] * 11], False),  # the look-back is a tenth of the iterations: 11
    ],
)
def test_relative_progress(values: list[float], stalled: bool) -> None:
    assert has_stalled(values, 5e-4) is stalled


def test_a_solved_problem_needs_no_iteration() -> None:
    B, b = problem(5, 3)
    x = torch.linalg.solve(B, b)
    torch.testing.assert_close(conjugate_gradient(lambda v: B @ v, B @ x, x).iterates[-1], x)
    zero = conjugate_gradient(lambda v: B @ v, 0 * b, 0 * b)
    assert zero.iterates[-1].tolist() == [0.0] * 5


def test_negative_curvature_ends_the_search_where_it_is() -> None:
    solution = conjugate_gradient(lambda v: -v, torch.ones(2), torch.zeros(2))
    assert solution.iterates[-1].tolist() == [0.0, 0.0]


def test_undefined_curvature_is_refused() -> None:
    with pytest.raises(NonFiniteError, match="iteration 1"):
        conjugate_gradient(lambda v: v / 0 if v.any() else v, torch.ones(2), torch.zeros(2))
