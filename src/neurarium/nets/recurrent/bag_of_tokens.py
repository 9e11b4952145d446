"""Deep averaging network: the mean of the tokens' embeddings through a hidden layer, whatever their order.

    a = 1/T sum_t E[x_t],    outputs = W_2 relu(W_1 a + b_1) + b_2

Source: M. Iyyer, V. Manjunatha, J. Boyd-Graber, H. Daume, "Deep unordered composition rivals syntactic methods for text
classification", 2015; they drop whole tokens while training.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.parts.padded import check_padded, mean_over
from neurarium.nets.parts.places import check_places


class BagOfTokens(nn.Module):
    """The net above."""

    def __init__(self, vocabulary: int, embedding_dim: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding_dim)
        self.linear1, self.output = nn.Linear(embedding_dim, hidden), nn.Linear(hidden, outputs)
        initialize_layer_(self.linear1, "he")
        initialize_layer_(self.output, "lecun")

    def forward(self, tokens: Int[Tensor, "..."], lengths: Int[Tensor, "..."]) -> Float[Tensor, "batch outputs"]:
        """Outputs of a batch of tokens (batch, tokens), padded with any; raises ShapeError, also for unknown tokens."""
        check_padded(tokens, lengths, "layer embedding", "tokens")
        check_places(tokens, self.embedding.num_embeddings, "tokens", "words")
        mean = mean_over(self.embedding(tokens), lengths)
        return self.output(torch.relu(self.linear1(mean)))
