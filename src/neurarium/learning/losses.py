"""Losses of classification and regression: pure functions of outputs and targets, mean over the entries.

Letters: a are outputs (logits), p = softmax(a), t the target's class, N the examples, K the classes, q a target as a
distribution over the classes, which for a class number is its one-hot code.

What all of them fraction:

- **Targets** are class numbers (*batch), or rows as wide as the outputs (*batch, classes): distributions, as label
  smoothing and mixup make them, or any numbers for the squared and the absolute error.
- **Weights**, one a class, make the mean a weighted one, as torch does it: sum_n w_n L_n / sum_n w_n with w_n = w_t(n),
  or sum_k w_k q_nk for a distribution. (torch divides by N there; here a one-hot row gives what its number gives.)
- **A mask** (*batch) is true where a target counts and false where it is padding: the result is that of the entries
  that count alone, whatever the others hold.
- **A total** is what the sum is divided by instead of this batch's own weight (`weight_of`): that of a larger batch of
  which this one is a part, so that the losses of its parts add up to its own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Num, Shaped
from torch import Tensor
from torch.nn import functional as F

from neurarium.checks import ShapeError
from neurarium.learning.targets import smooth

Margin = Callable[[Tensor, Tensor], Tensor]
Outputs = Float[Tensor, "*batch classes"]
Targets = Shaped[Tensor, "..."]
Weights = Float[Tensor, "_"] | None
Mask = Bool[Tensor, "..."] | None
Total = Float[Tensor, ""] | None


def cross_entropy(
    logits: Outputs, targets: Targets, weights: Weights = None, mask: Mask = None, total: Total = None
) -> Float[Tensor, ""]:
    """Cross-entropy of the softmax, through the log-sum-exp so that large logits do not overflow.

        L = -1/N sum_nk q_nk log p_nk = 1/N sum_n (log sum_k exp a_nk - a_n,t(n));   dL/da_nk = (p_nk - q_nk) / N

    With weights the term of class k counts w_k times: dL/da_nk = (p_nk sum_j w_j q_nj - w_k q_nk) / sum_nj w_j q_nj.
    Raises ShapeError: targets or mask do not fit the outputs, or the mask leaves nothing.

    Example:
        >>> cross_entropy(torch.zeros(1, 4), torch.tensor([2]))  # log 4
        tensor(1.3863)

    Source: J. Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
    """
    logits, targets = _counted(logits, targets, mask)
    if targets.dim() == 1:
        if total is None:
            return F.cross_entropy(logits, targets.long(), weights)
        return F.cross_entropy(logits, targets.long(), weights, reduction="sum") / total
    terms = targets if weights is None else targets * weights
    own = len(logits) if weights is None else terms.sum()
    return -(terms * logits.log_softmax(1)).sum() / (own if total is None else total)


def squared_error(
    outputs: Outputs, targets: Targets, weights: Weights = None, mask: Mask = None, total: Total = None
) -> Float[Tensor, ""]:
    """Squared error of the outputs to the code of the class, halved.

        L = 1/(2N) sum_nk (a_nk - q_nk)^2;   dL/da_nk = (a_nk - q_nk) / N

    The half makes the error signal a - t, as in the notes' worked example.
    """
    outputs, targets = _counted(outputs, targets, mask)
    return _mean((outputs - _rows(outputs, targets)).square().sum(1) / 2, targets, weights, total)


def absolute_error(
    outputs: Outputs, targets: Targets, weights: Weights = None, mask: Mask = None, total: Total = None
) -> Float[Tensor, ""]:
    """Absolute error of the outputs to the code of the class.

        L = 1/N sum_nk |a_nk - q_nk|;   dL/da_nk = sign(a_nk - q_nk) / N, and 0 at the kink

    The value at the kink is a choice among the subgradients [-1, 1]: |x| has no derivative at 0, though the symmetric
    difference quotient exists there (errata E27).
    """
    outputs, targets = _counted(outputs, targets, mask)
    return _mean((outputs - _rows(outputs, targets)).abs().sum(1), targets, weights, total)


def binary_cross_entropy(
    logits: Outputs, targets: Targets, weights: Weights = None, mask: Mask = None, total: Total = None
) -> Float[Tensor, ""]:
    """Cross-entropy of one sigmoid an output: K yes-no questions instead of one choice among K.

        L = 1/N sum_nk (max(a_nk, 0) - a_nk q_nk + log(1 + exp -|a_nk|));   dL/da_nk = (sigmoid(a_nk) - q_nk) / N

    Rows of targets need not sum to 1: several classes may be right at once. The same as `one_vs_rest(logistic)`.

    Example:
        >>> binary_cross_entropy(torch.zeros(1, 2), torch.tensor([1]))  # 2 log 2
        tensor(1.3863)
    """
    logits, targets = _counted(logits, targets, mask)
    each = F.binary_cross_entropy_with_logits(logits, _rows(logits, targets), reduction="none")
    return _mean(each.sum(1), targets, weights, total)


def logistic(outputs: Float[Tensor, "*shape"], signs: Num[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Logistic loss of outputs whose right answer is a sign y in {-1, +1}, element by element.

        L = log(1 + exp(-y a));   dL/da = -y sigmoid(-y a)

    Example:
        >>> logistic(torch.tensor([0.0, -1000.0]), torch.ones(2)).tolist()
        [0.6931471824645996, 1000.0]

    Source: D. Cox, "The regression analysis of binary sequences", 1958.
    """
    return -F.logsigmoid(signs * outputs)


def hinge(outputs: Float[Tensor, "*shape"], signs: Num[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Hinge loss of outputs whose right answer is a sign y in {-1, +1}, element by element.

        L = max(0, 1 - y a);   dL/da = -y where y a < 1, else 0

    Example:
        >>> hinge(torch.tensor([2.0, 0.5, -1.0]), torch.ones(3))
        tensor([0.0000, 0.5000, 2.0000])

    Source: C. Cortes, V. Vapnik, "Support-vector networks", 1995.
    """
    return torch.relu(1 - signs * outputs)


def perceptron(outputs: Float[Tensor, "*shape"], signs: Num[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Perceptron criterion of outputs whose right answer is a sign y in {-1, +1}, element by element.

        L = max(0, -y a);   dL/da = -y where y a <= 0, else 0

    A descent step on it is Rosenblatt's rule w <- w + eta y x for a wrong answer. An output of 0 is a wrong answer:
    otherwise weights that begin at 0 would stay there.

    Source: F. Rosenblatt, "The perceptron", 1958.
    Departs from the notes: w + eta (y - y^) x with signs for labels is a step of 2 eta y x (errata E26), and sigma(0)
    is +1 in one place and 0 in another (errata E25).
    """
    margins = signs * outputs
    return torch.where(margins <= 0, -margins, torch.zeros_like(margins))


def one_vs_rest(
    loss: Margin, outputs: Outputs, targets: Targets, weights: Weights = None, mask: Mask = None, total: Total = None
) -> Float[Tensor, ""]:
    """A loss of signs over all outputs of a classifier: output k answers "class k, or one of the rest?".

        L = 1/N sum_nk (q_nk l(a_nk, +1) + (1 - q_nk) l(a_nk, -1))

    For class numbers that is the code of signs: y_nk = +1 for k = t(n) and -1 for the rest. For distributions it is the
    mean loss over classes drawn from them.
    `loss`: `logistic`, `hinge` or `perceptron`.

    Example:
        >>> one_vs_rest(hinge, torch.tensor([[2.0, 0.0, -3.0]]), torch.tensor([0]))  # 0 + 1 + 0
        tensor(1.)
    """
    outputs, targets = _counted(outputs, targets, mask)
    code = _rows(outputs, targets)
    if targets.dim() == 1:
        each = loss(outputs, 2 * code - 1)
    else:
        plus = torch.ones_like(code)
        each = code * loss(outputs, plus) + (1 - code) * loss(outputs, -plus)
    return _mean(each.sum(1), targets, weights, total)


def zero_one(
    outputs: Float[Tensor, "*batch classes"], targets: Shaped[Tensor, "..."], mask: Bool[Tensor, "..."] | None = None
) -> Int[Tensor, ""]:
    """Number of entries whose largest output is not the target's (of a distribution, its most probable class).

    Departs from the notes, which descend on it: its gradient is zero almost everywhere (errata E22).
    """
    outputs, targets = _counted(outputs, targets, mask)
    return (outputs.argmax(1) != (targets if targets.dim() == 1 else targets.argmax(1))).sum()


def squared_distance(
    outputs: Float[Tensor, "*batch numbers"], targets: Float[Tensor, "..."], mask: Bool[Tensor, "..."] | None = None
) -> Float[Tensor, ""]:
    """Sum over the entries of the mean squared difference of their numbers: a score beside any loss.

        E = sum_n 1/K sum_k (a_nk - t_nk)^2

    For standardised targets E / N is the fraction of their variance that the answers leave unexplained, 1 - R^2.

    Example:
        >>> squared_distance(torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 0.0]]))  # (1 + 9) / 2
        tensor(5.)
    """
    outputs, targets = _counted(outputs, targets, mask)
    return (outputs - _rows(outputs, targets)).square().mean(1).sum()


def _counted(outputs: Tensor, targets: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """The entries that count, one row each: outputs (entries, classes), targets (entries) or (entries, classes)."""
    places = tuple(outputs.shape[:-1])
    if tuple(targets.shape) not in (places, tuple(outputs.shape)):
        raise ShapeError(
            "targets",
            expected=f"{places}, a class for each output, or {tuple(outputs.shape)}, a row for each",
            got=str(tuple(targets.shape)),
        )
    if mask is None and outputs.dim() == 2:
        return outputs, targets
    if mask is None:
        return outputs.reshape(-1, outputs.shape[-1]), targets.reshape(-1, *targets.shape[len(places) :])
    if tuple(mask.shape) != places:
        raise ShapeError("mask", expected=f"{places}, one entry for each output", got=str(tuple(mask.shape)))
    outputs, targets = outputs[mask], targets[mask]
    if len(outputs) == 0:
        raise ShapeError("mask", expected="at least one entry that counts", got="none")
    return outputs, targets


def _rows(outputs: Tensor, targets: Tensor) -> Tensor:
    """Targets as rows beside the outputs: class numbers one-hot, rows as they are."""
    if targets.dim() == outputs.dim():
        return targets.to(outputs.dtype)
    return torch.zeros_like(outputs).scatter_(1, targets.long()[:, None], 1.0)


def weight_of(
    targets: Shaped[Tensor, "..."], weights: Float[Tensor, "_"] | None = None, mask: Bool[Tensor, "..."] | None = None
) -> Float[Tensor, ""]:
    """What the mean of a loss divides by: the number of entries that count, or the sum of their weights.

    `targets`: class numbers (*batch) of whole-number type, or rows (*batch, classes) of floats.

    Example:
        >>> weight_of(torch.tensor([0, 1, 1]), torch.tensor([1.0, 3.0]))
        tensor(7.)
    """
    rows = targets.is_floating_point()
    if weights is None:
        if mask is not None:
            return mask.sum().float()
        entries = targets.numel() // (targets.shape[-1] if rows and targets.dim() > 1 else 1)
        return torch.full((), float(entries), device=targets.device)
    counted = targets if mask is None else targets[mask]
    return (counted.to(weights.dtype) @ weights).sum() if rows else weights[counted.long()].sum()


def _mean(each: Tensor, targets: Tensor, weights: Tensor | None, total: Tensor | None) -> Tensor:
    """Mean over the entries, weighted by the classes of their targets, or their sum over a given total."""
    if weights is None:
        return each.mean() if total is None else each.sum() / total
    fractions = weights[targets.long()] if targets.dim() == 1 else targets.to(weights.dtype) @ weights
    return (each * fractions).sum() / (fractions.sum() if total is None else total)


@dataclass(frozen=True, eq=False)
class Criterion:
    """What a loss is with its targets smoothed and its classes weighted.

    Attributes:
        smoothing: matrix by which targets are smoothed; none: they are taken as they are.
        weights: one a class; none: all count alike.
    """

    function: Callable[..., Tensor]
    smoothing: Tensor | None = None
    weights: Tensor | None = None

    def weight(self, targets: Tensor, mask: Tensor | None = None) -> Tensor:
        """What the loss of these targets counts, a scalar: entries, or the sum of their weights."""
        if self.weights is None:
            return weight_of(targets, None, mask)
        return weight_of(self._smoothed(targets, mask), self.weights)

    def loss(self, outputs: Tensor, targets: Tensor, total: Tensor | None, mask: Tensor | None = None) -> Tensor:
        """The sum over the entries that count, over `total`; none: over their own weight."""
        outputs = outputs if mask is None else outputs[mask]
        weights = None if self.weights is None else self.weights.to(outputs.dtype)
        return self.function(outputs, self._smoothed(targets, mask, outputs), weights, total=total)

    def _smoothed(self, targets: Tensor, mask: Tensor | None, outputs: Tensor | None = None) -> Tensor:
        counted = targets if mask is None else targets[mask]
        if self.smoothing is None:
            return counted
        return smooth(counted, self.smoothing if outputs is None else self.smoothing.to(outputs.dtype))
