"""Patterns of associative memories: rows of -1 and +1. Checks, noise, overlap."""

import warnings

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from neurarium.checks import ConfigError, DataError, ShapeError


class CapacityWarning(UserWarning):
    """More patterns than a memory holds: what is recalled may be none of them."""


def check_patterns(patterns: Shaped[Tensor, "..."], subject: str = "patterns", neurons: int | None = None) -> None:
    """Refuse what is not (patterns, neurons) of -1 and +1. Raises ShapeError: no matrix, another width; DataError."""
    check_width(patterns, subject, neurons)
    if patterns.numel() == 0:
        raise DataError(subject, expected="at least one pattern of one neuron", got=f"shape {tuple(patterns.shape)}")
    binary = (patterns == 1) | (patterns == -1)
    if not bool(binary.all()):
        values = patterns.unique()
        shown = ", ".join(f"{v:g}" for v in values[:4].tolist()) + (", ..." if len(values) > 4 else "")
        middle = (values.amin().double() + values.amax().double()).item() / 2
        finite = torch.isfinite(torch.tensor(middle))
        remedy = f"make them binary: binarize({subject}, threshold={middle:g})" if finite else "remove NaN and inf"
        raise DataError(subject, expected="only -1 and +1", got=f"the values {shown}", remedy=remedy)


def check_width(states: Shaped[Tensor, "..."], subject: str, neurons: int | None = None) -> None:
    """Refuse what is not a matrix with a row a state. Raises ShapeError: no matrix, or not `neurons` numbers a row."""
    if states.dim() != 2 or neurons not in (None, states.shape[1]):
        raise ShapeError(
            subject,
            expected=f"(rows, {neurons or 'neurons'})",
            got=f"a tensor of shape {tuple(states.shape)}",
            remedy="flatten each image to one row" if states.dim() > 2 else "give each state a row",
        )


def warn_above(capacity: float, patterns: int, neurons: int, memory: str, more: str = "") -> None:
    """Warn where more than one pattern and more than `capacity` are stored."""
    if patterns > max(1.0, capacity):
        text = f"{patterns} patterns in {neurons} neurons: {memory} holds about {capacity:.4g} random ones"
        text += f" ({more})" if more else ""
        warnings.warn(f"{text}; what is recalled may be none of them", CapacityWarning, stacklevel=3)


def binarize(x: Shaped[Tensor, "*shape"], threshold: float) -> Float[Tensor, "*shape"]:
    """Turn numbers into +1 (above `threshold`) and -1 (up to it)."""
    return (x > threshold).to(torch.get_default_dtype()) * 2 - 1


def flip(
    patterns: Float[Tensor, "patterns neurons"], fraction: float, generator: torch.Generator | None = None
) -> Float[Tensor, "patterns neurons"]:
    """Turn round(fraction * neurons) units in each pattern, chosen anew for each. Raises ConfigError: no fraction."""
    if not 0 <= fraction <= 1:
        raise ConfigError("flip", expected="a fraction in [0, 1]", got=str(fraction), remedy="0.25 turns a quarter")
    count = round(fraction * patterns.shape[1])
    chosen = torch.rand(patterns.shape, generator=generator).argsort(1)[:, :count].to(patterns.device)
    return patterns * torch.ones_like(patterns).scatter_(1, chosen, -1.0)


def overlap(a: Float[Tensor, "*#rows neurons"], b: Float[Tensor, "*#rows neurons"]) -> Float[Tensor, "*_"]:
    """Agreement of two states, m = a . b / n: 1 equal, 0 unrelated, -1 opposite; (1 - m) / 2 of the units differ."""
    return (a * b).mean(-1)


def random_patterns(count: int, neurons: int, generator: torch.Generator | None = None) -> Float[Tensor, "count n"]:
    """Independent patterns, each unit -1 or +1 with probability 1/2: those of the theory of capacity."""
    return torch.randint(0, 2, (count, neurons), generator=generator).to(torch.get_default_dtype()) * 2 - 1
