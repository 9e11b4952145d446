"""A net that keeps its weights or inner maps in bounds: it answers in training with a penalty beside its outputs."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor


class WithPenalty(NamedTuple):
    """What such a net returns in training mode; in evaluation mode it returns the outputs alone.

    The learning rule unpacks it and adds the mean of the penalty, a number an example, to the loss; tasks never see it.
    """

    outputs: Tensor  # what the net says
    penalty: Float[Tensor, " batch"]  # one number an example, weighted as the net wants it
