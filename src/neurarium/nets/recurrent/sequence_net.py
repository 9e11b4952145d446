"""A net of sequences: an encoder reads the steps, an affine layer answers, for each step or for the whole.

    h_1 ... h_T = encoder(x_1 ... x_T),    y_t = W h_t + b    or    y = W pool(h_1 ... h_T) + b

Tokens come in by an embedding, x_t = E[token_t]. What stands in the padding changes nothing and gets no gradient.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from neurarium.nets.decoding import Stepwise
from neurarium.nets.expect import expect
from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.parts.padded import check_padded, inside, max_over, mean_over
from neurarium.nets.parts.places import check_places
from neurarium.nets.recurrent.encoder import CausalEncoder, SequenceEncoder, State

Pool = Callable[[SequenceEncoder, Tensor, Tensor], Tensor]
POOLS: dict[str, Pool | None] = {
    "last": lambda encoder, h, lengths: encoder.last(h, lengths),
    "mean": lambda encoder, h, lengths: mean_over(h, lengths),
    "max": lambda encoder, h, lengths: max_over(h, lengths),
    "none": None,
}
"""How features (batch, time, features) of sequences of some lengths become a vector each; "none": not at all."""


class SequenceNet(Stepwise, nn.Module):
    """The net above.

    Args:
        encoder: a `SequenceEncoder`.
        inputs: numbers a step, or tokens of the vocabulary where there is an `embedding_dim`.
        outputs: numbers of an answer.
        pooling: a name in `POOLS`.
        embedding_dim: size of a token's vector; 0: each step is numbers.
        dropout: probability of dropping one of the numbers that the affine layer sees.
    """

    def __init__(
        self,
        encoder: nn.Module,
        inputs: int,
        outputs: int,
        *,
        pooling: str = "last",
        embedding_dim: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.inputs, self.pooling = inputs, pooling
        self.embedding = nn.Embedding(inputs, embedding_dim) if embedding_dim else None
        self.encoder, self.dropout = encoder, nn.Dropout(dropout)
        self.output = nn.Linear(encoder.features, outputs)  # type: ignore[arg-type]
        initialize_layer_(self.output, "lecun")

    def forward(
        self, x: Shaped[Tensor, "..."], lengths: Int[Tensor, "..."] | None = None
    ) -> Float[Tensor, "batch *time outputs"]:
        """Answers to padded rows of numbers (batch, time, inputs) or of tokens (batch, time).

        Raises ShapeError: other dimensions, lengths of other rows or outside 1 to time, or unknown tokens.
        """
        if self.embedding is None:
            check_padded(x, lengths, "the encoder", "time", self.inputs)
        else:
            check_padded(x, lengths, "layer embedding", "time")
            check_places(x, self.inputs, "tokens", "words")
        h = self.encoder(self.entering(x, lengths), lengths)
        pool = POOLS[self.pooling]
        if pool is not None:
            all_steps = torch.full(x.shape[:1], x.shape[1], device=x.device)
            h = pool(self.encoder, h, all_steps if lengths is None else lengths)  # type: ignore[arg-type]
        return self.output(self.dropout(h))

    def entering(
        self, x: Shaped[Tensor, "batch time ..."], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch time inputs"]:
        """What the encoder sees: the vector of each step, zero in the padding."""
        steps: Tensor = x if self.embedding is None else self.embedding(x)
        return steps if lengths is None else steps.masked_fill(~inside(lengths, x.shape[1])[:, :, None], 0)

    def start(self, batch: int) -> State:
        """The state before the first step of so many rows. Raises ConfigError: the encoder is not causal."""
        return expect_causal(self.encoder).start(batch, self.output.weight)

    def step(self, x: Shaped[Tensor, "batch ..."], state: State) -> tuple[Float[Tensor, "batch outputs"], State]:
        """Answer after one more step, of numbers (batch, inputs) or tokens (batch), at the same cost always.

        Of a net that answers for the whole, what its last step would say (pooling "last").
        """
        h, state = expect_causal(self.encoder).step(self.entering(x[:, None])[:, 0], state)
        return self.output(self.dropout(h)), state


def expect_causal(encoder: nn.Module) -> CausalEncoder:
    """Return the encoder. Raises ConfigError: it does not read step by step."""
    return expect(encoder, CausalEncoder, "reading step by step", "choose one that sees no later step")
