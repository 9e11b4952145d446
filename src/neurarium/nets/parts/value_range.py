"""Smallest and largest value of an input, in the units of the source and as a net sees them."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import DataError
from neurarium.record.schema import Field


def value_range(field: Field, net: str) -> tuple[float, float]:
    """Smallest and largest value, in the units of the source; 0 and 1 of inputs that say nothing and come as they are.

    Raises DataError: inputs are standardized, but of no known range; or a range without length.
    """
    if field.value_range is None:
        if not field.standardized:
            return 0.0, 1.0
        raise DataError(
            "value range of the input",
            expected=f"the smallest and the largest value of the data, which the net {net} counts on",
            got="none",
            remedy="give it with the data: (0, 255) for pixels of 8 bits",
        )
    low, high = field.value_range
    if not -math.inf < low < high < math.inf:
        raise DataError(
            "value range of the input", expected="two finite numbers, the smaller first", got=f"{low:g} and {high:g}"
        )
    return low, high


def scale(field: Field) -> tuple[Sequence[float], Sequence[float]]:
    """Means and standard deviations by which inputs are standardized, one a channel; 0 and 1 where they are not."""
    if field.standardized:
        return field.mean, field.std
    return (0.0,) * field.channels, (1.0,) * field.channels


def scaled(value: float, field: Field) -> Float[Tensor, "..."]:
    """A value of the source as a net sees it, (value - mean) / std, for each channel: it broadcasts over an example."""
    return by_channel([(value - m) / s for m, s in zip(*scale(field), strict=True)], field)


def scaled_range(field: Field, net: str) -> tuple[Float[Tensor, "..."], Float[Tensor, "..."]]:
    """Smallest and largest value as a net sees them; arguments and errors are those of `value_range`."""
    low, high = value_range(field, net)
    return scaled(low, field), scaled(high, field)


def by_channel(numbers: Sequence[float], field: Field, dtype: torch.dtype | None = None) -> Float[Tensor, "..."]:
    """A number a channel, shaped so that it broadcasts over an example."""
    return torch.tensor(numbers, dtype=dtype).view(-1, *[1] * field.trailing)
