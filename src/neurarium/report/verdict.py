"""What happened in a run, told in sentences made from its numbers."""

import math
from collections.abc import Mapping
from typing import Any

from neurarium.report.format import duration, many, percent
from neurarium.report.history import History
from neurarium.report.tasks.table import report_of
from neurarium.tasks.interval import Z_95

_RISE = 0.05  # rise of the validation loss above its minimum from which it is called one
OVER = ("finished", "early", "converged")  # reasons after which a run has its final weights
_REMEDY = "More data, stronger regularization or an earlier stop are the remedies."
_UNMEASURED = "It has not been measured on test examples yet."


def verdict_of(
    history: History, counts: Mapping[str, int], kept_best: bool, scores: Mapping[str, Any] | None
) -> list[str]:
    """Tell a run in a few paragraphs of plain text.

    Args:
        counts: number of examples in "train", "validation" and "test".
        kept_best: the net ended with the weights of its best epoch.
        scores: the content of `scores.json`; none where the net was not measured.
    """
    course = [tell_course(history), tell_best(history, kept_best)]
    learning = [tell_gap(history, counts.get("validation", 0)), tell_trend(history, kept_best)]
    result = [_UNMEASURED] if scores is None else report_of(scores["task"]).sentences(scores)
    paragraphs = [course, learning, result]
    return [" ".join(filter(None, sentences)) for sentences in paragraphs if any(sentences)]


def tell_course(history: History) -> str:
    """Say how long the net learned and why it stopped."""
    total = history.planned_epochs * history.steps_per_epoch
    done = history.step // history.steps_per_epoch
    time = duration(history.seconds) + (f" in {history.sessions} sessions" if history.sessions > 1 else "")
    if history.reason == "finished":
        return f"The net learned for {many(done, 'epoch')}, {many(history.step, 'update')} of its weights, in {time}."
    if history.reason == "converged":
        return (
            f"Learning came to its end after {many(done, 'epoch')} of {history.planned_epochs} "
            f"({many(history.step, 'update')}, {time}): nothing was left to learn."
        )
    if history.reason == "early":
        since = f" since epoch {history.best['epoch']}" if history.best else ""
        return (
            f"Learning stopped early, after {done} of {history.planned_epochs} epochs "
            f"({many(history.step, 'update')}, {time}): there had been no gain on the validation data{since}."
        )
    where = f"after {history.step:,} of {total:,} updates ({time})"
    if history.reason == "interrupted":
        return f"The run was interrupted {where} and can be resumed."
    return f"The record ends {where}: the run is still under way, or was killed and can be resumed."


def tell_best(history: History, kept_best: bool) -> str:
    """Say which epoch was the best and whether its weights were kept."""
    best = history.best
    if not history.epochs:
        return "No epoch was completed."
    if best is None:
        return "No score was watched on the way: its weights are those of the last epoch."
    part = "validation" if best["validation"] else "training"
    error = (best["validation"] or best["train"]).get("error")
    reached = f": its {part} error was {percent(error)}" if error is not None else ""
    ended = history.reason in OVER
    kept = " Its weights are the ones kept." if ended and kept_best else ""
    return f"Epoch {best['epoch']} was the best{reached}.{kept}"


def tell_gap(history: History, examples: int) -> str:
    """Compare training and validation error in the best epoch.

    Only where errors are fractions of examples. The gap counts as one where it exceeds
    1.96 standard errors sqrt(e (1 - e) / n) of the validation error e.
    """
    best = history.best
    if best is None or "error" not in best["validation"] or "error" not in best["train"]:
        return ""
    if not report_of(history.task).fractions:
        return ""
    train, validation = best["train"]["error"], best["validation"]["error"]
    gap = validation - train
    erred = f"In its best epoch it erred on {percent(train)} of the training examples"
    erred += f" and {percent(validation)} of the validation examples"
    if gap <= 0:
        return f"{erred}: it does no worse on examples that it has not learned from."
    noise = Z_95 * math.sqrt(validation * (1 - validation) / examples) if examples else 0.0
    points = f"{100 * gap:.1f} percentage points"
    if gap <= noise:
        return f"{erred}: a gap of {points}, no more than chance explains with {many(examples, 'validation example')}."
    return (
        f"{erred}: a gap of {points}, more than chance explains. "
        "It knows the training examples better than it can generalize from them."
    )


def tell_trend(history: History, kept_best: bool) -> str:
    """Say whether it overfitted, or could have learned longer."""
    loss = history.scores("validation", "loss")
    best = history.best
    if best is None or len(loss) < 3 or any(map(math.isnan, loss)):
        return ""
    lowest = min(range(len(loss)), key=loss.__getitem__)
    training = history.scores("train", "loss")
    low, last = loss[lowest], loss[-1]
    if low > 0 and last > (1 + _RISE) * low and training[-1] < training[lowest]:
        epoch = history.epochs[lowest]["epoch"]
        remedy = "The weights kept are from before that." if kept_best and best["epoch"] <= epoch else _REMEDY
        return (
            f"After epoch {epoch} the validation loss rose again, by {percent(last / low - 1, 0)} until the end, "
            f"while the training loss kept falling: from there on it overfitted. {remedy}"
        )
    if best["epoch"] == history.epochs[-1]["epoch"] and history.reason == "finished":
        return "The last epoch was the best one: learning longer may still help."
    return "The validation loss did not rise while the training loss fell: to learn on did no harm."
