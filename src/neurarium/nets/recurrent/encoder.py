"""What reads a sequence: from each step's inputs to each step's features, as many steps as there were.

One layout everywhere: (batch, time, features); a state is a tuple of tensors, or of states, whose first axis is the
batch.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.nets.parts.padded import last_of

State: TypeAlias = tuple[Any, ...]


class SequenceEncoder(ABC):
    """Reads padded rows, in which something finite stands behind a row's length.

    An encoder derives from it beside `nn.Module`. Padding changes nothing in the features of the steps that are there.
    """

    features: int  # numbers that come out of each step

    @abstractmethod
    def forward(
        self, x: Float[Tensor, "batch time inputs"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch time features"]:
        """Features of every step; those behind a row's length mean nothing. None: all rows are as long as `x`."""

    def last(
        self, features: Float[Tensor, "batch time features"], lengths: Int[Tensor, "batch"]
    ) -> Float[Tensor, "batch features"]:
        """What is known when all has been read: the features of each row's last step."""
        return last_of(features, lengths)


class CausalEncoder(SequenceEncoder):
    """Reads step by step: features of a step depend on the steps up to there alone, and a step costs the same always.

    Law: `step`, applied again and again from `start`, gives the features that `forward` gives at once.
    """

    @abstractmethod
    def start(self, batch: int, like: Tensor) -> State:
        """The state before the first step of so many rows, of the type and on the device of a tensor."""

    @abstractmethod
    def step(self, x: Float[Tensor, "batch inputs"], state: State) -> tuple[Float[Tensor, "batch features"], State]:
        """Features of the next step, and the state after it; the old state stays as it was."""


def stepped(encoder: CausalEncoder, x: Float[Tensor, "batch time inputs"]) -> Float[Tensor, "batch time features"]:
    """What `forward` says, one step after the other."""
    state, features = encoder.start(len(x), x), []
    for x_t in x.unbind(1):
        y, state = encoder.step(x_t, state)
        features.append(y)
    return torch.stack(features, 1)


def map_state(function: Callable[[Tensor], Tensor], state: State) -> State:
    """A state with a function applied to every tensor of it."""
    return tuple(function(part) if isinstance(part, Tensor) else map_state(function, part) for part in state)


class EncoderStack(SequenceEncoder, nn.Module):
    """Encoders, each reading what the one below says, with dropout between them in training."""

    def __init__(self, layers: Iterable[nn.Module], dropout: float = 0.0) -> None:
        super().__init__()
        self.layers, self.dropout = nn.ModuleList(layers), nn.Dropout(dropout)
        self.features: int = self.layers[-1].features  # type: ignore[assignment]

    def forward(
        self, x: Float[Tensor, "batch time inputs"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch time features"]:
        """Features of every step, said by the topmost encoder."""
        for k, layer in enumerate(self.layers):
            x = layer(self.dropout(x) if k else x, lengths)
        return x

    def last(
        self, features: Float[Tensor, "batch time features"], lengths: Int[Tensor, "batch"]
    ) -> Float[Tensor, "batch features"]:
        """What the topmost encoder knows when all has been read."""
        return self.layers[-1].last(features, lengths)  # type: ignore[operator]


class CausalStack(EncoderStack, CausalEncoder):
    """Causal encoders, each reading what the one below says."""

    def start(self, batch: int, like: Tensor) -> State:
        """The state of each encoder."""
        return tuple(layer.start(batch, like) for layer in self.layers)  # type: ignore[operator]

    def step(self, x: Float[Tensor, "batch inputs"], state: State) -> tuple[Float[Tensor, "batch features"], State]:
        """Take one step in each encoder, from the lowest to the topmost."""
        after = []
        for k, (layer, before) in enumerate(zip(self.layers, state, strict=True)):
            x, new = layer.step(self.dropout(x) if k else x, before)  # type: ignore[operator]
            after.append(new)
        return x, tuple(after)


def stacked(layers: Sequence[nn.Module], dropout: float = 0.0) -> nn.Module:
    """Encoders on top of each other; the encoder itself where there is one, causal where all are."""
    if len(layers) == 1:
        return layers[0]
    causal = all(isinstance(layer, CausalEncoder) for layer in layers)
    return CausalStack(layers, dropout) if causal else EncoderStack(layers, dropout)
