"""Feedforward sequential memory network: a memory block beside each hidden layer sums what was and what will be.

    h^l_t = phi(W_l h^(l-1)_t + V_l m^(l-1)_t + b_l),    h^0 = x, no m^0
    m^l_t = sum_(i=0..N1) a_i * h^l_(t - s1 i) + sum_(j=1..N2) c_j * h^l_(t + s2 j)

a_i and c_j are numbers (scalar) or vectors that multiply element by element (vectorized); a step that is not there is
0. Above the last layer stand h and m too, side by side. A filter of finite memory in the place of feedback: learned
without back-propagation through time, and as stable as a feedforward net.

Source: S. Zhang, C. Liu, H. Jiang, S. Wei, L. Dai, Y. Hu, "Feedforward sequential memory networks: a new structure to
learn long-term dependency", 2015.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.parts.activation import activation as find_activation
from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.recurrent.encoder import CausalEncoder, State
from neurarium.nets.recurrent.tapped_delay_line import Windowed


def memory(
    x: Float[Tensor, "batch longer features"],
    back: Float[Tensor, "taps features"],
    ahead: Float[Tensor, "further features"],
    back_stride: int = 1,
    ahead_stride: int = 1,
) -> Float[Tensor, "batch time features"]:
    """m of the formula above for each step that has all its taps: x is longer by s1 N1 before and s2 N2 behind.

    `back` holds a_0 ... a_N1, `ahead` c_1 ... c_N2.
    """
    before, behind = (len(back) - 1) * back_stride, len(ahead) * ahead_stride
    inner = x.shape[1] - behind
    m = _filtered(x[:, :inner], back.flip(0), back_stride)
    return m + _filtered(x[:, before + ahead_stride :], ahead, ahead_stride) if len(ahead) else m


def _filtered(
    x: Float[Tensor, "batch longer features"], weight: Float[Tensor, "taps features"], stride: int
) -> Float[Tensor, "batch time features"]:
    """Every feature by a filter of its own, the oldest tap first."""
    return F.conv1d(x.transpose(1, 2), weight.t()[:, None], dilation=stride, groups=x.shape[2]).transpose(1, 2)


class MemoryBlock(Windowed):
    """m of the formula above, with its taps.

    Args:
        features: numbers a step.
        look_back: N1.
        look_ahead: N2.
        back_stride: s1.
        ahead_stride: s2.
        scalar: whether a tap is one number for all features.
    Raises ConfigError: fewer than no taps, or strides below 1.
    """

    def __init__(
        self,
        features: int,
        look_back: int,
        look_ahead: int = 0,
        back_stride: int = 1,
        ahead_stride: int = 1,
        scalar: bool = False,
    ) -> None:
        if min(back_stride, ahead_stride) < 1:
            raise ConfigError("stride", expected="1 or more", got=str(min(back_stride, ahead_stride)))
        super().__init__(features, features, look_back * back_stride, look_ahead * ahead_stride)
        self.strides, width = (back_stride, ahead_stride), 1 if scalar else features
        self.taps_back = nn.Parameter(torch.empty(look_back + 1, width))
        self.taps_ahead = nn.Parameter(torch.empty(look_ahead, width)) if look_ahead else None
        # the sum of so many independent steps keeps the size of one
        std = (look_back + 1 + look_ahead) ** -0.5
        for taps in self.parameters():
            nn.init.normal_(taps, 0, std)

    def windows(self, x: Float[Tensor, "batch longer features"]) -> Float[Tensor, "batch time features"]:
        """The memory of every window."""
        ahead = self.taps_back[:0] if self.taps_ahead is None else self.taps_ahead
        back, ahead = (taps.expand(-1, self.features) for taps in (self.taps_back, ahead))
        return memory(x, back, ahead, *self.strides)


class FSMNLayer(CausalEncoder, nn.Module):
    """A hidden layer and its memory block; (h_t, m_t) come out side by side, so that a stack is the net above."""

    def __init__(self, inputs: int, memory: MemoryBlock, activation: str = "relu") -> None:
        super().__init__()
        self.linear, self.memory = nn.Linear(inputs, memory.inputs), memory
        self.activation = find_activation(activation).module()
        self.features = 2 * memory.inputs
        initialize_layer_(self.linear, "he", activation)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch time features"]:
        """h and m of every step."""
        h = self.activation(self.linear(x))
        return torch.cat([h, self.memory(h, lengths)], 2)

    def start(self, batch: int, like: Tensor) -> State:
        """The memory's line. Raises ConfigError: it looks ahead."""
        return self.memory.start(batch, like)

    def step(self, x: Float[Tensor, "batch inputs"], state: State) -> tuple[Float[Tensor, "batch features"], State]:
        """h and m of the next step."""
        h = self.activation(self.linear(x))
        m, state = self.memory.step(h, state)
        return torch.cat([h, m], 1), state
