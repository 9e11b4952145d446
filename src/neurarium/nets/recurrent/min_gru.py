"""minGRU: a gated unit whose gate sees the input alone, so that the state follows a linear recurrence.

    z_t = sigmoid(W_z x_t + b_z),    v_t = W_v x_t + b_v
    h_t = (1 - z_t) h_(t-1) + z_t v_t,    h_0 = 0

Two matrices where a GRU has six.

Source: L. Feng et al., "Were RNNs all we needed?", 2024, algorithms 3 and 4, in linear space (theirs is in that of
logarithms, and makes v positive for it).
Departs from the notes: there this net is called LRU, which is another (errata E48), and their gate is 1 - z.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.recurrent.gated_mean import GatedMean, spread_bias


class MinGRU(GatedMean, nn.Module):
    """The unit above, `features` of it, which at first remember 2 to about `longest` steps."""

    def __init__(self, inputs: int, features: int, longest: int = 2) -> None:
        super().__init__()
        self.features = features
        self.gate, self.value = nn.Linear(inputs, features), nn.Linear(inputs, features)
        for layer in (self.gate, self.value):
            initialize_layer_(layer, "lecun")
        with torch.no_grad():
            self.gate.bias.copy_(spread_bias(features, longest))

    def fraction(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch features"]:
        """z."""
        return torch.sigmoid(self.gate(x))
