"""Dropout: y = m * x with m = 0 with probability p, else 1 / (1 - p); the way back passes through the same gates.

    dL/dx = m * delta

Source: N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def dropout_forward(x: Float[Tensor, "*shape"], probability: float) -> tuple[Float[Tensor, "*shape"], Tensor]:
    """Drop numbers with probability p in [0, 1], drawn as `torch.nn.Dropout` draws them; the cache is m."""
    keep = 1 - probability
    mask = torch.empty_like(x).bernoulli_(keep)
    if keep:
        mask.div_(keep)
    return x * mask, mask


def dropout_backward(delta: Float[Tensor, "*shape"], mask: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Delta through the gates that were open."""
    return delta * mask
