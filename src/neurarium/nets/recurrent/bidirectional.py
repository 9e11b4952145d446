"""Two encoders, one reading forwards and one backwards, side by side.

    h_t = (forward(x_1 ... x_T)_t ; backward(x_T ... x_1)_(T+1-t))

T is each row's own length: the one that reads backwards begins at the row's last step, not in the padding.

Source: M. Schuster, K. Paliwal, "Bidirectional recurrent neural networks", 1997.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.nets.parts.padded import last_of, reversed_rows
from neurarium.nets.recurrent.encoder import CausalEncoder, SequenceEncoder


class Bidirectional(SequenceEncoder, nn.Module):
    """The encoder above, of any two causal ones."""

    def __init__(self, forwards: CausalEncoder, backwards: CausalEncoder) -> None:
        super().__init__()
        self.forwards, self.backwards = forwards, backwards
        self.features = forwards.features + backwards.features

    def forward(
        self, x: Float[Tensor, "batch time inputs"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch time features"]:
        """Features of both for every step."""
        back = reversed_rows(self.backwards(reversed_rows(x, lengths), lengths), lengths)  # type: ignore[operator]
        return torch.cat([self.forwards(x, lengths), back], 2)  # type: ignore[operator]

    def last(
        self, features: Float[Tensor, "batch time features"], lengths: Int[Tensor, "batch"]
    ) -> Float[Tensor, "batch features"]:
        """What each knows when it has read all: forwards at the last step, backwards at the first."""
        ahead, back = features.split([self.forwards.features, self.backwards.features], 2)
        return torch.cat([last_of(ahead, lengths), back[:, 0]], 1)
