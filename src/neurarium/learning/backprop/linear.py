"""Fully connected layer: y = x W^T + b, its error signal and its gradients.

    dL/dx = delta W,    dL/dW = delta^T x,    dL/db = sum over the rows of delta

for examples in rows. For one example in columns, a = W z + b with error e: dL/dz = W^T e, dL/dW = e z^T.

Departs from the notes: they print dQ/dW = z^T e, a number; the gradient is the outer product e z^T, of the shape of
W (errata E15).
"""

from typing import NamedTuple

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ShapeError


class LinearCache(NamedTuple):
    """What the way back needs: dL/dW the input, dL/dx the weights."""

    x: Tensor
    weight: Tensor
    has_bias: bool


def linear_forward(
    x: Float[Tensor, "*batch numbers"],
    weight: Float[Tensor, "outputs inputs"],
    bias: Float[Tensor, " outputs"] | None = None,
) -> tuple[Float[Tensor, "*batch outputs"], LinearCache]:
    """Net inputs of a layer's units, y = x W^T + b.

    Raises ShapeError: examples with another count of numbers than the layer takes.

    Example:
        >>> import torch
        >>> y, cache = linear_forward(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]]), torch.tensor([5.0]))
        >>> y, linear_backward(torch.tensor([[10.0]]), cache)
        (tensor([[16.]]), (tensor([[30., 40.]]), tensor([[10., 20.]]), tensor([10.])))
    """
    if x.shape[-1] != weight.shape[1]:
        raise ShapeError(
            "input of a linear layer",
            expected=f"examples with {weight.shape[1]} numbers each",
            got=f"a tensor of shape {tuple(x.shape)}",
        )
    return F.linear(x, weight, bias), LinearCache(x, weight, bias is not None)


def linear_backward(
    delta: Float[Tensor, "*batch outputs"], cache: LinearCache, to_input: bool = True
) -> tuple[Float[Tensor, "*batch inputs"] | None, Float[Tensor, "outputs inputs"], Float[Tensor, " outputs"] | None]:
    """Error signal of the input (None unless `to_input`), gradients of weights and bias (None without)."""
    # Both products are written as F.linear(a, b, None) = a b^T: whoever swaps in a faster one, as the trainer does on
    # the CPU, speeds up all three of the layer's products.
    rows, inputs = delta.reshape(-1, delta.shape[-1]), cache.x.reshape(-1, cache.x.shape[-1])
    dx = F.linear(delta, cache.weight.t(), None) if to_input else None
    dweight = F.linear(rows.t(), inputs.t(), None)
    return dx, dweight, rows.sum(0) if cache.has_bias else None
