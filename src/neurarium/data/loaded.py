"""Items of a map-style PyTorch data set: fetched one by one when they are needed, and collated."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from dataclasses import field as made
from typing import Any

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.batch import Batch
from neurarium.data.collated import Collated
from neurarium.data.examples import HandedOver, agreed, restated
from neurarium.record.schema import Schema

_CHUNK = 256


@dataclass(frozen=True, eq=False, repr=False)
class Loaded(HandedOver):
    """Some items of a data set with `__len__` and `__getitem__`.

    Inputs and targets are taken as the items give them. What they are is trusted to stay the same from one pass to the
    next, but for random changes that the data set makes to its inputs: the fingerprint is taken over targets alone.

    Args:
        numbers: which of its items these are.
        raw: what items look like as they come.
        schema: the same, under the constants and categories of a run.
        known: targets of all items of `dataset`, as they come; filled by the first pass over them.

    Example:
        >>> from torch.utils.data import default_collate
        >>> squares = [(torch.tensor([float(k)]), k * k % 2) for k in range(5)]
        >>> loaded = Loaded.over(squares, Collated(default_collate))
        >>> loaded.schema.classes, loaded.gather(torch.tensor([3, 0])).x.T
        (('0', '1'), tensor([[3., 0.]]))
    """

    dataset: Any
    collated: Collated
    numbers: Int[Tensor, "examples"]
    raw: Schema
    schema: Schema
    known: dict[str, Shaped[Tensor, "items ..."]] = made(default_factory=dict)

    @classmethod
    def over(cls, dataset: Any, collated: Collated) -> "Loaded":
        """Return all items of a data set; where it does not name its classes, after a pass over them.

        Raises DataError: a data set without a length or items, or items that cannot be collated.
        """
        try:
            count = len(dataset)
        except (TypeError, NotImplementedError) as error:
            got, remedy = f"{type(dataset).__name__} without a length", "give the data set a method __len__"
            raise DataError("data", expected="a data set that knows its length", got=got, remedy=remedy) from error
        if not count:
            raise DataError("data", expected="at least one example", got="an empty data set", remedy="add some")
        pieces = ([dataset[k] for k in range(s, min(s + _CHUNK, count))] for s in range(0, count, _CHUNK))
        _, found, known = collated.survey(pieces)
        return cls(dataset, collated, torch.arange(count), found, found, known)

    def __len__(self) -> int:
        return len(self.numbers)

    def gather(self, index: Int[Tensor, "batch"]) -> Batch:
        """Fetch the items numbered `index` and collate them."""
        if not len(index):
            first = self.gather(torch.zeros(1, dtype=torch.int64))
            return replace(first.map(lambda tensor: tensor[:0]), size=0, index=index)
        items = [self.dataset[k] for k in self.numbers[index.cpu()].tolist()]
        return self.collated.batch(items, self.raw, self.schema, index, self.onto)

    def select(self, index: Int[Tensor, "chosen"]) -> "Loaded":
        """Return the examples numbered `index` as examples of their own."""
        return replace(self, numbers=self.numbers[index.cpu()])

    def with_schema(self, schema: Schema) -> "Loaded":
        """Return the same examples under other constants and categories."""
        return replace(self, schema=agreed(self.raw, schema))

    def pieces(self, name: str) -> Iterator[Shaped[Tensor, "..."]]:
        """Yield an input as the items give it."""
        for items in self._items():
            yield self.collated.columns(items)[0][list(self.raw.inputs)[list(self.schema.inputs).index(name)]]

    def target(self, name: str) -> Shaped[Tensor, "examples ..."]:
        """The values of a target, found in a pass over the items where none has been made."""
        old, field = list(self.raw.targets.items())[list(self.schema.targets).index(name)]
        if field.is_ragged:
            values = torch.cat([self.collated.columns(items)[1][old].flatten() for items in self._items()])
            return restated(values, field, self.schema.targets[name], name)
        if old not in self.known:
            whole = replace(self, numbers=torch.arange(len(self.dataset)))
            self.known[old] = torch.cat([self.collated.columns(items)[1][old].cpu() for items in whole._items()])
        return restated(self.known[old][self.numbers], field, self.schema.targets[name], name)

    def chunks(self) -> Iterator[Shaped[Tensor, "..."]]:
        """Yield which items these are, and their targets."""
        yield self.numbers
        for name in self.schema.targets:
            yield self.target(name)

    def _items(self) -> Iterator[list[Any]]:
        for numbers in torch.split(self.numbers, _CHUNK) if len(self) else ():
            yield [self.dataset[k] for k in numbers.tolist()]
