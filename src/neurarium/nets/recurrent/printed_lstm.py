"""The two LSTM cells that the notes print, beside the standard one (`lstm.LSTM`).

000 and 001:    c_t = (1 - f) * c_(t-1) + i * g,    h_t = o * c_t
004:            c_t = f * c_(t-1) + i * g,          h_t = o * tanh(V c_t)

with i, f, o by sigmoid and g by tanh of W x_t + U h_(t-1) + b. In the first f says how much to forget, so that its bias
begins at -1 where the standard cell's begins at 1, and nothing bounds h (errata E2). The second has H^2 numbers more
(errata E46): 4 H (D + H + 1) + H^2 for D inputs and H units, the first 4 H (D + H + 1) as the standard one.
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.nets.recurrent.cell import Cell, gate_weights
from neurarium.nets.recurrent.encoder import State


class _Printed(Cell):
    """What both have in common: parameters, and gates in the order i, f, g, o."""

    state_names: ClassVar[tuple[str, ...]] = ("hidden", "cell")
    first_bias: ClassVar[float]  # of f

    def __init__(self, inputs: int, hidden: int, learn_start: bool = False) -> None:
        super().__init__(inputs, (hidden, hidden), learn_start)
        self.weight_ih, self.weight_hh = gate_weights(4, hidden, inputs)
        self.bias = nn.Parameter(torch.zeros(4 * hidden))
        with torch.no_grad():
            self.bias[hidden : 2 * hidden] = self.first_bias

    def drive(self, x: Float[Tensor, "... inputs"]) -> Float[Tensor, "... gates"]:
        """W x + b."""
        return F.linear(x, self.weight_ih, self.bias)

    def gates(self, driven: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """i, f, g, o."""
        i, f, g, o = (driven + F.linear(h, self.weight_hh)).chunk(4, -1)
        return torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)


class ForgettingLSTM(_Printed):
    """The cell of 000 and 001."""

    first_bias: ClassVar[float] = -1.0

    def update(self, driven: Float[Tensor, "batch gates"], state: State) -> State:
        """h_t and c_t."""
        h, c = state
        i, f, g, o = self.gates(driven, h)
        c = (1 - f) * c + i * g
        return (o * c, c)


class MixedOutputLSTM(_Printed):
    """The cell of 004."""

    first_bias: ClassVar[float] = 1.0

    def __init__(self, inputs: int, hidden: int, learn_start: bool = False) -> None:
        super().__init__(inputs, hidden, learn_start)
        self.weight_co = nn.Parameter(nn.init.orthogonal_(torch.empty(hidden, hidden)))

    def update(self, driven: Float[Tensor, "batch gates"], state: State) -> State:
        """h_t and c_t."""
        h, c = state
        i, f, g, o = self.gates(driven, h)
        c = f * c + i * g
        return (o * torch.tanh(F.linear(c, self.weight_co)), c)
