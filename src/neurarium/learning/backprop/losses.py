"""Where the first error signal comes from: a loss of the outputs, mean over the batch, and its derivative.

    softmax + cross-entropy   L = -1/N sum_nk t_nk log y_nk,  y = softmax(a)    dL/da = (y - t) / N
    squared error             L = 1/(2N) sum_n |a_n - t_n|^2                    dL/da = (a - t) / N

with t the one-hot code of the class, or any distribution over the classes.

Softmax and cross-entropy are one rule: the factor 1/y of the one cancels the y of the other, so that the error signal
stays exact where y underflows.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neurarium.checks import ShapeError


class SoftmaxCrossEntropyCache(NamedTuple):
    """log y, and t: distributions, or a column of class numbers."""

    log_probabilities: Tensor
    targets: Tensor


class SquaredErrorCache(NamedTuple):
    """What the way back needs."""

    difference: Tensor


def softmax_cross_entropy_forward(
    logits: Float[Tensor, "batch classes"], targets: Int[Tensor, " targets"] | Float[Tensor, "targets classes"]
) -> tuple[Float[Tensor, ""], SoftmaxCrossEntropyCache]:
    """Mean over the batch of the surprise, -log y_t for a class t.

    Raises ShapeError: as many targets as outputs are needed.

    Example:
        >>> loss, cache = softmax_cross_entropy_forward(torch.zeros(1, 4), torch.tensor([2]))
        >>> loss, softmax_cross_entropy_backward(1.0, cache)
        (tensor(1.3863), tensor([[ 0.2500,  0.2500, -0.7500,  0.2500]]))
    """
    _as_many("targets", len(logits), len(targets))
    log_probabilities = torch.log_softmax(logits, 1)
    if targets.is_floating_point():
        loss = -(targets * log_probabilities).sum() / len(targets)
        return loss, SoftmaxCrossEntropyCache(log_probabilities, targets)
    column = targets.long().unsqueeze(1)
    return -log_probabilities.gather(1, column).mean(), SoftmaxCrossEntropyCache(log_probabilities, column)


def softmax_cross_entropy_backward(
    delta: float | Float[Tensor, ""], cache: SoftmaxCrossEntropyCache
) -> Float[Tensor, "batch classes"]:
    """Error signal of the logits; `delta` is dL/dL = 1, or the batch's fraction in a larger one."""
    signal = cache.log_probabilities.exp()
    if cache.targets.is_floating_point():
        signal.sub_(cache.targets)
    else:
        signal.scatter_add_(1, cache.targets, signal.new_full((1, 1), -1.0).expand_as(cache.targets))
    return signal.mul_(delta / len(signal))


def squared_error_forward(
    outputs: Float[Tensor, "batch *shape"], targets: Float[Tensor, "targets *shape"]
) -> tuple[Float[Tensor, ""], SquaredErrorCache]:
    """Half the squared distance to the targets, mean over the batch.

    Raises ShapeError: as many targets as outputs are needed.

    Example:
        >>> loss, cache = squared_error_forward(torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0, 1.0]]))
        >>> loss, squared_error_backward(1.0, cache)
        (tensor(2.), tensor([[2., 0.]]))
    """
    _as_many("targets", len(outputs), len(targets))
    difference = outputs - targets
    return difference.square().sum() / (2 * len(outputs)), SquaredErrorCache(difference)


def squared_error_backward(delta: float | Float[Tensor, ""], cache: SquaredErrorCache) -> Float[Tensor, "batch *shape"]:
    """Error signal of the outputs; `delta` as in `softmax_cross_entropy_backward`."""
    return cache.difference * (delta / len(cache.difference))


def _as_many(subject: str, outputs: int, targets: int) -> None:
    if outputs != targets:
        raise ShapeError(subject, expected=f"{outputs}, one for each output", got=str(targets))
