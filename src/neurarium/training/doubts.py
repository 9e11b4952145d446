"""What should make a reader doubt a run: a plain sentence each, with what to do about it.

No better than guessing: the first metric has a `remedy`, as its task found it no better than its baseline by more than
chance explains. The loss never fell: no epoch's mean is `FALL` or more below that of the first recorded updates.
Learned by heart: in the epoch whose weights were kept the validation error is twice the training error or more, and the
gap exceeds `GAP` and 1.96 standard errors sqrt(e (1 - e) / n) of the validation error e of n examples.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from neurarium.tasks.interval import Z_95
from neurarium.tasks.scores import Metric

FALL, GAP = 0.02, 0.05
_FIRST = 3  # recorded updates whose mean loss is where learning began

Entries = Sequence[Mapping[str, Any]]


def no_better_than_guessing(metrics: Sequence[Metric]) -> list[str]:
    """Say it of the first, most telling metric; the others follow from it."""
    metric = next(iter(metrics), None)
    if metric is None or not metric.remedy:
        return []
    value = f"its {metric.name}, {metric.written(metric.value)}"
    against = f"{metric.against}, {metric.written(metric.baseline or 0.0)}"
    return [f"No better than guessing: {value}, does not stand out from {against}; {metric.remedy}"]


def loss_never_fell(entries: Entries, name: str) -> list[str]:
    """Say it of a record of a rule that makes a loss small."""
    steps = [entry["loss"] for entry in entries if entry["event"] == "step"][:_FIRST]
    epochs = [entry["train"]["loss"] for entry in entries if entry["event"] == "epoch" and "loss" in entry["train"]]
    if not steps or not epochs:
        return []
    start, lowest = sum(steps) / len(steps), min(epochs)
    if start <= 0 or lowest < (1 - FALL) * start:
        return []
    find = f": neurarium find-rate {name} advises one" if name else ""
    return [
        f"The training loss never fell: it began at {start:.3g} and no epoch had less than {lowest:.3g}; "
        f"try another learning rate{find}."
    ]


def learned_by_heart(entries: Entries, examples: int, kept_best: bool = True) -> list[str]:
    """Say it of the best or the last epoch of a record, as kept; `examples` is how many there are for validation."""
    epochs = [entry for entry in entries if entry["event"] == "epoch"]
    best = next((entry for entry in reversed(epochs) if entry["best"] or not kept_best), None)
    if best is None or not examples or "error" not in best["train"] or "error" not in best["validation"]:
        return []
    train, validation = best["train"]["error"], best["validation"]["error"]
    fraction = min(max(validation, 0.0), 1.0)
    chance = Z_95 * math.sqrt(fraction * (1 - fraction) / examples)
    if not (validation >= 2 * train and validation - train > max(GAP, chance)):
        return []
    return [
        f"The training error, {100 * train:.1f} %, is far below the validation error, {100 * validation:.1f} %: much "
        "was learned by heart; more examples, a smaller net, weight decay, dropout or fewer epochs may help."
    ]
