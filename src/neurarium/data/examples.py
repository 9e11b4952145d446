"""Where examples lie and how a batch of them is gathered: a few indexed copies, never one example after the other.

A kind of examples is a file: `table` (all of one shape), `ragged` (sequences and sets, padded), `packed` (graphs and
molecules, one concatenation), `nodes` (of one graph), `windows` (of a stream of tokens), `stream` (read when needed).
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.batch import Batch
from neurarium.data.scaling import scaled, unscaled
from neurarium.record.schema import Field, Schema


class Examples(ABC):
    """Examples of one schema, from which a net learns or on which it is judged."""

    schema: Schema
    """What they look like, and by which constants they are scaled when they are gathered."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where batches are gathered; an index must be there too."""

    @abstractmethod
    def __len__(self) -> int: ...

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} examples: {self.schema.in_words()})"

    @abstractmethod
    def gather(self, index: Int[Tensor, "batch"]) -> Batch:
        """Return the examples numbered `index`, as a net sees them."""

    @abstractmethod
    def select(self, index: Int[Tensor, "chosen"]) -> "Examples":
        """Return the examples numbered `index` as examples of their own."""

    @abstractmethod
    def with_schema(self, schema: Schema) -> "Examples":
        """Return the same examples under another schema's constants: the scaling of the run that judges them."""

    @abstractmethod
    def to(self, device: torch.device | str) -> "Examples":
        """Return the examples on `device`."""

    @abstractmethod
    def pieces(self, name: str) -> Iterator[Shaped[Tensor, "..."]]:
        """Yield the raw values of an input in the source's units and order, entries on the first axis."""

    @abstractmethod
    def target(self, name: str) -> Shaped[Tensor, "..."]:
        """The stored values of a target of all examples; numbers are stored standardized."""

    @abstractmethod
    def chunks(self) -> Iterator[Shaped[Tensor, "..."]]:
        """Yield the source's numbers in pieces, for the fingerprint."""

    def sizes(self) -> Int[Tensor, "examples"]:
        """How long each example is, where batches are made by length; 1 where all are alike."""
        return torch.ones(len(self), dtype=torch.int64)

    @property
    def random_access(self) -> bool:
        """Whether some can be fetched by their numbers; others only come one after the other."""
        return True

    def cached(self) -> "Examples":
        """Return the same examples, prepared where that makes gathering cheaper and takes little memory."""
        return self

    def stream(self, indices: Iterable[Int[Tensor, "_"]]) -> Generator[Batch, None, None]:
        """Yield a batch for each of `indices`, in their order; examples on a disk are read ahead."""
        device = self.device
        for index in indices:
            yield self.gather(index if index.device == device else index.to(device))


@dataclass(frozen=True, eq=False, repr=False)
class HandedOver(Examples):
    """Examples that are read on the CPU; `onto` says where batches are handed over."""

    onto: torch.device = field(default=torch.device("cpu"), kw_only=True)

    @property
    def device(self) -> torch.device:
        """The CPU."""
        return torch.device("cpu")

    def to(self, device: torch.device | str) -> "HandedOver":
        """Return the examples, to be handed over on `device`."""
        return replace(self, onto=torch.device(device))


def check_columns(schema: Schema, inputs: int, targets: int) -> None:
    """Refuse by a `DataError` more tensors than the schema names, or fewer."""
    if (inputs, targets) != (len(schema.inputs), len(schema.targets)):
        expected = f"{len(schema.inputs)} inputs and {len(schema.targets)} targets, as the schema names"
        remedy = "give a tensor for each field"
        raise DataError("columns", expected=expected, got=f"{inputs} and {targets}", remedy=remedy)


def check_lengths(tensors: dict[str, Tensor], count: int) -> None:
    """Refuse by a `DataError` columns of unequal length."""
    for name, tensor in tensors.items():
        if len(tensor) != count:
            place, got, remedy = f"field {name}", str(len(tensor)), "give one row an example in every field"
            raise DataError(place, expected=f"{count} rows, as many as the other fields have", got=got, remedy=remedy)


def agreed(old: Schema, new: Schema) -> Schema:
    """Another schema's constants for examples of this one: its fields, of the targets those that the examples have.

    Raises DataError: other shapes, names where there are several or kinds of fields.
    """
    inputs, targets = list(new.inputs), [name for name in new.targets if name in old.targets]
    if len(old.targets) == len(new.targets) == 1:
        targets = list(new.targets)
    if len(old.inputs) != len(inputs) or len(old.targets) != len(targets):
        raise _disagreed("data", ", ".join(new.fields), ", ".join(old.fields))
    found = Schema({name: new.inputs[name] for name in inputs}, {name: new.targets[name] for name in targets})
    for (name, one), (other, two) in zip(old.fields.items(), found.fields.items(), strict=True):
        alone = len(old.inputs if name in old.inputs else old.targets) == 1
        if name != other and not alone:
            raise _disagreed("data", ", ".join(found.fields), ", ".join(old.fields))
        same = (one.shape, one.axis, one.points_to) == (two.shape, two.axis, two.points_to)
        if not same or bool(one.categories) != bool(two.categories):
            raise _disagreed(f"field {name}", _in_words(two), _in_words(one))
        if name in old.inputs and one.names and two.names and one.names != two.names:
            raise _disagreed(f"field {name}", f"in this order: {', '.join(two.names)}", ", ".join(one.names))
    return found


def _disagreed(subject: str, expected: str, got: str) -> DataError:
    remedy = "give data like those in training"
    return DataError(subject, expected=f"{expected}, as was learned", got=got, remedy=remedy)


def _in_words(field: Field) -> str:
    return f"{field.in_words()} of {f'{len(field.categories)} categories' if field.categories else 'numbers'}"


def restated(column: Shaped[Tensor, "..."], old: Field, new: Field, name: str) -> Shaped[Tensor, "..."]:
    """Stored values of a field under the constants and categories of another: numbers unscaled and scaled anew.

    Raises DataError: a category that the other field does not know.
    """
    if old.categories != new.categories:
        numbers = {category: k for k, category in enumerate(new.categories)}
        table = torch.tensor([numbers.get(category, -2) for category in old.categories], device=column.device)
        moved = torch.where(column >= 0, table[column.clamp(min=0).long()], column)
        if (moved == -2).any():
            wrong = old.categories[int(column[moved == -2].flatten()[0])]
            expected = f"one of the {len(new.categories)} categories that were learned"
            remedy = "leave such examples out, or train on data that have it"
            raise DataError(f"field {name}", expected=expected, got=repr(wrong), remedy=remedy)
        return moved
    if (old.mean, old.std) == (new.mean, new.std):
        return column
    return scaled(unscaled(column, old), new)


def check_categories(tensor: Tensor, name: str, field: Field, *, target: bool) -> None:
    """Refuse by a `DataError` integers that stand for no category; in a target -1 stands for what is not known."""
    count, lowest = len(field.categories), -1 if target else 0
    if tensor.numel() and (int(tensor.min()) < lowest or int(tensor.max()) >= count):
        wrong = tensor[(tensor < lowest) | (tensor >= count)].flatten()[0]
        place, got, remedy = f"field {name}", str(int(wrong)), "number the categories as the schema names them"
        raise DataError(place, expected=f"integers from 0 to {count - 1}, one a category", got=got, remedy=remedy)
