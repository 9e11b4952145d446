"""Elman's recurrent cell: the state is the hidden layer's last answer.

    h_t = phi(W x_t + b + U h_(t-1) + d),    phi tanh or relu

Source: J. Elman, "Finding structure in time", 1990. b and d of torch.nn.RNN act as their sum.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.nets.recurrent.cell import Cell, gate_weights
from neurarium.nets.recurrent.encoder import State

_FUSED = {"tanh": (torch.tanh, torch.rnn_tanh), "relu": (torch.relu, torch.rnn_relu)}


def elman_step(
    driven: Float[Tensor, "batch hidden"],
    h: Float[Tensor, "batch hidden"],
    weight: Float[Tensor, "hidden hidden"],
    bias: Float[Tensor, "hidden"],
    activation: str = "tanh",
) -> Float[Tensor, "batch hidden"]:
    """One step, where `driven` is W x_t + b.

    Example:
        >>> elman_step(torch.ones(1, 1), torch.zeros(1, 1), torch.ones(1, 1), torch.zeros(1))
        tensor([[0.7616]])
    """
    return _FUSED[activation][0](driven + F.linear(h, weight, bias))


class Elman(Cell):
    """The cell above; parameters are named as torch names them."""

    def __init__(
        self, inputs: int, hidden: int, activation: Literal["tanh", "relu"] = "tanh", learn_start: bool = False
    ) -> None:
        super().__init__(inputs, (hidden,), learn_start)
        self.activation = activation
        self.weight_ih, self.weight_hh = gate_weights(1, hidden, inputs)
        self.bias_ih, self.bias_hh = nn.Parameter(torch.zeros(hidden)), nn.Parameter(torch.zeros(hidden))

    def drive(self, x: Float[Tensor, "... inputs"]) -> Float[Tensor, "... hidden"]:
        """W x + b."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    def update(self, driven: Float[Tensor, "batch hidden"], state: State) -> State:
        """h_t."""
        return (elman_step(driven, state[0], self.weight_hh, self.bias_hh, self.activation),)

    def states(self, x: Float[Tensor, "batch time inputs"], state: State) -> State:
        """h_t of every step, by torch's kernel."""
        weights: list[Tensor] = [self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]
        kernel = _FUSED[self.activation][1]
        h, _ = kernel(x, state[0][None].contiguous(), weights, True, 1, 0.0, self.training, False, True)
        return (h,)
