"""Examples that do not fit in memory: batches are read ahead by threads while the net learns.

Batches come in the order of the indices asked for, whichever thread is first, so that a run on streamed
examples equals one on the same examples in memory bit for bit.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from neurarium.data.batch import Batch
from neurarium.data.examples import HandedOver, agreed, check_categories, check_columns, check_lengths, restated
from neurarium.data.scaling import scaled
from neurarium.record.schema import Schema

Array = npt.NDArray[Any]
Read = Callable[[Array], tuple[Array, Array]]
_Pair = tuple[Shaped[Tensor, "batch *shape"], Shaped[Tensor, "batch *target"]]


@dataclass(frozen=True, eq=False, repr=False)
class Streamed(HandedOver):
    """Examples of one common shape, read when they are needed.

    Args:
        read: takes example numbers, returns their inputs (in the source's units and type) and targets; called
            by several threads at once.
        schema: of one input and one target; its constants are applied to inputs when a batch is handed over.
        threads: how many batches are read at the same time.
        ahead: how many batches are read or waiting to be fetched at most; bounds the memory.

    Example:
        >>> table = np.arange(6.0, dtype=np.float32).reshape(3, 2)  # or np.load("large.npy", mmap_mode="r")
        >>> from neurarium.record.schema import Field
        >>> schema = Schema({"x": Field((2,))}, {"label": Field((), ("a", "b"))})
        >>> examples = Streamed.over(table, torch.tensor([0, 1, 0]), schema)
        >>> examples.gather(torch.tensor([2])).x
        tensor([[4., 5.]])
    """

    read: Read
    length: int
    targets: Shaped[Tensor, "length *target"]
    schema: Schema
    threads: int = 2
    ahead: int = 4

    def __post_init__(self) -> None:
        """Refuse by a `DataError` targets that do not fit."""
        check_columns(self.schema, 1, 1)
        ((name, field),) = self.schema.targets.items()
        check_lengths({name: self.targets}, self.length)
        if field.categories:
            check_categories(self.targets, name, field, target=True)

    @classmethod
    def over(cls, inputs: Array, targets: Shaped[Tensor, "examples *target"], schema: Schema) -> "Streamed":
        """Return the rows of an array, usually one that is memory-mapped (`np.load(path, mmap_mode="r")`)."""
        answers = targets.numpy()

        def read(index: Array) -> tuple[Array, Array]:
            return np.asarray(inputs[index]), answers[index]

        return cls(read, len(inputs), targets, schema)

    def __len__(self) -> int:
        return self.length

    def gather(self, index: Int[Tensor, "batch"]) -> Batch:
        """Return the examples numbered `index`, scaled, in float32; read now, by this thread."""
        return self._hand_over(index, self.fetch(index))

    def fetch(self, index: Int[Tensor, "batch"]) -> _Pair:
        """Return inputs and targets of the examples numbered `index` as they are in the source."""
        inputs, targets = (
            torch.from_numpy(np.require(part, requirements=["C", "W"])) for part in self.read(index.cpu().numpy())
        )
        if self.onto.type == "cuda":
            return inputs.pin_memory(), targets.pin_memory()
        return inputs, targets

    def select(self, index: Int[Tensor, "chosen"]) -> "Streamed":
        """Return the examples numbered `index` as examples of their own."""
        read, chosen = self.read, index.cpu().numpy()
        return replace(self, read=lambda part: read(chosen[part]), length=len(chosen), targets=self.targets[index])

    def with_schema(self, schema: Schema) -> "Streamed":
        """Return the same examples under other constants."""
        schema, read = agreed(self.schema, schema), self.read
        ((name, new),) = schema.targets.items()
        targets = restated(self.targets, self.schema.target, new, name)
        if targets is not self.targets:
            answers = targets.numpy()
            return replace(self, read=lambda index: (read(index)[0], answers[index]), targets=targets, schema=schema)
        return replace(self, schema=schema)

    def target(self, name: str) -> Shaped[Tensor, "length *target"]:
        """The targets of all examples."""
        return self.targets

    def chunks(self) -> Generator[Shaped[Tensor, "..."], None, None]:
        """Yield the source's numbers in pieces, then the targets."""
        yield from self.pieces(next(iter(self.schema.inputs)))
        yield self.targets

    def pieces(self, name: str, size: int = 1024) -> Generator[Shaped[Tensor, "_ *shape"], None, None]:
        """Yield the inputs in the source's units and order, at most `size` at a time, read ahead."""
        whole = torch.split(torch.arange(len(self)), size) if len(self) else ()
        with contextlib.closing(self.pairs(whole)) as pairs:
            for inputs, _ in pairs:
                yield inputs

    def stream(self, indices: Iterable[Int[Tensor, "_"]]) -> Generator[Batch, None, None]:
        """Yield a batch for each of `indices`, in their order, read ahead in the background.

        An error met while reading is raised at the batch it belongs to. The threads end when all batches are handed
        over, when an error is raised, and when the generator is closed or dropped.
        """
        asked = list(indices)
        with contextlib.closing(self.pairs(asked)) as pairs:
            for index, pair in zip(asked, pairs, strict=True):
                yield self._hand_over(index, pair)

    def pairs(self, indices: Iterable[Int[Tensor, "_"]]) -> Generator[_Pair, None, None]:
        """Yield inputs and targets for each of `indices` as they are in the source, read ahead."""
        rest = iter(indices)
        with ThreadPoolExecutor(self.threads, thread_name_prefix="neurarium-read") as pool:
            try:
                waiting = deque(pool.submit(self.fetch, index) for index in islice(rest, self.ahead))
                while waiting:
                    pair = waiting.popleft().result()
                    waiting.extend(pool.submit(self.fetch, index) for index in islice(rest, 1))
                    yield pair
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _hand_over(self, index: Int[Tensor, "batch"], pair: _Pair) -> Batch:
        inputs, targets = (part.to(self.onto, non_blocking=True) for part in pair)
        return Batch((scaled(inputs, self.schema.input),), (targets,), len(index), index, tuple(self.schema.fields))
