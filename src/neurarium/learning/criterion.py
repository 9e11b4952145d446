"""The functions behind an objective: a loss to descend on, and an error to count beside it."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Criterion:
    """What a learning rule calls with the outputs of a net.

    Attributes:
        loss: (outputs, targets, inputs) to a differentiable scalar, a mean over the batch. Most losses have no use for
            the inputs; a teacher answers them, an auto-encoder has them for its targets.
        error: (outputs, targets, inputs) to a sum over the batch of what a reader understands at once, between 0 and
            1 for an example unless the net is worse than none: wrong answers of a classifier; for numbers and
            reconstructions the squared error, whose mean is the share of the variance that is not explained, as both
            are standardised.
    """

    loss: Callable[[Tensor, Tensor, Tensor], Tensor]
    error: Callable[[Tensor, Tensor, Tensor], Tensor]
