"""Convolutional LSTM: an LSTM whose states are maps, and whose products are convolutions.

    i, f, o = sigma(W * (x_t ; h_(t-1)) + b), each by its own W and b,    g = tanh(W_g * (x_t ; h_(t-1)) + b_g)
    c_t = f c_(t-1) + i g,    h_t = o tanh(c_t)

All maps have one size, kept by zeros around; products of maps are element by element. What a place remembers moves as
far as the kernel reaches in every step.

Source: X. Shi et al., "Convolutional LSTM network: a machine learning approach for precipitation nowcasting", 2015.
Here without their peepholes, whose weights would tie a net to one size of maps.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.parts.initial import initialize_

MapState = tuple[Tensor, Tensor]
"""h and c, each (batch, hidden, height, width)."""


def conv_lstm_step(
    x: Float[Tensor, "batch inputs height width"],
    h: Float[Tensor, "batch hidden height width"],
    c: Float[Tensor, "batch hidden height width"],
    weight: Float[Tensor, "gates both side side"],
    bias: Float[Tensor, "gates"],
) -> MapState:
    """One step of the equations above; `weight` holds the kernels of i, f, o and g over x and h side by side."""
    return _state(F.conv2d(torch.cat([x, h], 1), weight, bias, padding="same"), c)


def _state(gates: Float[Tensor, "batch gates height width"], c: Float[Tensor, "batch hidden height width"]) -> MapState:
    i, f, o, g = gates.chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


class ConvLSTM(nn.Module):
    """The function `conv_lstm_step` with its parameters, over any number of steps.

    Args:
        inputs: channels of a step; 0: nothing comes in, the state runs on by itself.
        hidden: channels of the state.
        kernel: side of the kernels, odd.
    Raises ConfigError: an even kernel, or no hidden channel.
    """

    def __init__(self, inputs: int, hidden: int, kernel: int = 3) -> None:
        super().__init__()
        if hidden < 1 or kernel < 1 or kernel % 2 == 0:
            raise ConfigError("kernel", expected="odd, and one hidden channel or more", got=f"{kernel}, {hidden}")
        self.inputs, self.hidden = inputs, hidden
        self.weight = nn.Parameter(torch.empty(4 * hidden, inputs + hidden, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(4 * hidden))
        initialize_(self.weight, "xavier")
        with torch.no_grad():
            self.bias[hidden : 2 * hidden] = 1  # what is remembered stays at first

    def forward(
        self, x: Float[Tensor, "batch time inputs height width"], state: MapState | None = None
    ) -> tuple[Float[Tensor, "batch time hidden height width"], MapState]:
        """h of every step, and the last state. The inputs of all steps are convolved at once."""
        inner, recurrent = self.weight.split([self.inputs, self.hidden], 1)
        if self.inputs:
            seen = F.conv2d(x.flatten(0, 1), inner, self.bias, padding="same").unflatten(0, (-1, x.shape[1]))
        else:
            seen = self.bias[:, None, None].expand(*x.shape[:2], -1, *x.shape[3:])
        if state is None:  # not by `start`: an exported net has no number of rows
            state = (x.new_zeros(x.shape[0], self.hidden, *x.shape[3:]),) * 2
        h, c = state
        maps = []
        for seen_t in seen.unbind(1):
            h, c = _state(seen_t + F.conv2d(h, recurrent, padding="same"), c)
            maps.append(h)
        return torch.stack(maps, 1), (h, c)

    def start(self, batch: int, like: Float[Tensor, "... height width"]) -> MapState:
        """No step yet: zeros, of the size of some maps."""
        zeros = like.new_zeros(batch, self.hidden, *like.shape[-2:])
        return zeros, zeros

    def step(self, x: Float[Tensor, "batch inputs height width"], state: MapState) -> MapState:
        """The state after one more step, whose h is what comes out."""
        return conv_lstm_step(x, *state, self.weight, self.bias)
