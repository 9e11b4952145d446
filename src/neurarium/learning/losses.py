"""Losses of classification and regression: pure functions of outputs and targets, mean over the batch.

Letters: a are logits, p = softmax(a), t the target's class, N the batch, K the classes.
"""

from jaxtyping import Float, Int, Num
from torch import Tensor
from torch.nn import functional as F

from neurarium.checks import ShapeError


def cross_entropy(logits: Float[Tensor, "batch classes"], targets: Int[Tensor, " targets"]) -> Float[Tensor, ""]:
    """Cross-entropy of the softmax, through the log-sum-exp so that large logits do not overflow.

        L = 1/N sum_n (log sum_k exp a_nk - a_n,t(n));   dL/da_nk = (p_nk - [k = t(n)]) / N

    Raises:
        ShapeError: as many targets as outputs are needed.

    Example:
        >>> import torch
        >>> cross_entropy(torch.zeros(1, 4), torch.tensor([2]))  # log 4
        tensor(1.3863)
    """
    if len(logits) != len(targets):
        raise ShapeError("targets", expected=f"{len(logits)}, one for each output", got=str(len(targets)))
    return F.cross_entropy(logits, targets)


def squared_error(outputs: Float[Tensor, "batch classes"], targets: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Squared error of the outputs to the one-hot code of the class, halved.

        L = 1/(2N) sum_n sum_k (a_nk - [k = t(n)])^2

    The half makes the error signal a - t, as in the notes' worked example.
    """
    code = F.one_hot(targets.long(), outputs.shape[1]).to(outputs.dtype)
    return (outputs - code).square().sum() / (2 * len(outputs))


def zero_one(outputs: Float[Tensor, "batch classes"], targets: Num[Tensor, " batch"]) -> Int[Tensor, ""]:
    """Count the wrong answers: a score, not something to descend on.

    Departs from the notes, which descend on it: its gradient is zero almost everywhere (errata E22).

    Returns:
        Number of rows whose largest output is not the target's.
    """
    return (outputs.argmax(1) != targets).sum()
