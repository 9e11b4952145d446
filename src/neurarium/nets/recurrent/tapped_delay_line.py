"""Tapped delay line: a memory without recurrence, which holds a step's surroundings side by side.

    z_t = (x_(t-b), ..., x_(t-1), x_t, x_(t+1), ..., x_(t+a)),    0 where there is no step

A layer that reads it sees b steps back and a ahead. With a = 0 it can go step by step: the state is the line itself,
the last b inputs, however long the series was. An affine layer behind it is a linear filter of finite memory.

Source: B. Widrow, M. Hoff, "Adaptive switching circuits", 1960, whose adaptive filter it is; S. Haykin, "Neural
networks and learning machines", 2009, chapter 10.
"""

from abc import abstractmethod

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.parts.padded import inside
from neurarium.nets.recurrent.encoder import CausalEncoder, State


def widened(
    x: Float[Tensor, "batch time inputs"], back: int, ahead: int, lengths: Int[Tensor, "batch"] | None = None
) -> Float[Tensor, "batch longer inputs"]:
    """A series with zeros before it and behind it; what stands behind a row's length is zero to whoever looks ahead."""
    if ahead and lengths is not None:
        x = x.masked_fill(~inside(lengths, x.shape[1])[:, :, None], 0)
    return F.pad(x, (0, 0, back, ahead))


class Windowed(CausalEncoder, nn.Module):
    """Says of a step what follows from the steps around it, at most `back` before it and `ahead` behind it.

    Step by step it can be read where nothing lies ahead. What it says costs the same always: one window.
    """

    def __init__(self, inputs: int, features: int, back: int, ahead: int) -> None:
        super().__init__()
        if min(back, ahead) < 0:
            raise ConfigError("window", expected="0 or more steps on either side", got=f"{back} back, {ahead} ahead")
        self.inputs, self.features, self.back, self.ahead = inputs, features, back, ahead

    @abstractmethod
    def windows(self, x: Float[Tensor, "batch longer inputs"]) -> Float[Tensor, "batch time features"]:
        """Features of the steps that have `back` others before them and `ahead` behind them."""

    def forward(
        self, x: Float[Tensor, "batch time inputs"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch time features"]:
        """Features of every step, of rows with zeros on either side."""
        return self.windows(widened(x, self.back, self.ahead, lengths))

    def start(self, batch: int, like: Tensor) -> State:
        """No step yet: zeros. Raises ConfigError: it looks ahead."""
        if self.ahead:
            raise ConfigError(
                "look_ahead",
                expected="0, to read step by step",
                got=f"{self.ahead} steps ahead",
                remedy="give the whole series, or train a net that looks back alone",
            )
        return (like.new_zeros(batch, self.back, self.inputs),)

    def step(self, x: Float[Tensor, "batch inputs"], state: State) -> tuple[Float[Tensor, "batch features"], State]:
        """Features of the next step; the oldest input makes room for it."""
        line = torch.cat([state[0], x[:, None]], 1)
        return self.windows(line)[:, 0], (line[:, 1:],)


class TappedDelayLine(Windowed):
    """The line itself: nothing to learn, (back + 1 + ahead) * inputs features, the oldest input first.

    Example:
        >>> TappedDelayLine(1, back=2)(torch.tensor([[[1.0], [2.0], [3.0]]]))
        tensor([[[0., 0., 1.],
                 [0., 1., 2.],
                 [1., 2., 3.]]])
    """

    def __init__(self, inputs: int, back: int, ahead: int = 0) -> None:
        super().__init__(inputs, (back + 1 + ahead) * inputs, back, ahead)

    def windows(self, x: Float[Tensor, "batch longer inputs"]) -> Float[Tensor, "batch time features"]:
        """The steps of each window side by side."""
        return x.unfold(1, self.back + 1 + self.ahead, 1).transpose(2, 3).flatten(2)
