"""Recurrent cells of higher order: products of state and input, and several past states.

    second order:      h_t = tanh(sum_(j,k) T_(ijk) h_(t-1,j) x_(t,k) + U h_(t-1) + W x_t + b)
    of several states: h_t = tanh(sum_(k=1..K) U_k h_(t-k) + W x_t + b)

In the first an input chooses the matrix by which the state moves, U + T x_t, as a finite automaton's transition does.
In the second the error signal has shortcuts of up to K steps.

Sources: C. Giles et al., "Learning and extracting finite state automata with second-order recurrent neural networks",
1992; R. Soltani, H. Jiang, "Higher order recurrent neural networks", 2016.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.nets.recurrent.cell import Cell, gate_weights
from neurarium.nets.recurrent.encoder import State


class SecondOrder(Cell):
    """The first cell above; H^2 D numbers more than Elman's."""

    def __init__(self, inputs: int, hidden: int, learn_start: bool = False) -> None:
        super().__init__(inputs, (hidden,), learn_start)
        self.weight_ih, self.weight_hh = gate_weights(1, hidden, inputs)
        self.bias = nn.Parameter(torch.zeros(hidden))
        # of H D products, so that T adds as much as U does to a state and an input of unit size
        self.tensor = nn.Parameter(torch.randn(hidden, hidden, inputs) / math.sqrt(hidden * inputs))

    def drive(self, x: Float[Tensor, "... inputs"]) -> Float[Tensor, "... both"]:
        """W x + b, and x behind it."""
        return torch.cat([F.linear(x, self.weight_ih, self.bias), x], -1)

    def update(self, driven: Float[Tensor, "batch both"], state: State) -> State:
        """h_t."""
        (h,) = state
        linear, x = driven.split([self.features, self.inputs], -1)
        products = (h[:, :, None] * x[:, None, :]).flatten(1)
        return (torch.tanh(linear + F.linear(h, self.weight_hh) + F.linear(products, self.tensor.flatten(1))),)


class SeveralStates(Cell):
    """The second cell above; its state is the last `order` states, the newest first."""

    def __init__(self, inputs: int, hidden: int, order: int = 3, learn_start: bool = False) -> None:
        super().__init__(inputs, (hidden,) * order, learn_start)
        self.weight_ih, first = gate_weights(1, hidden, inputs)
        rest = torch.randn(hidden, (order - 1) * hidden) / (math.sqrt(hidden) * order)
        self.weight_hh = nn.Parameter(torch.cat([first.detach(), rest], 1))
        self.bias = nn.Parameter(torch.zeros(hidden))

    def drive(self, x: Float[Tensor, "... inputs"]) -> Float[Tensor, "... hidden"]:
        """W x + b."""
        return F.linear(x, self.weight_ih, self.bias)

    def update(self, driven: Float[Tensor, "batch hidden"], state: State) -> State:
        """h_t, and those before it."""
        return (torch.tanh(driven + F.linear(torch.cat(state, -1), self.weight_hh)), *state[:-1])
