"""How well numbers are predicted.

    R^2 = 1 - sum_n (t_n - y_n)^2 / sum_n (t_n - mean t)^2      share of the variance that the answers explain
    RMSE = sqrt(1/N sum_n (t_n - y_n)^2),   MAE = 1/N sum_n |t_n - y_n|      in the units of the target

With several outputs R^2 is their mean, and each has its own errors. Beside the errors stand those of always answering
the mean of the training targets; the R^2 of that is 0 or, where the mean of these examples is another, below.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.training.scores.measure import Measure


def explained(answers: Float[Tensor, "examples outputs"], targets: Float[Tensor, "examples outputs"]) -> float:
    """R^2, mean over the outputs; not a number where the targets of an output are all the same.

    Example:
        >>> explained(torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([[1.0], [2.0], [3.0]]))
        0.5
    """
    answers, targets = answers.double(), targets.double()
    residual = (targets - answers).square().sum(0)
    total = (targets - targets.mean(0)).square().sum(0)
    return float((1 - residual / total).mean()) if bool((total > 0).all()) else math.nan


def regression_measures(
    answers: Float[Tensor, "examples outputs"],
    targets: Float[Tensor, "examples outputs"],
    names: Sequence[str],
    mean: Sequence[float],
) -> tuple[Measure, ...]:
    """Compare answers with targets, both in the units of the source.

    Args:
        answers: of the net.
        targets: what they should be.
        names: of the outputs.
        mean: of the training targets.
    """
    answers, targets = answers.double(), targets.double()
    plain = torch.tensor(mean, dtype=torch.float64).expand_as(targets)
    measures = [
        Measure(
            "R²",
            explained(answers, targets),
            "share of the variance of the targets that the answers explain",
            baseline=explained(plain, targets),
            against="always the mean of the training targets",
        )
    ]
    for k, name in enumerate(names):
        of = f" of {name}" if len(names) > 1 else ""
        for title, meaning, take in (
            ("RMSE", "root of the mean squared error, in the units of the target", _root_mean_square),
            ("MAE", "mean absolute error, in the units of the target", _mean_absolute),
        ):
            measures.append(
                Measure(
                    title + of,
                    take(answers[:, k] - targets[:, k]),
                    meaning,
                    higher_is_better=False,
                    baseline=take(plain[:, k] - targets[:, k]),
                    against="always the mean of the training targets",
                )
            )
    return tuple(measures)


def _root_mean_square(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


def _mean_absolute(x: Tensor) -> float:
    return float(x.abs().mean())
