"""Items of an iterable PyTorch data set: they come one after the other, in the order that the data set has."""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NoReturn

from jaxtyping import Int, Shaped
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.batch import Batch
from neurarium.data.collated import Collated
from neurarium.data.examples import HandedOver, agreed, restated
from neurarium.record.schema import Schema

_CHUNK = 256
_LIMIT = 1_000_000


@dataclass(frozen=True, eq=False, repr=False)
class Iterated(HandedOver):
    """All items of a data set that can only be iterated, anew in every epoch.

    A batch holds as many items as it is asked for, whichever numbers are asked for.

    Args:
        length: how many items a pass takes.
        raw: what items look like as they come.
        schema: the same, under the constants and categories of a run.
    """

    dataset: Iterable[Any]
    collated: Collated
    length: int
    raw: Schema
    schema: Schema
    known: dict[str, Shaped[Tensor, "items ..."]]

    @property
    def random_access(self) -> bool:
        """False: they only come one after the other."""
        return False

    @classmethod
    def over(cls, dataset: Iterable[Any], collated: Collated, limit: int = _LIMIT) -> "Iterated":
        """Return the items of a data set, counted and looked at in one pass.

        Args:
            dataset: may have `__len__`: then so many items are an epoch, even where it goes on for ever.
            limit: how many items are counted at most, where it has none.
        Raises DataError: no items, more than `limit` without a length, or items that cannot be collated.
        """
        length = _length(dataset)
        source = islice(iter(dataset), limit + 1 if length is None else length)
        count, schema, known = collated.survey(iter(lambda: list(islice(source, _CHUNK)), []))
        if length is None and count > limit:
            expected = f"an iterable data set that ends within {limit:,} examples, or has a length"
            remedy = "give it a method __len__: how many examples make an epoch"
            raise DataError("data", expected=expected, got="more", remedy=remedy)
        return cls(dataset, collated, count, schema, schema, known)

    def __len__(self) -> int:
        return self.length

    def gather(self, index: Int[Tensor, "batch"]) -> Batch:
        """Refuse: nothing can be fetched by its number."""
        _refuse()

    def select(self, index: Int[Tensor, "chosen"]) -> "Iterated":
        """Refuse: nothing can be fetched by its number."""
        _refuse()

    def with_schema(self, schema: Schema) -> "Iterated":
        """Return the same examples under other constants and categories."""
        return replace(self, schema=agreed(self.raw, schema))

    def stream(self, indices: Iterable[Int[Tensor, "_"]]) -> Generator[Batch, None, None]:
        """Yield for each of `indices` a batch of so many items, as they come; a `DataError` where they end early."""
        source, taken = iter(self.dataset), 0
        for index in indices:
            items = list(islice(source, len(index)))
            taken += len(items)
            if len(items) < len(index):
                expected = f"{self.length:,} examples, as many as at first"
                remedy = "let __iter__ begin anew every time, and yield the same number of examples"
                raise DataError("data", expected=expected, got=f"only {taken:,}", remedy=remedy)
            yield self.collated.batch(items, self.raw, self.schema, index, self.onto)

    def pieces(self, name: str) -> Iterator[Shaped[Tensor, "..."]]:
        """Yield an input as the items give it."""
        source = islice(iter(self.dataset), self.length)
        old = list(self.raw.inputs)[list(self.schema.inputs).index(name)]
        while items := list(islice(source, _CHUNK)):
            yield self.collated.columns(items)[0][old]

    def target(self, name: str) -> Shaped[Tensor, "examples ..."]:
        """The values of a target, as the first pass has found them."""
        old = list(self.raw.targets)[list(self.schema.targets).index(name)]
        values = self.known[old] if self.length else self.known[old][:0]
        return restated(values, self.raw.targets[old], self.schema.targets[name], name)

    def chunks(self) -> Iterator[Shaped[Tensor, "..."]]:
        """Yield the targets."""
        for name in self.schema.targets:
            yield self.target(name)


def _length(dataset: Iterable[Any]) -> int | None:
    try:
        return len(dataset)  # type: ignore[arg-type]
    except (TypeError, NotImplementedError):
        return None


def _refuse() -> NoReturn:
    got = "an iterable data set, whose examples come one after the other"
    remedy = "give a map-style data set, with __len__ and __getitem__"
    raise DataError("data", expected="examples that can be fetched by their numbers", got=got, remedy=remedy)
