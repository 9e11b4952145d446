"""Where examples lie and how a batch of them is gathered: by one indexed copy, never one by one."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from neurarium.data.batch import Batch, RaggedBatch
from neurarium.data.scaling import Scaling

B = TypeVar("B", covariant=True)


@runtime_checkable
class ExamplesOf(Protocol[B]):
    """Examples that come in batches of type `B`."""

    @property
    def targets(self) -> Shaped[Tensor, "examples *target"]:
        """The targets of all examples, on the device where batches are gathered."""

    def __len__(self) -> int: ...

    def gather(self, index: Int[Tensor, "batch"]) -> B:
        """Return the examples numbered `index`, scaled."""

    def to(self, device: torch.device | str) -> "ExamplesOf[B]":
        """Return the examples on `device`."""


@runtime_checkable
class Examples(ExamplesOf[Batch], Protocol):
    """Examples of one common shape, from which a net learns or on which it is judged."""

    def select(self, index: Int[Tensor, "chosen"]) -> "Examples":
        """Return the examples numbered `index` as examples of their own."""

    def pieces(self, size: int = 1024) -> Iterator[Shaped[Tensor, "_ *shape"]]:
        """Yield the inputs in the source's units and order, at most `size` at a time."""

    def with_scaling(self, scaling: Scaling) -> "Examples":
        """Return the same examples under another scaling."""

    def prepared(self, limit_bytes: int = 1 << 30) -> "Examples":
        """Return the same examples, scaled beforehand where that takes little memory."""

    def to(self, device: torch.device | str) -> "Examples":
        """Return the examples on `device`."""


@dataclass(frozen=True, eq=False)
class Dense:
    """Examples of one common shape, whole in memory.

    Args:
        inputs: in the source's units and type (8-bit pixels stay 8-bit), one row an example.
        targets: one row an example.
        scaling: applied when a batch is gathered; None where the inputs are fit for the net as they are.

    Example:
        >>> pixels = torch.tensor([[0], [255]], dtype=torch.uint8)
        >>> examples = Dense(pixels, torch.tensor([0, 1]), Scaling(mean=(255.0,), std=(5.0,)))
        >>> examples.gather(torch.tensor([1, 0])).inputs
        tensor([[  0.],
                [-51.]])
    """

    inputs: Shaped[Tensor, "examples *shape"]
    targets: Shaped[Tensor, "examples *target"]
    scaling: Scaling | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def gather(self, index: Int[Tensor, "batch"]) -> Batch:
        """Return the examples numbered `index`, scaled, in float32."""
        rows = self.inputs.index_select(0, index)
        inputs = rows.float() if self.scaling is None else self.scaling.apply(rows)
        return Batch(inputs, self.targets.index_select(0, index))

    def to(self, device: torch.device | str) -> "Dense":
        """Return the examples on `device`."""
        return replace(self, inputs=self.inputs.to(device), targets=self.targets.to(device))

    def select(self, index: Int[Tensor, "chosen"]) -> "Dense":
        """Return the examples numbered `index` as examples of their own."""
        return replace(self, inputs=self.inputs[index], targets=self.targets[index])

    def pieces(self, size: int = 1024) -> Iterator[Shaped[Tensor, "_ *shape"]]:
        """Yield the inputs in the source's units and order, at most `size` at a time."""
        yield from torch.split(self.inputs, size)

    def with_scaling(self, scaling: Scaling) -> "Dense":
        """Return the same examples under another scaling; not for those scaled beforehand."""
        return replace(self, scaling=scaling)

    def prepared(self, limit_bytes: int = 1 << 30) -> "Dense":
        """Return the same examples scaled beforehand, so that gathering a batch is a single copy.

        Scaling is element by element: batches are the same to the last bit.

        Args:
            limit_bytes: where the scaled copy would not be smaller than this, `self` is returned.
        """
        if 4 * self.inputs.numel() >= limit_bytes:
            return self
        scaled = self.inputs.float() if self.scaling is None else self.scaling.apply(self.inputs)
        return replace(self, inputs=scaled, scaling=None)


@dataclass(frozen=True, eq=False)
class Ragged:
    """Examples of different lengths (sequences, sets, the nodes of graphs), whole in memory.

    Args:
        values: the elements of all examples, one example after the other.
        lengths: how many elements each example has; they sum to `total`.
        targets: one row an example.

    Example:
        >>> examples = Ragged(torch.tensor([1, 2, 3]), torch.tensor([1, 2]), torch.tensor([0, 1]))
        >>> examples.gather(torch.tensor([1, 0])).values
        tensor([2, 3, 1])
    """

    values: Shaped[Tensor, "total *shape"]
    lengths: Int[Tensor, "examples"]
    targets: Shaped[Tensor, "examples *target"]

    def __len__(self) -> int:
        return len(self.lengths)

    def gather(self, index: Int[Tensor, "batch"]) -> RaggedBatch:
        """Return the examples numbered `index`.

        Element k of a chosen example lies k places after that example's start in `values`, and k places after
        its start in the batch; the difference of the two starts leads from one to the other.
        """
        starts = (self.lengths.cumsum(0) - self.lengths).index_select(0, index)
        lengths = self.lengths.index_select(0, index)
        shift = (starts - (lengths.cumsum(0) - lengths)).repeat_interleave(lengths)
        positions = torch.arange(len(shift), device=shift.device) + shift
        return RaggedBatch(self.values.index_select(0, positions), lengths, self.targets.index_select(0, index))

    def to(self, device: torch.device | str) -> "Ragged":
        """Return the examples on `device`."""
        return replace(
            self,
            values=self.values.to(device),
            lengths=self.lengths.to(device),
            targets=self.targets.to(device),
        )
