"""Recurrent cell whose step is a deep net: from one state to the next through several layers.

    a_1 = relu(W x_t + b + U_1 h_(t-1)),    a_l = relu(U_l a_(l-1) + b_l),    h_t = tanh(U_L a_(L-1) + b_L + h_(t-1))

With the shortcut of h_(t-1) around the layers, or without it.

Source: R. Pascanu, C. Gulcehre, K. Cho, Y. Bengio, "How to construct deep recurrent neural networks", 2014 (DT-RNN, and
DT(S)-RNN with the shortcut).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.recurrent.cell import Cell, gate_weights
from neurarium.nets.recurrent.encoder import State


class DeepTransition(Cell):
    """The cell above, of `depth` layers a step, at least 2."""

    def __init__(
        self, inputs: int, hidden: int, depth: int = 2, shortcut: bool = True, learn_start: bool = False
    ) -> None:
        super().__init__(inputs, (hidden,), learn_start)
        self.shortcut = shortcut
        self.weight_ih, self.weight_hh = gate_weights(1, hidden, inputs)
        self.bias = nn.Parameter(torch.zeros(hidden))
        layers = [nn.Linear(hidden, hidden) for _ in range(depth - 1)]
        for layer in layers:
            initialize_layer_(layer, "he")
        self.layers = nn.ModuleList(layers)

    def drive(self, x: Float[Tensor, "... inputs"]) -> Float[Tensor, "... hidden"]:
        """W x + b."""
        return F.linear(x, self.weight_ih, self.bias)

    def update(self, driven: Float[Tensor, "batch hidden"], state: State) -> State:
        """h_t."""
        (h,) = state
        a = driven + F.linear(h, self.weight_hh)
        for layer in self.layers:
            a = layer(torch.relu(a))
        return (torch.tanh(a + h if self.shortcut else a),)
