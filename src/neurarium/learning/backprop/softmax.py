"""Softmax layer: y_i = exp(x_i) / sum_k exp(x_k).

    dy_i/dx_j = y_i ([i = j] - y_j),    J = diag(y) - y y^T
    dL/dx = J^T delta = y * (delta - sum_k delta_k y_k)

Rows of J sum to 0: adding a number to every x changes nothing.

Departs from the notes: they print y_i y_j off the diagonal, which is -y_i y_j (errata E14).
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class SoftmaxCache(NamedTuple):
    """The output, and the axis over which it sums to 1."""

    y: Tensor
    dim: int


def softmax_forward(x: Float[Tensor, "*shape"], dim: int = -1) -> tuple[Float[Tensor, "*shape"], SoftmaxCache]:
    """Positive fractions that sum to 1 along an axis.

    Example:
        >>> y, cache = softmax_forward(torch.zeros(2))
        >>> y, softmax_backward(torch.tensor([1.0, 0.0]), cache)
        (tensor([0.5000, 0.5000]), tensor([ 0.2500, -0.2500]))
    """
    y = torch.softmax(x, dim)
    return y, SoftmaxCache(y, dim)


def softmax_backward(delta: Float[Tensor, "*shape"], cache: SoftmaxCache) -> Float[Tensor, "*shape"]:
    """Error signal of the logits, without building the Jacobian."""
    weighted = delta * cache.y
    return torch.addcmul(weighted, cache.y, weighted.sum(cache.dim, keepdim=True), value=-1)
