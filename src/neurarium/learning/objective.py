"""What a net is asked to make small, as a recipe names it (no torch until it is built)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from neurarium.learning.criterion import Criterion

ObjectiveName = Literal["cross-entropy", "squared-error"]


@dataclass(frozen=True)
class Objective:
    """Which loss, and its constants.

    Example:
        >>> Objective("squared-error").build().loss  # doctest: +ELLIPSIS
        <function ...>
    """

    name: ObjectiveName = "cross-entropy"
    """Loss to descend on."""

    def build(self) -> Criterion:
        """Make the functions that a learning rule calls."""
        from neurarium.learning.criterion import Criterion
        from neurarium.learning.losses import cross_entropy, squared_error, zero_one

        losses = {"cross-entropy": cross_entropy, "squared-error": squared_error}
        chosen = losses[self.name]
        return Criterion(loss=lambda outputs, targets, inputs: chosen(outputs, targets), error=zero_one)
