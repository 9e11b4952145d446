"""The training loop: a generator of events over epochs and seeded mini-batches.

It holds no data, net or file of its own: everything it changes lives in the rule and in `Progress`, so that whoever
receives an event may save both and know that they belong together.
"""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor

from neurarium.data.batches import batch_count, in_order, shuffled
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.record.events import EpochEnded, Event, Notice, Scores, Started, Stepped, Stopped, StopReason
from neurarium.training.device import Placement
from neurarium.training.interrupt import StopRequest
from neurarium.training.progress import Progress
from neurarium.training.recipe import Recipe, purpose_of
from neurarium.training.rule import LearningRule
from neurarium.training.scores.measure import task_of

EVALUATION_BATCH = 1000


class BestWeights:
    """The weights of the best epoch so far; empty before the first."""

    def __init__(self) -> None:
        self.state: dict[str, Tensor] = {}

    def keep(self, state: dict[str, Tensor]) -> None:
        """Copy a state."""
        self.state = {name: tensor.detach().clone() for name, tensor in state.items()}


def learn(
    rule: LearningRule,
    dataset: Dataset,
    recipe: Recipe,
    placement: Placement,
    progress: Progress,
    best: BestWeights,
    stop: StopRequest,
) -> Iterator[Event]:
    """Learn from `progress` on until the last epoch, early stopping, or a request to stop.

    Yields:
        `Started`, a `Stepped` for each update, an `EpochEnded` for each epoch, `Stopped`. While an event is held
        nothing moves.

    Raises:
        NonFiniteError: a loss or gradient is not finite; the weights are those of the last finite update.
    """
    patience, steps = recipe.early_stopping.patience, batch_count(len(dataset.train), recipe.batch_size)
    progress.start_clock()
    yield Started(
        name=recipe.name,
        epochs=recipe.epochs,
        steps_per_epoch=steps,
        step=progress.step,
        parameters=sum(p.numel() for p in rule.net.parameters()),
        environment=placement.environment(),
        task=task_of(purpose_of(recipe), dataset.task),
    )
    if progress.step == 0:
        rule.look_at(dataset.train)
    yield from _notices(rule)
    while progress.epoch <= recipe.epochs and not (progress.best.exhausted(patience) or rule.finished):
        rule.net.train()
        batches = shuffled(
            dataset.train, recipe.batch_size, seed=recipe.seed, epoch=progress.epoch, skip=progress.position
        )
        with contextlib.closing(batches):
            for batch in batches:
                update = rule.step(batch.to(placement.device), progress.step)
                progress.count(update, len(batch))
                yield Stepped(
                    progress.step,
                    progress.epoch,
                    progress.position,
                    update.objective,
                    update.gradient_norm,
                    update.learning_rate,
                    progress.seconds,
                )
                if stop.requested:
                    yield _stopped("interrupted", progress)
                    return
        yield _end_epoch(rule, dataset, recipe, placement, progress, best)
        yield from _notices(rule)
    reason: StopReason = "early" if progress.epoch <= recipe.epochs else "finished"
    yield _stopped("converged" if rule.finished else reason, progress)


def measure(rule: LearningRule, examples: Examples, device: torch.device) -> Scores:
    """Mean objective and error rate over examples, in evaluation mode; empty for no examples."""
    if len(examples) == 0:
        return {}
    rule.net.eval()
    objective = errors = 0.0
    with contextlib.closing(in_order(examples, EVALUATION_BATCH)) as batches:
        for batch in batches:
            sums = rule.measure(batch.to(device))
            objective, errors = objective + sums[0], errors + sums[1]
    return {"objective": objective / len(examples), "error": errors / len(examples)}


def _end_epoch(
    rule: LearningRule,
    dataset: Dataset,
    recipe: Recipe,
    placement: Placement,
    progress: Progress,
    best: BestWeights,
) -> EpochEnded:
    """Measure the development set, compare with the best epoch, and move on to the next."""
    early, epoch, train = recipe.early_stopping, progress.epoch, progress.means()
    development = measure(rule, dataset.development, placement.device)
    watched = development or train
    after = early.judge(progress.best, epoch, watched)
    rule.epoch_ended(early.watched(watched))
    if after.epoch == epoch:
        best.keep(rule.net.state_dict())
    norm, rate = progress.mean_gradient_norm(), progress.learning_rate
    progress.next_epoch(after)
    return EpochEnded(epoch, progress.step, train, development, norm, rate, progress.seconds, best=after.epoch == epoch)


def _notices(rule: LearningRule) -> Iterator[Notice]:
    """Pass on what the rule has to say, once."""
    yield from map(Notice, rule.notices)
    rule.notices.clear()


def _stopped(reason: StopReason, progress: Progress) -> Stopped:
    return Stopped(reason, progress.epoch, progress.step, progress.seconds, progress.best.epoch)
