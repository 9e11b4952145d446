"""What must not change: a law is a number that should be zero, the largest relative violation found on a batch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.nets.evaluating import evaluating


@dataclass(frozen=True)
class Law:
    """A symmetry that a net declares.

    `deviation`: from a net and a batch, the largest relative violation; it leaves the net as it was.
    """

    name: str
    deviation: Callable[[nn.Module, Tensor], float]
    statement: str


def relative_deviation(a: Float[Tensor, "*shape"], b: Float[Tensor, "*shape"]) -> float:
    """Largest difference between two tensors over the largest magnitude in either; 0 where both are zero.

        max_i |a_i - b_i| / max_i max(|a_i|, |b_i|)

    Not a number counts as an infinite violation.

    Example:
        >>> relative_deviation(torch.tensor([1.0, 4.0]), torch.tensor([1.0, 3.0]))
        0.25
    """
    difference, scale = float((a - b).abs().max()), float(torch.maximum(a.abs(), b.abs()).max())
    if not difference < float("inf"):
        return float("inf")
    return difference / scale if scale else 0.0


@contextmanager
def evaluated(net: nn.Module) -> Iterator[nn.Module]:
    """The net in evaluation mode without gradients; afterwards as it was."""
    with evaluating(net), torch.no_grad():
        yield net
