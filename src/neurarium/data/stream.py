"""Examples that do not fit in memory: batches are read ahead by threads while the net learns.

Batches come in the order of the indices asked for, whichever thread is first, so that a run on streamed
examples equals one on the same examples in memory bit for bit.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from neurarium.data.batch import Batch
from neurarium.data.scaling import Scaling

Array = npt.NDArray[Any]
Read = Callable[[Array], tuple[Array, Array]]
_Pair = tuple[Shaped[Tensor, "batch *shape"], Shaped[Tensor, "batch *target"]]


@dataclass(frozen=True, eq=False)
class Streamed:
    """Examples of one common shape, read when they are needed.

    Args:
        read: takes example numbers, returns their inputs (in the source's units and type) and targets; called
            by several threads at once.
        length: how many examples there are.
        targets: the targets of all examples, which do fit in memory.
        scaling: applied when a batch is handed over; None where the inputs are fit for the net as they are.
        threads: how many batches are read at the same time.
        ahead: how many batches are read or waiting to be fetched at most; bounds the memory.
        device: where batches are handed over.

    Example:
        >>> table = np.arange(6.0, dtype=np.float32).reshape(3, 2)  # or np.load("large.npy", mmap_mode="r")
        >>> examples = Streamed.over(table, torch.tensor([0, 1, 0]))
        >>> examples.gather(torch.tensor([2])).inputs
        tensor([[4., 5.]])
    """

    read: Read
    length: int
    targets: Shaped[Tensor, "length *target"]
    scaling: Scaling | None = None
    threads: int = 2
    ahead: int = 4
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @classmethod
    def over(
        cls, inputs: Array, targets: Shaped[Tensor, "examples *target"], scaling: Scaling | None = None
    ) -> "Streamed":
        """Return the rows of an array, usually one that is memory-mapped (`np.load(path, mmap_mode="r")`)."""
        answers = targets.numpy()

        def read(index: Array) -> tuple[Array, Array]:
            return np.asarray(inputs[index]), answers[index]

        return cls(read, len(inputs), targets, scaling)

    def __len__(self) -> int:
        return self.length

    def to(self, device: torch.device | str) -> "Streamed":
        """Return the examples, to be handed over on `device`."""
        return replace(self, targets=self.targets.to(device), device=torch.device(device))

    def gather(self, index: Int[Tensor, "batch"]) -> Batch:
        """Return the examples numbered `index`, scaled, in float32; read now, by this thread."""
        return self._hand_over(self.fetch(index))

    def fetch(self, index: Int[Tensor, "batch"]) -> _Pair:
        """Return inputs and targets of the examples numbered `index` as they are in the source."""
        inputs, targets = (
            torch.from_numpy(np.require(part, requirements=["C", "W"])) for part in self.read(index.cpu().numpy())
        )
        if self.device.type == "cuda":
            return inputs.pin_memory(), targets.pin_memory()
        return inputs, targets

    def select(self, index: Int[Tensor, "chosen"]) -> "Streamed":
        """Return the examples numbered `index` as examples of their own."""
        read, chosen = self.read, index.cpu().numpy()
        return replace(self, read=lambda part: read(chosen[part]), length=len(chosen), targets=self.targets[index])

    def with_scaling(self, scaling: Scaling) -> "Streamed":
        """Return the same examples under another scaling."""
        return replace(self, scaling=scaling)

    def prepared(self, limit_bytes: int = 1 << 30) -> "Streamed":
        """Return the examples as they are: what is streamed does not fit in memory."""
        return self

    def pieces(self, size: int = 1024) -> Generator[Shaped[Tensor, "_ *shape"], None, None]:
        """Yield the inputs in the source's units and order, at most `size` at a time, read ahead."""
        with contextlib.closing(self.pairs(torch.split(torch.arange(len(self)), size))) as pairs:
            for inputs, _ in pairs:
                yield inputs

    def stream(self, indices: Iterable[Int[Tensor, "_"]]) -> Generator[Batch, None, None]:
        """Yield a batch for each of `indices`, in their order, read ahead in the background.

        An error met while reading is raised here, at the batch it belongs to. The threads end when all
        batches are handed over, when an error is raised, and when the generator is closed or dropped.
        """
        with contextlib.closing(self.pairs(indices)) as pairs:
            for pair in pairs:
                yield self._hand_over(pair)

    def pairs(self, indices: Iterable[Int[Tensor, "_"]]) -> Generator[_Pair, None, None]:
        """Yield inputs and targets for each of `indices` as they are in the source, read ahead."""
        rest = (index for index in indices if len(index))
        with ThreadPoolExecutor(self.threads, thread_name_prefix="neurarium-read") as pool:
            try:
                waiting = deque(pool.submit(self.fetch, index) for index in islice(rest, self.ahead))
                while waiting:
                    pair = waiting.popleft().result()
                    waiting.extend(pool.submit(self.fetch, index) for index in islice(rest, 1))
                    yield pair
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _hand_over(self, pair: _Pair) -> Batch:
        inputs, targets = (part.to(self.device, non_blocking=True) for part in pair)
        return Batch(inputs.float() if self.scaling is None else self.scaling.apply(inputs), targets)
