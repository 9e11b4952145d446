import numpy as np
import pytest
import scipy.special
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.parts.activation import (
    ACTIVATIONS,
    Swish,
    activation,
    leaky_relu,
    leaky_relu_derivative,
    prelu,
    prelu_derivative,
    sign,
    step,
    swish,
    swish_derivative,
)

# None of the kinks is on this grid.
GRID = torch.linspace(-6.03, 6.05, 300, dtype=torch.float64)
X = GRID.numpy()
BY_NUMPY = {
    "identity": X,
    "sigmoid": scipy.special.expit(X),
    "tanh": np.tanh(X),
    "relu": np.maximum(0, X),
    "leaky_relu": np.where(X > 0, X, 0.01 * X),
    "prelu": np.where(X > 0, X, 0.25 * X),
    "softplus": np.logaddexp(0, X),
    "gelu": X * (1 + scipy.special.erf(X / np.sqrt(2))) / 2,
    "silu": X * scipy.special.expit(X),
    "swish": X * scipy.special.expit(X),
    "sign": np.sign(X),
    "step": np.heaviside(X, 1),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_and_module(name: str) -> None:
    entry = activation(name)
    assert entry.name == name
    np.testing.assert_allclose(entry.function(GRID).numpy(), BY_NUMPY[name], rtol=1e-12, atol=1e-14)
    module = entry.module().double()
    np.testing.assert_allclose(module(GRID).detach().numpy(), BY_NUMPY[name], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_by_central_differences(name: str) -> None:
    entry, h = activation(name), 1e-5
    expected = (entry.function(GRID + h) - entry.function(GRID - h)) / (2 * h)
    torch.testing.assert_close(entry.derivative(GRID), expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_is_autograds_also_at_the_kink(name: str) -> None:
    x = torch.cat([GRID, torch.zeros(1, dtype=torch.float64)]).requires_grad_()
    entry = activation(name)
    if name == "prelu":  # autograd of the sum of two clamps counts both sides at the kink
        x = GRID.clone().requires_grad_()
    (expected,) = torch.autograd.grad(entry.function(x).sum(), x)
    torch.testing.assert_close(entry.derivative(x.detach()), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradcheck(name: str) -> None:
    x = GRID[::30].clone().requires_grad_()
    assert torch.autograd.gradcheck(activation(name).function, (x,))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_monotone_is_told_truly(name: str) -> None:
    entry = activation(name)
    module = entry.module().double()
    if name == "prelu":
        with torch.no_grad():
            next(module.parameters()).fill_(-0.5)
    falls = (module(GRID).diff() < -1e-12).any().item()
    assert falls != entry.monotone


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_saturation_is_told_truly(name: str) -> None:
    entry = activation(name)
    for end, limit in zip((-60.0, 60.0), entry.saturates, strict=True):
        x = torch.tensor([end, 2 * end], dtype=torch.float64)
        values, slopes = entry.function(x), entry.derivative(x)
        if limit is None:
            assert (values[1] - values[0]).abs() > 0.1
            assert slopes.abs().min() > 1e-3
        else:
            torch.testing.assert_close(values, torch.full_like(x, limit), rtol=0, atol=1e-12)
            assert slopes.abs().max() < 1e-12


@pytest.mark.parametrize("slope", [0.0, 0.25, 1.0, 3.0, -0.5])
def test_parametric_rectifier_for_any_slope(slope: float) -> None:
    """Also above 1, where max(a x, x) would be wrong (errata E10)."""
    learned = torch.tensor(slope, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(prelu(GRID, learned), F.prelu(GRID, learned.view(1)))
    torch.testing.assert_close(prelu_derivative(GRID, slope), torch.from_numpy(np.where(X > 0, 1.0, slope)))
    assert torch.autograd.gradcheck(prelu, (GRID[::30].clone().requires_grad_(), learned))
    assert prelu(torch.tensor([-2.0]), slope).item() == -2 * slope


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_leaky_rectifier(slope: float) -> None:
    np.testing.assert_allclose(leaky_relu(GRID, slope).numpy(), np.maximum(X, 0) + slope * np.minimum(X, 0))
    np.testing.assert_array_equal(leaky_relu_derivative(GRID, slope).numpy(), np.where(X > 0, 1, slope))


@pytest.mark.parametrize("beta", [0.0, 0.7, 1.0, 4.0])
def test_swish_for_any_beta(beta: float) -> None:
    np.testing.assert_allclose(swish(GRID, beta).numpy(), X * scipy.special.expit(beta * X), atol=1e-14)
    h = 1e-5
    slope = (swish(GRID + h, beta) - swish(GRID - h, beta)) / (2 * h)
    torch.testing.assert_close(swish_derivative(GRID, beta), slope, rtol=1e-8, atol=1e-9)
    learned = torch.tensor(beta, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(swish, (GRID[::30].clone().requires_grad_(), learned))
    assert [*Swish(beta).state_dict()] == ["beta"]


def test_convention_at_zero() -> None:
    zero = torch.tensor([-0.0, 0.0])
    assert sign(zero).tolist() == [1, 1]
    assert step(zero).tolist() == [1, 1]
    assert sign(zero, at_zero=0.0).tolist() == [0, 0]
    assert sign(zero, at_zero=-1.0).tolist() == [-1, -1]
    assert step(zero, at_zero=0.0).tolist() == [0, 0]
    assert step(zero, at_zero=0.5).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_keeps_shape_and_type_and_stays_finite(name: str, dtype: torch.dtype) -> None:
    entry = activation(name)
    x = torch.tensor([[-1e4, -90.0, 0.0], [1.0, 90.0, 1e4]], dtype=dtype)
    for values in (entry.function(x), entry.derivative(x)):
        assert values.shape == x.shape
        assert values.dtype == dtype
        assert values.isfinite().all()


def test_modules_that_learn_are_made_afresh() -> None:
    def parameters(module: nn.Module) -> list[Tensor]:
        return list(module.parameters())

    for name in ("prelu", "swish"):
        entry = activation(name)
        assert parameters(entry.module())[0] is not parameters(entry.module())[0]


def test_unknown_name_says_the_closest() -> None:
    with pytest.raises(ConfigError, match="did you mean softplus"):
        activation("soft_plus")
