"""Encoder and decoder: one recurrent net reads a row of tokens into a vector, another writes a row of tokens from it.

    h_t = GRU(E x_t, h_(t-1)),  h_0 = 0,    c = tanh(V h_T)
    s_i = GRU'((F y_i ; c), s_(i-1)),  s_0 = tanh(V' c)
    log p(y_(i+1) | x, y_1 ... y_i) = log softmax(W (s_i ; F y_i ; c) + b)

T is each source's own length: the encoder's state there has seen nothing of the padding behind. What is said at a place
depends on the target up to there alone.

Source: K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
2014. Here the logits are linear where theirs pass a layer of maxout units, and the unit is torch's, which resets W h
where theirs resets h.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.parts.padded import check_padded
from neurarium.nets.parts.places import check_places


def at_the_end(h: Float[Tensor, "batch time hidden"], lengths: Int[Tensor, "batch"]) -> Float[Tensor, "batch hidden"]:
    """The last state of each row that is there."""
    return h[torch.arange(len(h), device=h.device), lengths - 1]


class EncoderDecoder(nn.Module):
    """The net above."""

    def __init__(self, source: int, target: int, embedding_dim: int, hidden: int) -> None:
        super().__init__()
        self.source_embedding, self.target_embedding = (
            nn.Embedding(source, embedding_dim),
            nn.Embedding(target, embedding_dim),
        )
        self.encoder = nn.GRU(embedding_dim, hidden, batch_first=True)
        self.decoder = nn.GRU(embedding_dim + hidden, hidden, batch_first=True)
        self.summary, self.start = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)
        self.output = nn.Linear(2 * hidden + embedding_dim, target)
        for layer in (self.summary, self.start, self.output):
            initialize_layer_(layer, "lecun")

    def forward(
        self, source: Int[Tensor, "..."], target: Int[Tensor, "..."], source_lengths: Int[Tensor, "..."]
    ) -> Float[Tensor, "batch length vocabulary"]:
        """Logits of the token after each place of the target.

        Source and target are (batch, length), padded with any token; the target begins with its start.
        Raises ShapeError: other dimensions, more or fewer targets than sources, or a token beyond the vocabulary.
        """
        check_padded(source, source_lengths, "layer source_embedding", "source tokens")
        check_padded(target, source_lengths, "layer target_embedding", "target tokens")
        check_places(source, self.source_embedding.num_embeddings, "source", "words")
        check_places(target, self.target_embedding.num_embeddings, "target", "words")
        c = self.encode(source, source_lengths)
        y = self.target_embedding(target)
        c_at_each = c[:, None].expand(-1, target.shape[1], -1)
        s, _ = self.decoder(torch.cat([y, c_at_each], 2), torch.tanh(self.start(c))[None])
        return self.output(torch.cat([s, y, c_at_each], 2))

    def encode(
        self, source: Int[Tensor, "batch source"], lengths: Int[Tensor, "batch"]
    ) -> Float[Tensor, "batch hidden"]:
        """c, what the source is to the decoder."""
        h, _ = self.encoder(self.source_embedding(source))
        return torch.tanh(self.summary(at_the_end(h, lengths)))
