"""Chapter 3.2 of notes 004, on quadratics, a logistic regression and a function that is not convex."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.optimize
import torch
from torch import Tensor

from neurarium.checks import ConfigError
from neurarium.learning.descent import descend, pl_gap, steps_to_critical, sufficient_decrease


@dataclass
class Problem:
    value: Callable[[Tensor], float]
    gradient: Callable[[Tensor], Tensor]
    start: Tensor
    smoothness: float
    lowest: float
    mu: float | None = None


def quadratic(seed: int = 0, condition: float = 50.0) -> Problem:
    """h = x'Ax/2 - b'x with eigenvalues from 1 to `condition`: L the largest, mu the smallest."""
    generator = np.random.default_rng(seed)
    basis = np.linalg.qr(generator.normal(size=(8, 8)))[0]
    a = basis @ np.diag(np.geomspace(1, condition, 8)) @ basis.T
    b = generator.normal(size=8)
    best = np.linalg.solve(a, b)
    A, B = torch.from_numpy(a), torch.from_numpy(b)
    return Problem(
        lambda x: float(x @ A @ x / 2 - B @ x),
        lambda x: A @ x - B,
        torch.from_numpy(generator.normal(size=8) * 5),
        condition,
        float(best @ a @ best / 2 - b @ best),
        1.0,
    )


def flat_quadratic() -> Problem:
    """Singular: no strong convexity, yet the inequality holds with the smallest eigenvalue above 0."""
    diagonal = torch.tensor([0.0, 0.5, 4.0], dtype=torch.float64)
    start = torch.tensor([3.0, -2.0, 1.0], dtype=torch.float64)
    return Problem(lambda x: float((diagonal * x * x).sum() / 2), lambda x: diagonal * x, start, 4.0, 0.0, 0.5)


def logistic() -> Problem:
    """Logistic regression on overlapping classes; the Hessian X' diag(p(1-p)) X / N is at most X'X / (4N)."""
    generator = np.random.default_rng(1)
    x = generator.normal(size=(60, 5))
    y = (x[:, 0] + generator.normal(size=60) > 0) * 2.0 - 1
    best = scipy.optimize.minimize(lambda w: np.logaddexp(0, -y * (x @ w)).mean(), np.zeros(5), tol=1e-12).fun
    X, Y = torch.from_numpy(x), torch.from_numpy(y)
    return Problem(
        lambda w: float(torch.nn.functional.softplus(-Y * (X @ w)).mean()),
        lambda w: -(X.T @ (Y * torch.sigmoid(-Y * (X @ w)))) / 60,
        torch.from_numpy(generator.normal(size=5) * 3),
        float(np.linalg.eigvalsh(x.T @ x)[-1] / (4 * 60)),
        float(best),
    )


def sine() -> Problem:
    """h = x^2 + 3 sin^2 x: not convex, second derivative 2 + 6 cos 2x in [-4, 8], Polyak-Lojasiewicz with 1/32."""
    return Problem(
        lambda x: float(x**2 + 3 * torch.sin(x) ** 2),
        lambda x: 2 * x + 3 * torch.sin(2 * x),
        torch.tensor(6.0, dtype=torch.float64),
        8.0,
        0.0,
        1 / 32,
    )


PROBLEMS = {"quadratic": quadratic(), "flat": flat_quadratic(), "logistic": logistic(), "sine": sine()}
everywhere = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())


def path(problem: Problem, steps: int, rate: float) -> tuple[list[float], list[float]]:
    points = list(itertools.islice(descend(problem.gradient, problem.start, rate), steps + 1))
    return [problem.value(p) for p in points], [float(problem.gradient(p).norm()) for p in points]


@everywhere
def test_gradients_and_smoothness_are_what_the_problems_claim(problem: Problem) -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        point = problem.start + torch.randn(problem.start.shape, generator=generator, dtype=torch.float64)
        other = point + torch.randn(problem.start.shape, generator=generator, dtype=torch.float64)
        change = (problem.gradient(point) - problem.gradient(other)).norm()
        assert change <= problem.smoothness * (point - other).norm() * (1 + 1e-12)
        direction = other - point
        slope = (problem.value(point + 1e-6 * direction) - problem.value(point - 1e-6 * direction)) / 2e-6
        assert slope == pytest.approx(float((problem.gradient(point) * direction).sum()), rel=1e-4, abs=1e-6)


@everywhere
@pytest.mark.parametrize("fraction", [0.1, 1.0, 1.9])
def test_every_step_falls_at_least_by_the_sufficient_decrease(problem: Problem, fraction: float) -> None:
    """E38: an inequality, and with the gradient's norm."""
    rate = fraction / problem.smoothness
    values, norms = path(problem, 60, rate)
    for before, after, norm in zip(values, values[1:], norms, strict=False):
        assert before - after >= sufficient_decrease(norm, problem.smoothness, rate) - 1e-12 * (1 + abs(before))


def test_the_decrease_is_an_equality_only_along_the_steepest_curvature() -> None:
    """h = L x^2 / 2 reaches the bound at every rate; a flatter direction falls by more."""
    for rate in (0.1, 0.25, 0.4):
        steep, flat = 4.0, 1.0
        norm = steep * 3.0
        assert steep / 2 * (9 - (3 - rate * norm) ** 2) == pytest.approx(sufficient_decrease(norm, steep, rate))
        norm = flat * 3.0
        assert flat / 2 * (9 - (3 - rate * norm) ** 2) > sufficient_decrease(norm, steep, rate) + 0.1 * rate


def test_nothing_is_promised_from_two_over_l_on() -> None:
    assert sufficient_decrease(1.0, 2.0) == sufficient_decrease(1.0, 2.0, 0.5) == 0.25
    assert sufficient_decrease(1.0, 2.0, rate=1.0) == 0
    values, _ = path(flat_quadratic(), 30, 2.02 / 4.0)
    assert values[-1] > values[-2] > values[-3]


@everywhere
@pytest.mark.parametrize("epsilon", [1.0, 0.1, 0.03])
def test_the_best_iterate_is_critical_in_time(problem: Problem, epsilon: float) -> None:
    steps = steps_to_critical(problem.value(problem.start) - problem.lowest, problem.smoothness, epsilon)
    # running longer than a few thousand steps would prove no more: the bound is on the best of them
    _, norms = path(problem, min(steps, 3000), 1 / problem.smoothness)
    assert min(norms[: max(1, steps)]) <= epsilon


def test_the_bound_is_tight_up_to_a_constant() -> None:
    """Huber's function, |x| beyond 0.01: the gradient is 1 all the way and each step falls by eta = 1/L.

    From a height D it takes about L D steps to get below any epsilon < 1; the bound says 2 L D / epsilon^2.
    """

    def gradient(x: Tensor) -> Tensor:
        return (x / 0.01).clamp(-1, 1)

    smoothness, far = 100.0, 3.0
    gap = far - 0.005
    steps = steps_to_critical(gap, smoothness, 0.999)
    norms = [
        float(gradient(x).abs())
        for x in itertools.islice(descend(gradient, torch.tensor(far, dtype=torch.float64), 0.01), steps)
    ]
    reached = next(t for t, norm in enumerate(norms) if norm <= 0.999)
    assert steps / 2.1 < reached < steps


def test_the_last_iterate_may_be_worse_than_the_best() -> None:
    """E38: at eta = 1/L the values fall at every step, the gradients of a function that is not convex do not."""
    values, norms = path(sine(), 12, 1 / 8)
    assert values == sorted(values, reverse=True)
    assert any(after > 1.1 * before for before, after in itertools.pairwise(norms))


@pytest.mark.parametrize("name", ["quadratic", "flat", "sine"])
def test_geometric_rate_under_pl(name: str) -> None:
    """E39: from the gap at T-1 to that at T, hence (1 - mu/L)^T from the start."""
    problem = PROBLEMS[name]
    assert problem.mu is not None
    values, norms = path(problem, 100, 1 / problem.smoothness)
    gaps = [value - problem.lowest for value in values]
    for gap, norm in zip(gaps, norms, strict=True):
        assert norm**2 / 2 >= problem.mu * gap - 1e-9
    shrink = 1 - problem.mu / problem.smoothness
    for before, after in itertools.pairwise(gaps):
        assert after <= shrink * before + 1e-9
    for steps, gap in enumerate(gaps):
        assert gap <= pl_gap(gaps[0], problem.smoothness, problem.mu, steps) + 1e-9


def test_a_round_quadratic_is_at_its_minimum_after_one_step() -> None:
    assert pl_gap(5.0, 2.0, 2.0, 1) == 0
    one = itertools.islice(descend(lambda x: 2 * x, torch.tensor([3.0]), 0.5), 2)
    assert list(one)[1].item() == 0


def test_refuses() -> None:
    with pytest.raises(ConfigError, match="epsilon"):
        steps_to_critical(1.0, 1.0, 0.0)
    with pytest.raises(ConfigError, match="mu"):
        pl_gap(1.0, 1.0, mu=2.0, steps=1)
    assert math.isclose(pl_gap(8.0, 2.0, 1.0, 3), 1.0)
