"""minLSTM: an LSTM whose gates see the input alone and add up to 1, so that the state follows a linear recurrence.

    f_t = sigmoid(p_t),  p_t = W_f x_t + b_f,    i_t = sigmoid(q_t),  q_t = W_i x_t + b_i,    v_t = W_v x_t + b_v
    h_t = f_t / (f_t + i_t) h_(t-1) + i_t / (f_t + i_t) v_t,    h_0 = 0

Both fractions are one logistic function, of a difference that stays finite where both gates are 0 to rounding:

    i / (f + i) = sigmoid(log i - log f) = sigmoid(log sigmoid(q) - log sigmoid(p))

Source: L. Feng et al., "Were RNNs all we needed?", 2024, algorithms 7 and 8, in linear space (theirs is in that of
logarithms, and makes v positive for it).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.recurrent.gated_mean import GatedMean, spread_bias


class MinLSTM(GatedMean, nn.Module):
    """The unit above, `features` of it, which at first remember 2 to about `longest` steps."""

    def __init__(self, inputs: int, features: int, longest: int = 2) -> None:
        super().__init__()
        self.features = features
        self.forget, self.enter = nn.Linear(inputs, features), nn.Linear(inputs, features)
        self.value = nn.Linear(inputs, features)
        for layer in (self.forget, self.enter, self.value):
            initialize_layer_(layer, "lecun")
        with torch.no_grad():
            self.enter.bias.copy_(spread_bias(features, longest))
            self.forget.bias.copy_(-self.enter.bias)  # f = 1 - i, and the fraction is i

    def fraction(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch features"]:
        """i / (f + i)."""
        return torch.sigmoid(F.logsigmoid(self.enter(x)) - F.logsigmoid(self.forget(x)))
