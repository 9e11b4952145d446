"""Random examples of any schema: what a net is tried on where no data are at hand, and what laws are tested on."""

import torch
from torch import Tensor

from neurarium.data.columns import Columns, as_stored
from neurarium.data.examples import Examples
from neurarium.data.nodes import Nodes
from neurarium.data.packed import Packed
from neurarium.data.ragged import Ragged
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema


def drawn(schema: Schema, count: int, seed: int = 0, shortest: int = 3, longest: int = 9) -> Examples:
    """Draw examples that look like a schema says: normal numbers in its units, categories and row numbers uniformly.

    A schema whose examples vary in size gives padded ones, or where something points to rows a concatenation; one whose
    examples are nodes gives a graph of `count` nodes, all of them asked about.

    Example:
        >>> from neurarium.record.schema import image_schema
        >>> drawn(image_schema(), 2).gather(torch.arange(2)).x.shape
        torch.Size([2, 1, 28, 28])
    """
    generator = torch.Generator().manual_seed(seed)
    fields = schema.fields
    if any(field.points_to and not field.is_ragged for field in fields.values()):
        return _nodes(schema, count, generator)
    axes = [axis for axis in dict.fromkeys(a for f in fields.values() for a in (f.axis, f.points_to)) if axis]
    if not axes:
        inputs, targets = (
            tuple(_values(field, count, count, generator, name in schema.targets) for name, field in group.items())
            for group in (schema.inputs, schema.targets)
        )
        return Table(inputs, targets, schema)
    lengths = {axis: torch.randint(shortest, longest + 1, (count,), generator=generator) for axis in axes}
    columns = {}
    for name, field in fields.items():
        rows = int(lengths[field.axis].sum()) if field.is_ragged else count
        if field.points_to:
            room = lengths[field.points_to].repeat_interleave(lengths[field.axis])
            rest = tuple(size for size in field.shape if size is not None)
            fraction = torch.rand(rows, *rest, generator=generator)
            columns[name] = (fraction * room.view(-1, *[1] * len(rest))).long()
        else:
            columns[name] = _values(field, rows, count, generator, name in schema.targets)
    kind: type[Columns] = Packed if any(field.points_to for field in fields.values()) else Ragged
    return kind(columns, lengths, schema)


def _values(field: Field, rows: int, count: int, generator: torch.Generator, target: bool) -> Tensor:
    """Raw values of a field; targets that are numbers are stored standardized."""
    shape = (rows, *(size for size in field.shape if size is not None))
    if field.categories:
        if not field.shape:  # a class an example: each of them in turn, so that none is missing
            return torch.arange(rows) % len(field.categories)
        return torch.randint(len(field.categories), shape, generator=generator)
    values = torch.randn(shape, generator=generator)
    if target or not field.standardized:
        return values
    channels = (-1, *[1] * as_stored(field).trailing)
    return values * torch.tensor(field.std).view(channels) + torch.tensor(field.mean).view(channels)


def _nodes(schema: Schema, count: int, generator: torch.Generator) -> Nodes:
    edges = torch.randint(count, (2, 3 * count), generator=generator)
    labels = _values(schema.target, count, count, generator, target=True) if schema.targets else None
    x = _values(schema.input, count, count, generator, target=False)
    return Nodes(x, edges, labels, torch.arange(count), schema)
