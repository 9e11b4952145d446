"""First steps on f(w) = w^2 / 2 from w = 1, where the gradient is w itself, against formulas worked out in NumPy."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.learning.optimisers import Optimiser

STEPS, LR = 5, 0.1


def sgd(decay: float = 0.0) -> list[float]:
    w, path = 1.0, []
    for _ in range(STEPS):
        w -= LR * (w + decay * w)
        path.append(w)
    return path


def momentum(nesterov: bool) -> list[float]:
    w, v, path = 1.0, 0.0, []
    for _ in range(STEPS):
        g = w
        v = g + 0.9 * v
        w -= LR * (g + 0.9 * v if nesterov else v)
        path.append(w)
    return path


def adagrad() -> list[float]:
    w, s, path = 1.0, 0.0, []
    for _ in range(STEPS):
        s += w * w
        w -= LR * w / (np.sqrt(s) + 1e-10)
        path.append(w)
    return path


def rmsprop() -> list[float]:
    w, s, path = 1.0, 0.0, []
    for _ in range(STEPS):
        s = 0.99 * s + 0.01 * w * w
        w -= LR * w / (np.sqrt(s) + 1e-8)
        path.append(w)
    return path


def adadelta() -> list[float]:
    w, s, u, path = 1.0, 0.0, 0.0, []
    for _ in range(STEPS):
        s = 0.9 * s + 0.1 * w * w
        d = np.sqrt(u + 1e-6) / np.sqrt(s + 1e-6) * w
        u = 0.9 * u + 0.1 * d * d
        w -= LR * d
        path.append(w)
    return path


def adam(decoupled: float = 0.0) -> list[float]:
    w, m, v, path = 1.0, 0.0, 0.0, []
    for t in range(1, STEPS + 1):
        g = w
        w -= LR * decoupled * w
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= LR * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        path.append(w)
    return path


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Optimiser("sgd", lr=LR), sgd),
        (Optimiser("sgd", lr=LR, weight_decay=0.5), lambda: sgd(0.5)),
        (Optimiser("momentum", lr=LR), lambda: momentum(False)),
        (Optimiser("nesterov", lr=LR), lambda: momentum(True)),
        (Optimiser("adagrad", lr=LR), adagrad),
        (Optimiser("adadelta", lr=LR), adadelta),
        (Optimiser("rmsprop", lr=LR), rmsprop),
        (Optimiser("adam", lr=LR), adam),
        (Optimiser("adamw", lr=LR, weight_decay=0.5), lambda: adam(0.5)),
    ],
    ids=lambda value: value.name if isinstance(value, Optimiser) else "",
)
def test_first_five_steps(settings: Optimiser, expected: Callable[[], list[float]]) -> None:
    w = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimiser = settings.build([w])
    path = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        (w.square() / 2).sum().backward()
        optimiser.step()
        path.append(float(w.detach()))
    np.testing.assert_allclose(path, expected(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"lr": 0.0}, "optimiser.lr"),
        ({"lr": float("nan")}, "optimiser.lr"),
        ({"weight_decay": -1.0}, "optimiser.weight_decay"),
        ({"momentum": 1.0}, "optimiser.momentum"),
        ({"betas": (0.9,)}, "optimiser.betas"),
        ({"betas": (0.9, 1.0)}, "optimiser.betas"),
    ],
)
def test_refuses(settings: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigError, match=field):
        Optimiser(**settings)
