"""A layer of a chain: a forward/backward pair with its parameters already in hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Layer:
    """One rule, ready to stand in a `Chain`.

    Attributes:
        name: what errors and error signals are called after.
        forward: x, and the lengths of padded rows if it `takes_lengths`, to (y, cache).
        backward: (delta, cache, to_input) to dL/dx, then the gradients in the order of `parameters`; dL/dx may be None
            unless `to_input`, a gradient is None where its parameter is.
        parameters: name and tensor of each; the tensor is None where the layer goes without, as without a bias.
        takes_lengths: whether it makes a difference between rows and their padding.
    """

    name: str
    forward: Callable[..., tuple[Tensor, Any]]
    backward: Callable[[Tensor, Any, bool], Sequence[Tensor | None]]
    parameters: tuple[tuple[str, Tensor | None], ...] = ()
    takes_lengths: bool = False

    @property
    def learns(self) -> bool:
        """Whether any of its parameters wants a gradient."""
        return any(tensor is not None and tensor.requires_grad for _, tensor in self.parameters)
