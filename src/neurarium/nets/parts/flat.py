"""Examples of any shape as vectors, for layers that take so many numbers; and refusals of other shapes."""

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


def check_shape(x: Tensor, shape: tuple[int, ...], layer: str, what: str = "examples") -> None:
    """Refuse what is no batch of examples, or "images", of one shape. Raises ShapeError."""
    if x.shape[1:] != shape or x.dim() != len(shape) + 1:
        raise ShapeError(
            f"input of layer {layer}",
            expected=f"a batch of {what} (batch, {', '.join(map(str, shape))})",
            got=f"a tensor of shape {tuple(x.shape)}",
            remedy=f"build the net for {what} of this "
            + ("size, or convert the images" if what == "images" else "shape"),
        )
