"""Deep set of the steps of a series: each step by itself through two layers, then mean and maximum over time.

    h_t = relu(W_2 relu(W_1 x_t + b_1) + b_2)
    outputs = W_3 (1/T sum_t h_t ; max_t h_t) + b_3

The order of the steps makes no difference: what this net misses is what a recurrent one can gain.

Source: M. Zaheer et al., "Deep sets", 2017.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.parts.padded import check_padded, max_over, mean_over


def mean_and_max(h: Float[Tensor, "batch time hidden"], lengths: Int[Tensor, "batch"]) -> Float[Tensor, "batch both"]:
    """Mean and maximum over the steps that are there, side by side."""
    return torch.cat([mean_over(h, lengths), max_over(h, lengths)], 1)


class PooledSeries(nn.Module):
    """The net above."""

    def __init__(self, features: int, hidden: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.features = features
        self.linear1, self.linear2 = nn.Linear(features, hidden), nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(2 * hidden, outputs)
        for layer in (self.linear1, self.linear2):
            initialize_layer_(layer, "he")
        initialize_layer_(self.output, "lecun")

    def forward(self, series: Float[Tensor, "..."], lengths: Int[Tensor, "..."]) -> Float[Tensor, "batch outputs"]:
        """Outputs of a batch of series (batch, time, features), padded. Raises ShapeError: other dimensions."""
        check_padded(series, lengths, "layer linear1", "time", self.features)
        h = torch.relu(self.linear2(torch.relu(self.linear1(series))))
        return self.output(self.dropout(mean_and_max(h, lengths)))
