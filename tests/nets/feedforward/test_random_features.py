import math

import numpy as np
import pytest
import torch
from sklearn.gaussian_process.kernels import RBF

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.feedforward.random_features import (
    FrozenLayer,
    RandomFeatureModel,
    arc_cosine_kernel,
    draw_features,
    gaussian_kernel,
    random_features,
)


def points(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def kernel_of(kind: str, x: torch.Tensor, features: int, width: float, seed: int = 1) -> torch.Tensor:
    weight, bias = draw_features(x.shape[1], features, kind, width, torch.Generator().manual_seed(seed))
    z = random_features(x, weight, bias, kind)
    return z @ z.T


def test_fourier_features_approach_the_gaussian_kernel() -> None:
    x = points(6, 3)
    by_scikit_learn = RBF(length_scale=1.5)(x.numpy())
    np.testing.assert_allclose(gaussian_kernel(x, x, 1.5), by_scikit_learn, rtol=1e-5, atol=1e-6)
    # each entry is a mean of products of standard deviation <= 1 over 40,000 draws: 5 deviations are 0.025
    np.testing.assert_allclose(kernel_of("fourier", x, 40_000, 1.5), by_scikit_learn, atol=0.025)


def test_relu_features_approach_the_arc_cosine_kernel() -> None:
    """Against the expectation by quadrature: with u, v in a plane only two normal coordinates matter."""
    x, width = points(5, 3), 1.5
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    grid, mass = np.meshgrid(nodes, nodes), np.outer(weights, weights) / (2 * np.pi)
    augmented = np.column_stack([x.numpy() / width, np.ones(5)])
    expected = np.empty((5, 5))
    for i, u in enumerate(augmented):
        for j, v in enumerate(augmented):
            along = u @ v / np.linalg.norm(u)
            across = np.sqrt(max(v @ v - along**2, 0.0))
            first = np.maximum(0, np.linalg.norm(u) * grid[0])
            expected[i, j] = 2 * (mass * first * np.maximum(0, along * grid[0] + across * grid[1])).sum()
    np.testing.assert_allclose(arc_cosine_kernel(x, x, width), expected, rtol=0.01)
    found = kernel_of("relu", x, 40_000, width)
    np.testing.assert_allclose(found, expected, rtol=0.08)


@pytest.mark.parametrize("kind", ["fourier", "relu"])
def test_error_of_the_kernel_falls_as_the_root_of_the_width(kind: str) -> None:
    x = points(20, 4)
    limit = gaussian_kernel(x, x, 2.0) if kind == "fourier" else arc_cosine_kernel(x, x, 2.0)
    few, many = (
        math.sqrt(sum(float((kernel_of(kind, x, m, 2.0, seed) - limit).square().mean()) for seed in range(8)) / 8)
        for m in (100, 10_000)
    )
    assert 6 < few / many < 16  # sqrt(100) = 10


def test_features_by_numpy() -> None:
    x, (weight, bias) = points(4, 3), draw_features(3, 7, "fourier", 0.5, torch.Generator().manual_seed(2))
    by_numpy = np.sqrt(2 / 7) * np.cos(x.numpy() @ weight.numpy().T + bias.numpy())
    np.testing.assert_allclose(random_features(x, weight, bias, "fourier"), by_numpy, rtol=1e-4, atol=1e-5)
    by_numpy = np.sqrt(2 / 7) * np.maximum(0, x.numpy() @ weight.numpy().T + bias.numpy())
    np.testing.assert_allclose(random_features(x, weight, bias, "relu"), by_numpy, rtol=1e-5, atol=1e-6)
    assert weight.std().item() == pytest.approx(2.0, rel=0.4)


@pytest.mark.parametrize("kind", ["fourier", "relu"])
def test_gradients_reach_the_inputs(kind: str) -> None:
    weight, bias = (p.double() for p in draw_features(3, 7, kind, 0.5, torch.Generator().manual_seed(2)))
    x = points(4, 3).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: random_features(x, weight, bias, kind), x)


def test_the_inner_layer_stays_as_it_was_drawn() -> None:
    net = RandomFeatureModel(5, 30, 2, "relu", width=0.5)
    before = net.inner.weight.clone()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(points(8, 5)).square().mean().backward()
    optimizer.step()
    assert torch.equal(net.inner.weight, before)
    assert set(net.state_dict()) == {"inner.weight", "inner.bias", "head.weight", "head.bias"}
    # the width is in units of sqrt(inputs)
    assert before.std().item() == pytest.approx(1 / (0.5 * math.sqrt(5)), rel=0.25)
    assert "5 -> 30 relu, frozen" in repr(net)


def test_refuses_what_makes_no_layer() -> None:
    with pytest.raises(ConfigError, match="kind"):
        FrozenLayer(3, 5, "sine", 1.0)
    with pytest.raises(ConfigError, match="width"):
        FrozenLayer(3, 5, "relu", 0.0)
    with pytest.raises(ConfigError, match="features"):
        FrozenLayer(3, 0, "relu", 1.0)
    with pytest.raises(ShapeError, match="layer inner"):
        RandomFeatureModel(3, 5, 1)(torch.zeros(2, 4))
