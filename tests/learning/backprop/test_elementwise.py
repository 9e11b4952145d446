import numpy as np
import pytest
import torch

from neurarium.learning.backprop.elementwise import (
    elementwise_backward,
    elementwise_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    tanh_backward,
    tanh_forward,
)
from neurarium.nets.parts.activation import ACTIVATIONS

X = torch.tensor([[-3.0, -0.5, 0.25], [0.75, 2.0, 4.0]], dtype=torch.float64)
N = X.numpy()

PAIRS = {
    "relu": (relu_forward, relu_backward, np.maximum(N, 0), (N > 0) * 1.0),
    "sigmoid": (sigmoid_forward, sigmoid_backward, 1 / (1 + np.exp(-N)), 1 / (2 + np.exp(N) + np.exp(-N))),
    "tanh": (tanh_forward, tanh_backward, np.tanh(N), np.cosh(N) ** -2.0),
}


@pytest.mark.parametrize("name", PAIRS)
def test_values_derivatives_and_finite_differences(name: str, gradcheck) -> None:
    forward, backward, value, derivative = PAIRS[name]
    y, cache = forward(X)
    np.testing.assert_allclose(y.numpy(), value)
    np.testing.assert_allclose(backward(torch.full_like(X, 3.0), cache).numpy(), 3 * derivative)
    gradcheck(forward, backward, X)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS.keys() - {"sign", "step"}))
def test_any_activation_with_its_derivative(name: str, gradcheck) -> None:
    entry = ACTIVATIONS[name]
    gradcheck(lambda x: elementwise_forward(x, entry.function, entry.derivative), elementwise_backward, X)


def test_no_error_signal_passes_the_kink() -> None:
    _, cache = relu_forward(torch.zeros(1))
    assert relu_backward(torch.ones(1), cache).item() == 0
