"""Scaled dot-product attention: every query takes a mean of the values, weighted by how well their keys fit.

    E = s Q K^T,    A = softmax of each row of E,    C = A V

with positions in rows and the scale s = 1 / sqrt(d) for keys of d numbers. Back:

    dL/dV = A^T delta,    D = delta V^T,    G = A * (D - row sums of D * A),    dL/dQ = s G K,    dL/dK = s G^T Q

Departs from the notes: they print C = V softmax(g(Q, K)) with positions in columns, the transpose of this with
g = K^T Q, and no scale: that is s = 1 (errata E19). Their weights e / sum e are exp(e) / sum exp(e), and the sum runs
over the positions of the keys (errata E16).

Source: A. Vaswani et al., "Attention is all you need", 2017.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.learning.backprop.softmax import SoftmaxCache, softmax_backward, softmax_forward


class AttentionCache(NamedTuple):
    """What the way back needs; `weights.y` is A."""

    q: Tensor
    k: Tensor
    v: Tensor
    scale: float
    weights: SoftmaxCache


def attention_forward(
    q: Float[Tensor, "*batch queries d"],
    k: Float[Tensor, "*batch keys d"],
    v: Float[Tensor, "*batch keys features"],
    scale: float | None = None,
) -> tuple[Float[Tensor, "*batch queries features"], AttentionCache]:
    """Contexts of the queries.

    `scale`: s; none: 1 / sqrt(d), which keeps the variance of E at 1 where q and k have variance 1.

    Example (both keys fit equally well):
        >>> c, _ = attention_forward(torch.ones(1, 2), torch.ones(2, 2), torch.tensor([[1.0], [3.0]]))
        >>> c
        tensor([[2.]])
    """
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    weights, softmax_cache = softmax_forward(torch.matmul(q, k.mT).mul_(scale))
    return torch.matmul(weights, v), AttentionCache(q, k, v, scale, softmax_cache)


def attention_backward(
    delta: Float[Tensor, "*batch queries features"], cache: AttentionCache
) -> tuple[Float[Tensor, "*batch queries d"], Float[Tensor, "*batch keys d"], Float[Tensor, "*batch keys features"]]:
    """Error signals of queries, keys and values."""
    dv = torch.matmul(cache.weights.y.mT, delta)
    g = softmax_backward(torch.matmul(delta, cache.v.mT), cache.weights).mul_(cache.scale)
    return torch.matmul(g, cache.k), torch.matmul(g.mT, cache.q), dv
