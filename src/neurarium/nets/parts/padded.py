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


def check_padded(x: Tensor, lengths: Tensor | None, place: str, axis: str, features: int | None = None) -> None:
    """Refuse what are no padded rows. Raises ShapeError: other dimensions, or more or fewer lengths than rows.

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
