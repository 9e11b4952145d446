"""Blocks around a recurrence, and stacks of them: what carries over time is linear, what thinks stands between.

    y_t = x_t + D(W_o u_t * sigmoid(W_g u_t)),    u_t = D(gelu(recurrence(LN(x))_t))        a block
    stack(x)_t = LN(block_L(... block_1(W x + b))_t)

D is dropout, * element by element: a gated linear unit (GLU) is the only thing but layer norm that mixes features of a
step in a nonlinear way, for the recurrences here are diagonal.

Sources: A. Orvieto et al., "Resurrecting recurrent neural networks for long sequences", 2023 (there batch norm);
Y. Dauphin et al., "Language modeling with gated convolutional networks", 2017.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.parts.normalization.layer import make_layer_norm
from neurarium.nets.recurrent.encoder import CausalEncoder, CausalStack, State

MakeRecurrence = Callable[[int], nn.Module]
"""Makes a causal encoder of rows of so many numbers."""


class RecurrentBlock(CausalEncoder, nn.Module):
    """The block above, as many features as inputs."""

    def __init__(self, recurrence: nn.Module, features: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.features = features
        self.norm, self.recurrence = make_layer_norm(features), recurrence
        hidden: int = recurrence.features  # type: ignore[assignment]
        self.output, self.gate = nn.Linear(hidden, features), nn.Linear(hidden, features)
        for layer in (self.output, self.gate):
            initialize_layer_(layer, "lecun")
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "batch time features"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch time features"]:
        """y of every step."""
        return self.after(self.recurrence(self.norm(x), lengths), x)

    def after(
        self, h: Float[Tensor, "*batch hidden"], x: Float[Tensor, "*batch features"]
    ) -> Float[Tensor, "*batch features"]:
        """What stands behind the recurrence, and the skip."""
        u = self.dropout(F.gelu(h))
        return x + self.dropout(self.output(u) * torch.sigmoid(self.gate(u)))

    def start(self, batch: int, like: Tensor) -> State:
        """State of the recurrence."""
        return self.recurrence.start(batch, like)  # type: ignore[operator]

    def step(self, x: Float[Tensor, "batch features"], state: State) -> tuple[Float[Tensor, "batch features"], State]:
        """Take one step."""
        h, state = self.recurrence.step(self.norm(x), state)  # type: ignore[operator]
        return self.after(h, x), state


class RecurrentStack(CausalEncoder, nn.Module):
    """The stack above.

    Args:
        inputs: numbers a step.
        features: numbers between two blocks, and of an answer; at least 2.
        layers: blocks.
        recurrence: makes that of each block.
    """

    def __init__(
        self, inputs: int, features: int, layers: int, recurrence: MakeRecurrence, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.features = features
        self.input = nn.Linear(inputs, features)
        initialize_layer_(self.input, "lecun")
        self.blocks = CausalStack(RecurrentBlock(recurrence(features), features, dropout) for _ in range(layers))
        self.norm = make_layer_norm(features)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch time features"]:
        """Features of every step."""
        return self.norm(self.blocks(self.input(x), lengths))

    def start(self, batch: int, like: Tensor) -> State:
        """States of the blocks."""
        return self.blocks.start(batch, like)

    def step(self, x: Float[Tensor, "batch inputs"], state: State) -> tuple[Float[Tensor, "batch features"], State]:
        """Take one step in each block."""
        y, state = self.blocks.step(self.input(x), state)
        return self.norm(y), state
