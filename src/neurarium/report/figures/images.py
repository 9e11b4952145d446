"""Examples for a figure: some of them, in the units of their source."""

import torch
from torch import Tensor

from neurarium.data.batch import Batch
from neurarium.data.examples import Examples
from neurarium.data.scaling import unscaled
from neurarium.record.schema import Field, Schema

ROW = 10
"""Images side by side."""


def are_images(schema: Schema) -> bool:
    """Whether an example is one image."""
    return len(schema.inputs) == 1 and schema.input.is_image


def are_drawable(schema: Schema) -> bool:
    """Whether an example is one image, gray or in color."""
    return are_images(schema) and schema.input.shape[0] in (1, 3)


def chosen(examples: Examples, index: list[int]) -> Batch:
    """The examples of these numbers."""
    return examples.gather(torch.tensor(index, dtype=torch.int64, device=examples.device))


def spread(examples: Examples, count: int) -> Batch:
    """So many examples, or all of them, evenly spread: they may be sorted by class."""
    count = min(count, len(examples))
    return chosen(examples, torch.linspace(0, len(examples) - 1, count).round().long().tolist())


def raw(x: Tensor, field: Field) -> Tensor:
    """What a net sees or makes, in the units of the source, on the CPU."""
    return unscaled(x.detach().cpu(), field)


def ends_of(values: Tensor, field: Field) -> tuple[float, float]:
    """Values of black and white: the ends of the value range, or where it is not known the extremes of some values."""
    return field.value_range or (float(values.min()), float(values.max()))
