"""Examples of any shape as vectors, for layers that take so many numbers."""

import math

from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ShapeError


def flat(x: Float[Tensor, "..."], inputs: int, place: str) -> Float[Tensor, "batch inputs"]:
    """Flatten examples of any shape. Raises ShapeError: they hold another count of numbers."""
    if x.dim() < 2 or math.prod(x.shape[1:]) != inputs:
        raise ShapeError(
            f"input of {place}",
            expected=f"a batch of examples with {inputs} numbers each",
            got=f"a tensor of shape {tuple(x.shape)}",
            remedy=f"reshape it to (batch, {inputs})",
        )
    return x.flatten(1)
