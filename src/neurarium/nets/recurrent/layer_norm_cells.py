"""Recurrent cells with layer normalization: what a step adds up is brought to mean 0 and variance 1 over the units.

    Elman:    h_t = tanh(LN(W x_t + U h_(t-1)))
    LSTM:     [i, f, g, o] = LN(W x_t) + LN'(U h_(t-1)) + b,    h_t = o * tanh(LN''(c_t))
    GRU:      r, z = sigmoid(LN(W x_t) + LN'(U h_(t-1))),    n = tanh(LN(W x_t) + r * LN'(U h_(t-1)))

Each LN has a gain, and a bias where no other is added to it. In the GRU it is over the 3 H numbers together.

Source: J. Ba, J. Kiros, G. Hinton, "Layer normalization", 2016, equations 4 and 20 to 29.
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.nets.recurrent.cell import Cell, gate_weights
from neurarium.nets.recurrent.encoder import State


class LayerNormElman(Cell):
    """Elman's cell with layer normalization."""

    def __init__(self, inputs: int, hidden: int, learn_start: bool = False) -> None:
        super().__init__(inputs, (hidden,), learn_start)
        self.weight_ih, self.weight_hh = gate_weights(1, hidden, inputs)
        self.norm = nn.LayerNorm(hidden)

    def drive(self, x: Float[Tensor, "... inputs"]) -> Float[Tensor, "... hidden"]:
        """W x."""
        return F.linear(x, self.weight_ih)

    def update(self, driven: Float[Tensor, "batch hidden"], state: State) -> State:
        """h_t."""
        return (torch.tanh(self.norm(driven + F.linear(state[0], self.weight_hh))),)


class LayerNormLSTM(Cell):
    """Long short-term memory with layer normalization."""

    state_names: ClassVar[tuple[str, ...]] = ("hidden", "cell")

    def __init__(self, inputs: int, hidden: int, learn_start: bool = False) -> None:
        super().__init__(inputs, (hidden, hidden), learn_start)
        self.weight_ih, self.weight_hh = gate_weights(4, hidden, inputs)
        self.norm_input, self.norm_cell = nn.LayerNorm(4 * hidden), nn.LayerNorm(hidden)
        self.norm_hidden = nn.LayerNorm(4 * hidden, bias=False)
        with torch.no_grad():
            self.norm_input.bias[hidden : 2 * hidden] = 1

    def drive(self, x: Float[Tensor, "... inputs"]) -> Float[Tensor, "... gates"]:
        """LN(W x) + b."""
        return self.norm_input(F.linear(x, self.weight_ih))

    def update(self, driven: Float[Tensor, "batch gates"], state: State) -> State:
        """h_t and c_t."""
        h, c = state
        i, f, g, o = (driven + self.norm_hidden(F.linear(h, self.weight_hh))).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return (torch.sigmoid(o) * torch.tanh(self.norm_cell(c)), c)


class LayerNormGRU(Cell):
    """Gated recurrent unit with layer normalization."""

    def __init__(self, inputs: int, hidden: int, learn_start: bool = False) -> None:
        super().__init__(inputs, (hidden,), learn_start)
        self.weight_ih, self.weight_hh = gate_weights(3, hidden, inputs)
        self.norm_input, self.norm_hidden = nn.LayerNorm(3 * hidden), nn.LayerNorm(3 * hidden)

    def drive(self, x: Float[Tensor, "... inputs"]) -> Float[Tensor, "... gates"]:
        """LN(W x) + b."""
        return self.norm_input(F.linear(x, self.weight_ih))

    def update(self, driven: Float[Tensor, "batch gates"], state: State) -> State:
        """h_t."""
        (h,) = state
        r, z, n = driven.chunk(3, -1)
        of_r, of_z, of_n = self.norm_hidden(F.linear(h, self.weight_hh)).chunk(3, -1)
        z, n = torch.sigmoid(z + of_z), torch.tanh(n + torch.sigmoid(r + of_r) * of_n)
        return ((1 - z) * n + z * h,)
