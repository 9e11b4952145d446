"""What a net is asked to make small, and what is counted beside it.

An objective sees outputs and targets, not the net: the learning rule owns that. Its loss is a mean over the batch,
its error a count, which divided by the number of examples is the error rate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from neurarium.learning.losses import cross_entropy, squared_error, zero_one

ObjectiveName = Literal["cross-entropy", "squared-error"]


@dataclass(frozen=True)
class Objective:
    """A differentiable loss (mean over the batch) and an error count (sum over the batch) of (outputs, targets)."""

    loss: Callable[[Tensor, Tensor], Tensor]
    error: Callable[[Tensor, Tensor], Tensor]


OBJECTIVES: Mapping[str, Objective] = {
    "cross-entropy": Objective(loss=cross_entropy, error=zero_one),
    "squared-error": Objective(loss=squared_error, error=zero_one),
}
