"""What a net is trained on in one step: the tensors of a few examples, as the net's arguments, and their targets."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """A few examples, gathered.

    Args:
        inputs: what the net sees, one tensor an argument: `net(*batch.inputs)`. Examples of one shape are rows; ragged
            ones are padded rows with their lengths behind, or one concatenation with their counts behind.
        targets: what it should say, in the order of the schema; empty where nobody knows.
        size: how many examples.
        index: their numbers among the examples of their part; what is drawn for an example is drawn from its own.
        names: of every tensor, inputs first; for messages and exported files.

    Example:
        >>> batch = Batch((torch.zeros(3, 28, 28),), (torch.tensor([7, 2, 1]),), 3)
        >>> len(batch), batch.labels
        (3, tensor([7, 2, 1]))
    """

    inputs: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    size: int
    index: Tensor | None = None
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        tensors = (*self.inputs, *self.targets)
        names = self.names or [f"tensor {k}" for k in range(len(tensors))]
        shapes = (f"{name} {tuple(tensor.shape)}" for name, tensor in zip(names, tensors, strict=True))
        return f"Batch({self.size:,} examples: {', '.join(shapes)})"

    @property
    def x(self) -> Tensor:
        """The first input, which is the only one of most nets."""
        return self.inputs[0]

    @property
    def labels(self) -> Tensor:
        """The first target."""
        return self.targets[0]

    def map(self, function: Callable[[Tensor], Tensor]) -> "Batch":
        """The batch with a function applied to every tensor that net and loss see."""
        return replace(
            self,
            inputs=tuple(map(function, self.inputs)),
            targets=tuple(map(function, self.targets)),
        )

    def to(self, device: torch.device | str) -> "Batch":
        """Return the batch on `device`; itself where it is there already."""
        return self if self.inputs[0].device == device else self.map(lambda tensor: tensor.to(device))
