"""Distillation: a student learns the answers of a teacher, softened by a temperature, beside the labels.

Letters: F are the teacher's logits, G the student's, T > 0 the temperature, p_F = softmax(F / T), p_G = softmax(G / T).

Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network", 2015.
Departs from the notes: what they write as the loss has no minus sign and is a log-likelihood; the gradient of the loss
is (p_G - p_F) / T, a difference of tempered probabilities and not of logits; the factor T^2 is Hinton's (errata E61).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurarium.checks import ConfigError

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


def tempered_cross_entropy(
    student: Float[Tensor, "*batch classes"],
    teacher: Float[Tensor, "*batch classes"],
    temperature: float,
    total: Float[Tensor, ""] | None = None,
) -> Float[Tensor, ""]:
    """Cross-entropy between the softened answers of teacher and student, times T^2.

        L = -T^2/N sum_nk p_F,nk log p_G,nk;     dL/dG_nk = T (p_G,nk - p_F,nk) / N

    Softening shrinks the gradient by 1/T^2; the factor makes up for it, so that a mixture with a loss on labels keeps
    its balance when T changes. For T to infinity and logits of mean zero the gradient becomes (G - F) / (K N): the
    student matches logits.
    The teacher gets no gradient. `total` is what the sum is divided by; none: N.
    Raises ConfigError: T is not above 0.

    Example:
        >>> import torch
        >>> tempered_cross_entropy(torch.zeros(1, 2), torch.zeros(1, 2), temperature=3.0)  # 9 log 2
        tensor(6.2383)
    """
    check_temperature(temperature)
    answers = (teacher.detach() / temperature).softmax(-1)
    each = (answers * (student / temperature).log_softmax(-1)).sum(-1)
    return -(temperature**2) * (each.mean() if total is None else each.sum() / total)


def distillation(
    student: Float[Tensor, "*batch classes"],
    teacher: Float[Tensor, "*batch classes"],
    hard: Float[Tensor, ""],
    temperature: float,
    alpha: float,
) -> Float[Tensor, ""]:
    """The teacher's answers and the labels, mixed.

        L = alpha * tempered_cross_entropy(G, F, T) + (1 - alpha) * hard

    `hard` is the student's loss on the labels, `alpha` in (0, 1].
    """
    return alpha * tempered_cross_entropy(student, teacher, temperature) + (1 - alpha) * hard


def check_temperature(temperature: float) -> None:
    """Raise ConfigError where a temperature is not a finite number above 0."""
    if not 0 < temperature < float("inf"):
        raise ConfigError("loss.temperature", expected="a number > 0", got=str(temperature))
