"""Embedding: each token takes its row of a table; the error signal goes back to that row.

    y_t = W[token_t],    dL/dW[v] = sum over the t with token_t = v of delta_t

It is the linear layer on one-hot codes, without the codes. Tokens are no numbers to differentiate: there is no dL/dx.
"""

from typing import NamedTuple

from jaxtyping import Float, Int
from torch import Tensor


class EmbeddingCache(NamedTuple):
    """What the way back needs."""

    tokens: Tensor
    rows: int
    padding_token: int | None


def embedding_forward(
    tokens: Int[Tensor, "*batch"], weight: Float[Tensor, "tokens features"], padding_token: int | None = None
) -> tuple[Float[Tensor, "*batch features"], EmbeddingCache]:
    """Look up the tokens' rows.

    `padding_token`: a token whose row is not learned.

    Example:
        >>> import torch
        >>> y, cache = embedding_forward(torch.tensor([1, 1]), torch.tensor([[1.0], [2.0]]))
        >>> embedding_backward(torch.tensor([[3.0], [4.0]]), cache)
        tensor([[0.],
                [7.]])
    """
    return weight[tokens], EmbeddingCache(tokens, len(weight), padding_token)


def embedding_backward(
    delta: Float[Tensor, "*batch features"], cache: EmbeddingCache
) -> Float[Tensor, "tokens features"]:
    """Gradient of the table."""
    dweight = delta.new_zeros(cache.rows, delta.shape[-1])
    dweight.index_add_(0, cache.tokens.flatten(), delta.reshape(-1, delta.shape[-1]))
    if cache.padding_token is not None:
        dweight[cache.padding_token] = 0
    return dweight
