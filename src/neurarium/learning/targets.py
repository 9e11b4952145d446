"""Label smoothing: the class of an example as a distribution over the classes it may be mistaken for.

    e_y -> Pi e_y        column y of the transition matrix Pi

Pi_jy is the probability that an example labeled y is a j: each column is a distribution over the classes. The uniform
case spreads a fraction s of the label over all K classes alike:

    Pi = (1 - s) I + s/K 1 1^T

Source: C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, "Rethinking the Inception architecture for computer
vision", 2016.
Departs from the notes: they leave open that Pi must be column-stochastic, without which Pi e_y is no distribution
(errata E60).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurarium.checks import ConfigError

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped
    from torch import Tensor

_ROUNDING = 1e-6


def check_transition(transition: Sequence[Sequence[float]], classes: int | None = None) -> None:
    """Refuse a matrix that is not square, not of the size of the data, or not column-stochastic.

    Raises ConfigError: names the first bad column, and its sum.

    Example:
        >>> check_transition([[0.9, 0.3], [0.1, 0.6]])
        Traceback (most recent call last):
        neurarium.checks.errors.ConfigError: loss.label_transition, column 1: expected a sum of 1 (column-stochastic: \
column y is the distribution that label y becomes), got a sum of 0.9
    """
    size = len(transition) if classes is None else classes
    if classes is None and size == 1:
        got = f"{len(transition[0])} numbers"
        raise ConfigError("loss.label_transition", expected="K x K numbers, row by row, for K >= 2 classes", got=got)
    if [len(row) for row in transition] != [size] * size:
        widths = sorted({len(row) for row in transition})
        raise ConfigError(
            "loss.label_transition",
            expected=f"{size} rows of {size} numbers" + ("" if classes is None else ", one a class"),
            got=f"{len(transition)} rows of {' or '.join(map(str, widths))} numbers",
        )
    for y, column in enumerate(zip(*transition, strict=True)):
        where, total = f"loss.label_transition, column {y}", sum(column)
        if not all(0 <= entry <= 1 + _ROUNDING for entry in column):
            raise ConfigError(where, expected="probabilities", got=f"{column}, a sum of {total:g}")
        if not math.isclose(total, 1, abs_tol=_ROUNDING):
            raise ConfigError(
                where,
                expected="a sum of 1 (column-stochastic: column y is the distribution that label y becomes)",
                got=f"a sum of {total:.7g}",
            )


def uniform_transition(classes: int, smoothing: float) -> Float[Tensor, "classes classes"]:
    """The matrix that spreads a fraction of each label over all classes alike.

        Pi = (1 - s) I + s/K 1 1^T

    Raises ConfigError: `smoothing` not in [0, 1).

    Example:
        >>> uniform_transition(2, 0.1)
        tensor([[0.9500, 0.0500],
                [0.0500, 0.9500]])
    """
    import torch

    check_smoothing(smoothing)
    return (1 - smoothing) * torch.eye(classes) + smoothing / classes


def check_smoothing(smoothing: float) -> None:
    """Raise ConfigError where a fraction of smoothing is not in [0, 1)."""
    if not 0 <= smoothing < 1:
        raise ConfigError("loss.smoothing", expected="a fraction in [0, 1)", got=str(smoothing))


def smooth(
    targets: Shaped[Tensor, "*targets"], transition: Float[Tensor, "classes classes"]
) -> Float[Tensor, "*batch classes"]:
    """Targets as distributions: column t of the transition matrix, or Pi q for a distribution q.

    `targets`: class numbers of whole-number type (*batch), or distributions (*batch, classes).

    Example:
        >>> import torch
        >>> smooth(torch.tensor([1]), torch.tensor([[1.0, 0.2], [0.0, 0.8]]))
        tensor([[0.2000, 0.8000]])
    """
    if targets.is_floating_point():
        return targets.to(transition.dtype) @ transition.T
    return transition.T[targets.long()]
