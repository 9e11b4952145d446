"""Layers that work number by number: ReLU, sigmoid, tanh, and any function whose derivative is known.

    y = f(x),    dL/dx = f'(x) * delta

The Jacobian is diagonal. Sigmoid and tanh need only their own output on the way back:

    relu'(x) = [x > 0] = [y > 0],    sigmoid'(x) = y (1 - y),    tanh'(x) = 1 - y^2

Each way back is one library kernel that evaluates its formula in a single pass over memory.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


def relu_forward(x: Float[Tensor, "*shape"]) -> tuple[Float[Tensor, "*shape"], Tensor]:
    """max(0, x); the cache is y.

    Example:
        >>> y, cache = relu_forward(torch.tensor([-1.0, 2.0]))
        >>> y, relu_backward(torch.tensor([5.0, 6.0]), cache)
        (tensor([0., 2.]), tensor([0., 6.]))
    """
    y = torch.relu(x)
    return y, y


def relu_backward(delta: Float[Tensor, "*shape"], y: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The error signal where the unit was active, 0 elsewhere and at the kink."""
    return torch.ops.aten.threshold_backward(delta, y, 0)


def sigmoid_forward(x: Float[Tensor, "*shape"]) -> tuple[Float[Tensor, "*shape"], Tensor]:
    """1 / (1 + exp(-x)); the cache is y."""
    y = torch.sigmoid(x)
    return y, y


def sigmoid_backward(delta: Float[Tensor, "*shape"], y: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Delta y (1 - y), at most a quarter of delta."""
    return torch.ops.aten.sigmoid_backward(delta, y)


def tanh_forward(x: Float[Tensor, "*shape"]) -> tuple[Float[Tensor, "*shape"], Tensor]:
    """Hyperbolic tangent; the cache is y."""
    y = torch.tanh(x)
    return y, y


def tanh_backward(delta: Float[Tensor, "*shape"], y: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Delta (1 - y^2)."""
    return torch.ops.aten.tanh_backward(delta, y)


class ElementwiseCache(NamedTuple):
    """The input, and the derivative to take there."""

    x: Tensor
    derivative: Callable[[Tensor], Tensor]


def elementwise_forward(
    x: Float[Tensor, "*shape"], function: Callable[[Tensor], Tensor], derivative: Callable[[Tensor], Tensor]
) -> tuple[Float[Tensor, "*shape"], ElementwiseCache]:
    """Any function of each number by itself, such as those in `nets.parts.activation`.

    Example:
        >>> y, cache = elementwise_forward(torch.tensor([3.0]), torch.square, lambda x: 2 * x)
        >>> y, elementwise_backward(torch.tensor([10.0]), cache)
        (tensor([9.]), tensor([60.]))
    """
    return function(x), ElementwiseCache(x, derivative)


def elementwise_backward(delta: Float[Tensor, "*shape"], cache: ElementwiseCache) -> Float[Tensor, "*shape"]:
    """Delta f'(x)."""
    return delta * cache.derivative(cache.x)
