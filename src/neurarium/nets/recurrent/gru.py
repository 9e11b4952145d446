"""Gated recurrent unit: one gate mixes the old state with a candidate, another says what the candidate sees of it.

    r = sigmoid(W_r x_t + b_r + U_r h_(t-1) + d_r),    z = sigmoid(W_z x_t + b_z + U_z h_(t-1) + d_z)
    n = tanh(W_n x_t + b_n + r * (U_n h_(t-1) + d_n)),    h_t = (1 - z) * n + z * h_(t-1)

3 H (D + H + 2) numbers for D inputs and H units.

Source: K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
2014; they reset h before the product with U_n, torch.nn.GRU and this cell behind it.
Departs from the notes: 004 mixes in the reset gate where the candidate belongs (errata E47).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.nets.recurrent.cell import Cell, gate_weights
from neurarium.nets.recurrent.encoder import State


def gru_step(
    driven: Float[Tensor, "batch gates"],
    h: Float[Tensor, "batch hidden"],
    weight: Float[Tensor, "gates hidden"],
    bias: Float[Tensor, "gates"],
) -> Float[Tensor, "batch hidden"]:
    """One step, where `driven` is W x_t + b.

    Example:
        >>> gru_step(torch.zeros(1, 3), torch.ones(1, 1), torch.zeros(3, 1), torch.zeros(3))
        tensor([[0.5000]])
    """
    r, z, n = driven.chunk(3, -1)
    of_r, of_z, of_n = F.linear(h, weight, bias).chunk(3, -1)
    z = torch.sigmoid(z + of_z)
    n = torch.tanh(n + torch.sigmoid(r + of_r) * of_n)
    return (1 - z) * n + z * h


class GRU(Cell):
    """The cell above; parameters are named as torch names them."""

    def __init__(self, inputs: int, hidden: int, learn_start: bool = False) -> None:
        super().__init__(inputs, (hidden,), learn_start)
        self.weight_ih, self.weight_hh = gate_weights(3, hidden, inputs)
        self.bias_ih, self.bias_hh = nn.Parameter(torch.zeros(3 * hidden)), nn.Parameter(torch.zeros(3 * hidden))

    def drive(self, x: Float[Tensor, "... inputs"]) -> Float[Tensor, "... gates"]:
        """W x + b."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    def update(self, driven: Float[Tensor, "batch gates"], state: State) -> State:
        """h_t."""
        return (gru_step(driven, state[0], self.weight_hh, self.bias_hh),)

    def states(self, x: Float[Tensor, "batch time inputs"], state: State) -> State:
        """h_t of every step, by torch's kernel."""
        weights: list[Tensor] = [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]
        h, _ = torch.gru(x, state[0][None].contiguous(), weights, True, 1, 0.0, self.training, False, True)
        return (h,)
