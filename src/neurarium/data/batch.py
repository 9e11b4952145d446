"""What a net is trained on in one step: a few examples and their targets, dense or ragged."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """Examples of one common shape.

    Args:
        inputs: what the net sees, scaled.
        targets: what it should say, one entry (a class number, a vector) an example.

    Example:
        >>> len(Batch(torch.zeros(3, 1, 28, 28), torch.tensor([7, 2, 1])))
        3
    """

    inputs: Shaped[Tensor, "batch *shape"]
    targets: Shaped[Tensor, "batch *target"]

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device | str) -> "Batch":
        """Return the batch on `device`; itself where it is there already."""
        if self.inputs.device == device:
            return self
        return replace(self, inputs=self.inputs.to(device), targets=self.targets.to(device))


class Padded(NamedTuple):
    """Examples of different lengths, filled up with zeros to the longest.

    Args:
        values: entry (b, t) is element t of example b, or zero beyond its end.
        mask: true where an element is, false where filling is.
    """

    values: Shaped[Tensor, "batch longest *shape"]
    mask: Bool[Tensor, "batch longest"]


@dataclass(frozen=True, eq=False)
class RaggedBatch:
    """Examples of different lengths: sequences, sets, the nodes of graphs.

    Args:
        values: the elements of all examples, one example after the other.
        lengths: how many elements each example has; they sum to `total`.
        targets: one entry an example.

    Example:
        >>> batch = RaggedBatch(torch.tensor([1, 2, 3]), torch.tensor([1, 2]), torch.tensor([0, 1]))
        >>> batch.padded().values
        tensor([[1, 0],
                [2, 3]])
    """

    values: Shaped[Tensor, "total *shape"]
    lengths: Int[Tensor, "batch"]
    targets: Shaped[Tensor, "batch *target"]

    def __len__(self) -> int:
        return len(self.lengths)

    def to(self, device: torch.device | str) -> "RaggedBatch":
        """Return the batch on `device`."""
        return replace(
            self,
            values=self.values.to(device),
            lengths=self.lengths.to(device),
            targets=self.targets.to(device),
        )

    @property
    def offsets(self) -> Int[Tensor, "batch"]:
        """Where each example begins in `values`: the sum of the lengths before it."""
        return self.lengths.cumsum(0) - self.lengths

    @property
    def inputs(self) -> Padded:
        """What a net sees: `padded()`."""
        return self.padded()

    def padded(self) -> Padded:
        """Return the examples filled up with zeros to the longest, and where they are not filling."""
        longest = int(self.lengths.max()) if len(self) else 0
        mask = torch.arange(longest, device=self.lengths.device) < self.lengths[:, None]
        values = self.values.new_zeros(len(self), longest, *self.values.shape[1:])
        # Row-major order of the true entries is the order of the concatenation.
        values[mask] = self.values
        return Padded(values, mask)
