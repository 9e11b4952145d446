"""Neural probabilistic language model: the last n tokens, each embedded by the same table, through one hidden layer.

    z_i = (C[t_(i-n+1)] ; ... ; C[t_i]),    log p(t_(i+1) | t_1 ... t_i) = log softmax(U tanh(H z_i + d) + b)

A place before the beginning holds a blank, a row of C of its own. Said for every place of a window at once: what is
said at a place depends on the tokens up to there alone, and of those on the last n.

Source: Y. Bengio, R. Ducharme, P. Vincent, C. Janvin, "A neural probabilistic language model", 2003; without its
optional direct connections W z from the embeddings to the logits.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.parts.padded import check_padded
from neurarium.nets.parts.places import check_places


def contexts(tokens: Int[Tensor, "batch length"], size: int, blank: int) -> Int[Tensor, "batch length size"]:
    """The last `size` tokens up to each place, that one included; places before the first are blank."""
    return F.pad(tokens, (size - 1, 0), value=blank).unfold(1, size, 1)


class NeuralLanguageModel(nn.Module):
    """The net above; `context` is n."""

    def __init__(self, vocabulary: int, context: int, embedding_dim: int, hidden: int) -> None:
        super().__init__()
        self.vocabulary, self.context = vocabulary, context
        self.embedding = nn.Embedding(vocabulary + 1, embedding_dim)
        self.linear1, self.output = nn.Linear(context * embedding_dim, hidden), nn.Linear(hidden, vocabulary)
        initialize_layer_(self.linear1, "xavier", "tanh")
        initialize_layer_(self.output, "lecun")

    def forward(self, tokens: Int[Tensor, "..."]) -> Float[Tensor, "batch length vocabulary"]:
        """Logits of the token after each place of (batch, length). Raises ShapeError, for unknown tokens too."""
        check_padded(tokens, None, "layer embedding", "length")
        check_places(tokens, self.vocabulary, "tokens", "words")
        z = self.embedding(contexts(tokens, self.context, blank=self.vocabulary)).flatten(2)
        return self.output(torch.tanh(self.linear1(z)))
