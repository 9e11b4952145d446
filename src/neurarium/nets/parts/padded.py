"""Examples of different lengths as padded rows: which entries are there, and what they are together.

Whatever stands in the padding, infinities included, changes no result and gets no gradient.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurarium.checks import ShapeError


def inside(lengths: Int[Tensor, "batch"], longest: int) -> Bool[Tensor, "batch longest"]:
    """Which entries of padded rows are there."""
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


def mean_over(
    x: Float[Tensor, "batch longest features"], lengths: Int[Tensor, "batch"]
) -> Float[Tensor, "batch features"]:
    """Mean of the entries of each row that are there; at least one is."""
    there = inside(lengths, x.shape[1])[:, :, None]
    return x.masked_fill(~there, 0).sum(1) / lengths[:, None]


def max_over(
    x: Float[Tensor, "batch longest features"], lengths: Int[Tensor, "batch"]
) -> Float[Tensor, "batch features"]:
    """Largest of the entries of each row that are there, feature by feature; at least one is."""
    there = inside(lengths, x.shape[1])[:, :, None]
    return x.masked_fill(~there, -math.inf).amax(1)


def last_of(
    x: Float[Tensor, "batch longest features"], lengths: Int[Tensor, "batch"]
) -> Float[Tensor, "batch features"]:
    """The last entry of each row that is there."""
    return x[torch.arange(x.shape[0], device=x.device), lengths - 1]


def reversed_rows(
    x: Float[Tensor, "batch longest features"], lengths: Int[Tensor, "batch"] | None = None
) -> Float[Tensor, "batch longest features"]:
    """Each row in the opposite order, its padding left where it is."""
    if lengths is None:
        return x.flip(1)
    step = torch.arange(x.shape[1], device=x.device)
    places = torch.where(step < lengths[:, None], lengths[:, None] - 1 - step, step)
    return x.gather(1, places[:, :, None].expand_as(x))


def check_padded(x: Tensor, lengths: Tensor | None, place: str, axis: str, features: int | None = None) -> None:
    """Refuse what are no padded rows.

    Raises ShapeError: other dimensions, more or fewer lengths than rows, or a length that no row can have (looked at
    on the CPU alone: on an accelerator a look would wait for it).

    Args:
        x: (batch, longest, features), or (batch, longest) where `features` is None.
        axis: what a row is made of: "time", "tokens", "points".
    """
    wanted = ("batch", axis, *([] if features is None else [str(features)]))
    if x.ndim != len(wanted) or (features is not None and x.shape[-1] != features):
        raise ShapeError(
            f"input of {place}",
            expected=f"a tensor of shape ({', '.join(wanted)})",
            got=f"one of shape {tuple(x.shape)}",
            remedy="pad the examples of a batch to the longest and give their lengths",
        )
    if lengths is not None and lengths.shape != x.shape[:1]:
        raise ShapeError(
            "lengths", expected=f"shape ({len(x)},), one a row of {place}", got=f"shape {tuple(lengths.shape)}"
        )
    if lengths is None or not len(lengths) or lengths.device.type != "cpu" or torch.compiler.is_compiling():
        return
    low, high = (int(end) for end in lengths.aminmax())
    if low < 1 or high > x.shape[1]:
        raise ShapeError(
            "lengths",
            expected=f"numbers of 1 to {x.shape[1]}, as long as the rows of {place}",
            got=str(low if low < 1 else high),
            remedy="leave empty examples out" if low < 1 else "pad the rows to the longest",
        )
