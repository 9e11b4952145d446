"""Encoder and decoder: one recurrent net reads a row of tokens, another writes a row of tokens from what it says.

    h_1 ... h_T = encoder(E x_1 ... E x_T),    c = tanh(V last(h_1 ... h_T)),    s_0 = tanh(V' c)

without attention, c alone is what the decoder knows of the source:

    s_i = decoder((F y_i ; c), s_(i-1)),    log p(y_(i+1) | x, y_1 ... y_i) = log softmax(W (s_i ; F y_i ; c) + b)

with attention, it looks back at every place of it:

    s_i = decoder(F y_i, s_(i-1)),    c_i = sum_j a_ij h_j,    log p(...) = log softmax(W (s_i ; F y_i ; c_i) + b)

T is each source's own length. What is said at a place depends on the target up to there alone. The state that asks is
the one that has read y_i, so that no place waits for another's context and all of a target are computed at once.

Sources: K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
2014; D. Bahdanau, K. Cho, Y. Bengio, "Neural machine translation by jointly learning to align and translate", 2015;
M.-T. Luong, H. Pham, C. Manning, "Effective approaches to attention-based neural machine translation", 2015. Here the
logits are linear where Cho's pass a layer of maxout units, and the context does not enter the next state, as
Bahdanau's does.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.attention.alignment import ALIGNMENTS
from neurarium.nets.decoding import Aligning, State, StepDecoder
from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.parts.padded import check_padded, inside
from neurarium.nets.parts.places import check_places
from neurarium.nets.recurrent.cell import Cell
from neurarium.nets.recurrent.encoder import SequenceEncoder


class EncoderDecoder(StepDecoder, Aligning, nn.Module):
    """The net above.

    Args:
        source: words of the source's vocabulary.
        target: words of the target's.
        encoder: a `SequenceEncoder` of the source's embeddings.
        decoder: cells on top of each other; the lowest reads embeddings of the target, and without attention c behind
            them, the others what the one below says.
        embedding_dim: numbers in an embedding of either.
        context: numbers in c.
        attention: a name in `nets.attention.alignment.ALIGNMENTS`, or "none".
        dropout: probability of dropping a number before the logits.
    """

    def __init__(
        self,
        source: int,
        target: int,
        encoder: nn.Module,
        decoder: list[Cell],
        *,
        embedding_dim: int,
        context: int,
        attention: str = "none",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        assert isinstance(encoder, SequenceEncoder)
        self.source_embedding, self.target_embedding = (
            nn.Embedding(source, embedding_dim),
            nn.Embedding(target, embedding_dim),
        )
        self.encoder, self.decoder, self.dropout = encoder, nn.ModuleList(decoder), nn.Dropout(dropout)
        self.sizes = [cell.sizes for cell in decoder]
        top = decoder[-1].features
        self.attention = None if attention == "none" else ALIGNMENTS[attention](top, encoder.features)
        self.summary, self.start = nn.Linear(encoder.features, context), nn.Linear(context, sum(map(sum, self.sizes)))
        self.output = nn.Linear(top + embedding_dim + (context if self.attention is None else encoder.features), target)
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
        check_padded(target, source_lengths.clamp(max=target.shape[1]), "layer target_embedding", "target tokens")
        check_places(source, self.source_embedding.num_embeddings, "source", "words")
        check_places(target, self.target_embedding.num_embeddings, "target", "words")
        y, s, looked, _ = self._read(source, target, source_lengths)
        return self.output(self.dropout(torch.cat([s, y, looked], 2)))

    @property
    def has_attention(self) -> bool:
        """Whether the decoder looks back at the source."""
        return self.attention is not None

    def alignments(
        self,
        source: Int[Tensor, "batch source"],
        target: Int[Tensor, "batch target"],
        source_lengths: Int[Tensor, "batch"],
    ) -> Float[Tensor, "batch target source"]:
        """a_ij, in rows. Raises ConfigError: without attention there are none."""
        weights = self._read(source, target, source_lengths)[3]
        if weights is None:
            raise ConfigError("net.attention", expected="additive or multiplicative, to see alignments", got="none")
        return weights

    def begin(self, source: Int[Tensor, "batch source"], *lengths: Int[Tensor, "batch"]) -> State:
        """Read the source: the cells' states, what was said of each place, its projection, its length, and c."""
        h, c, states = self._encode(source, lengths[0])
        projected = h if self.attention is None else self.attention.project(h)
        return (states, h, projected, lengths[0], c)

    def say(self, tokens: Int[Tensor, "rows"], state: State) -> tuple[Float[Tensor, "rows vocabulary"], State]:
        """Logits of the token after one more of each row."""
        before, h, projected, lengths, c = state
        y = self.target_embedding(tokens)
        s, after = (torch.cat([y, c], 1) if self.attention is None else y), []
        for cell, old in zip(self.decoder, before, strict=True):
            s, new = cell.step(s, old)  # type: ignore[operator]
            after.append(new)
        looked = c if self.attention is None else self.attention.attend(s[:, None], h, projected, lengths)[0][:, 0]
        logits = self.output(self.dropout(torch.cat([s, y, looked], 1)))
        return logits, (tuple(after), h, projected, lengths, c)

    def _read(self, source: Tensor, target: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Embeddings of the target, the decoder's states, what it sees of the source, and a_ij."""
        h, c, states = self._encode(source, lengths)
        y = self.target_embedding(target)
        c_at_each = c[:, None].expand(-1, target.shape[1], -1)
        s = torch.cat([y, c_at_each], 2) if self.attention is None else y
        for cell, state in zip(self.decoder, states, strict=True):
            s = cell(s, None, state)
        if self.attention is None:
            return y, s, c_at_each, None
        return y, s, *self.attention(s, h, lengths)

    def _encode(self, source: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, State]:
        """h, c, and the first state of every cell of the decoder."""
        x = self.source_embedding(source).masked_fill(~inside(lengths, source.shape[1])[:, :, None], 0)
        h = self.encoder(x, lengths)
        c = torch.tanh(self.summary(self.encoder.last(h, lengths)))
        parts = torch.tanh(self.start(c)).split([size for sizes in self.sizes for size in sizes], 1)
        flat = iter(parts)
        return h, c, tuple(tuple(next(flat) for _ in sizes) for sizes in self.sizes)
