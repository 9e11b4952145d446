"""Products against the matrices themselves, written down entry by entry in float64."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from neurarium.learning.hessian_free.gauss_newton import fisher_diagonal, gauss_newton
from neurarium.learning.hessian_free.vector import Parameters, to_parameters, to_vector

N, K = 7, 3
Loss = Callable[[Tensor], Tensor]


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def make_net(*layers: nn.Module) -> tuple[Callable[[Parameters, Tensor], Tensor], Parameters, Tensor]:
    net = nn.Sequential(*layers).double()
    parameters = {name: p.detach() for name, p in net.named_parameters()}
    return lambda p, x: functional_call(net, p, (x,)), parameters, torch.randn(N, 4, dtype=torch.float64)


def losses() -> dict[str, Loss]:
    classes, marks = torch.randint(0, K, (N,)), torch.rand(N, K, dtype=torch.float64)
    return {
        "cross-entropy": lambda a: F.cross_entropy(a, classes),
        "squared error": lambda a: (a - marks).square().sum() / (2 * N),
        "binary cross-entropy": lambda a: F.binary_cross_entropy_with_logits(a, marks, reduction="sum") / N,
        "logistic": lambda a: F.softplus(-a * (2 * marks - 1)).mean(),
    }


def columns(product: Callable[[Tensor], Tensor], size: int) -> Tensor:
    return torch.stack([product(e) for e in torch.eye(size, dtype=torch.float64)], 1)


@pytest.mark.parametrize("name", losses())
def test_product_is_that_of_the_matrix(name: str) -> None:
    outputs_of, parameters, x = make_net(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 4), nn.Sigmoid(), nn.Linear(4, K))
    loss, weights = losses()[name], to_vector(parameters.values())

    def outputs(w: Tensor) -> Tensor:
        return outputs_of(to_parameters(w, parameters), x)

    jacobian = torch.autograd.functional.jacobian(outputs, weights).reshape(N * K, -1)
    bend = torch.autograd.functional.hessian(loss, outputs(weights)).reshape(N * K, N * K)
    matrix = jacobian.T @ bend @ jacobian
    got = columns(gauss_newton(lambda p: outputs_of(p, x), loss, parameters), len(weights))
    torch.testing.assert_close(got, matrix, rtol=1e-10, atol=1e-12)
    assert torch.linalg.eigvalsh(got).min() > -1e-12


@pytest.mark.parametrize("name", losses())
def test_it_is_the_hessian_where_the_net_is_linear_and_another_matrix_where_it_is_not(name: str) -> None:
    def difference(*layers: nn.Module) -> float:
        outputs_of, parameters, x = make_net(*layers)
        loss, weights = losses()[name], to_vector(parameters.values())
        hessian = torch.autograd.functional.hessian(
            lambda w: loss(outputs_of(to_parameters(w, parameters), x)), weights
        )
        got = columns(gauss_newton(lambda p: outputs_of(p, x), loss, parameters), len(weights))
        return float((got - hessian).norm() / hessian.norm())

    assert difference(nn.Linear(4, K)) < 1e-12
    assert difference(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, K)) > 1e-2


def test_convolution_and_layer_norm_have_products() -> None:
    layers = nn.Unflatten(1, (1, 4)), nn.Conv1d(1, 2, 3), nn.Flatten(), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, K)
    outputs_of, parameters, x = make_net(*layers)
    weights, step = to_vector(parameters.values()), 1e-6
    v = torch.randn_like(weights)

    def outputs(w: Tensor) -> Tensor:
        return outputs_of(to_parameters(w, parameters), x)

    moved = (outputs(weights + step * v) - outputs(weights - step * v)) / (2 * step)
    product = gauss_newton(lambda p: outputs_of(p, x), lambda a: a.square().sum() / 2, parameters)
    assert float(v @ product(v)) == pytest.approx(float(moved.square().sum()), rel=1e-6)


def test_fisher_diagonal_over_all_patterns_of_signs_is_the_mean_of_squared_gradients() -> None:
    outputs_of, parameters, x = make_net(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, K))
    classes = torch.randint(0, K, (N,))
    expected = torch.zeros_like(to_vector(parameters.values()))
    for n in range(N):
        leaves = {name: p.clone().requires_grad_() for name, p in parameters.items()}
        F.cross_entropy(outputs_of(leaves, x[n : n + 1]), classes[n : n + 1]).backward()
        expected += to_vector(leaf.grad for leaf in leaves.values()).square() / N
    patterns = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * N)
    loss: Loss = lambda a: F.cross_entropy(a, classes)  # noqa: E731
    got = fisher_diagonal(lambda p: outputs_of(p, x), loss, parameters, patterns)
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-14)
    few = fisher_diagonal(lambda p: outputs_of(p, x), loss, parameters, patterns[torch.randperm(128)[:64]])
    assert float(((few - expected) / expected).abs().mean()) < 0.2
