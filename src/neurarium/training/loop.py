"""The training loop: a generator of events over epochs and seeded mini-batches.

It holds no data, net or file of its own: everything it changes lives in the rule and in `Progress`, so that whoever
receives an event may save both and know that they belong together.
"""

import contextlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.plan import batch_count, grouped, in_order, plan
from neurarium.record.events import EpochEnded, Event, Notice, Scores, Started, StopReason
from neurarium.tasks.model import EVALUATION_BATCH
from neurarium.tasks.task import Context
from neurarium.training.device import DeviceConfig
from neurarium.training.diagnosis import refuse_non_finite
from neurarium.training.interrupt import StopRequest
from neurarium.training.progress import Progress
from neurarium.training.recipe import Recipe
from neurarium.training.rules.rule import LearningRule, Sums


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
    device_config: DeviceConfig,
    progress: Progress,
    best: BestWeights,
    stop: StopRequest,
    task: str = "classification",
) -> Iterator[Event]:
    """Learn from `progress` on until the last epoch, early stopping, or a request to stop.

    Yields `Started`, a `Stepped` for each update, an `EpochEnded` for each epoch, `Stopped`. While an event is held
    nothing moves.
    Raises NonFiniteError: a loss or gradient is not finite, and the weights are those of the last finite update; or
    what an epoch ends with is not.
    """
    patience, steps = recipe.early_stopping.patience, steps_per_epoch(dataset.train, recipe)
    progress.start_clock()
    yield started(rule, recipe, device_config, steps, progress.step, task)
    if progress.step == 0:
        rule.start(dataset.train)
    yield from _notices(rule)
    while progress.epoch <= recipe.epochs and not (rule.finished or (patience and progress.best.exhausted(patience))):
        rule.net.train()
        order = plan(
            _sizes(dataset.train, recipe), recipe.batch_size, recipe.max_units, seed=recipe.seed, epoch=progress.epoch
        )
        with contextlib.closing(grouped(dataset.train, order[progress.position :], recipe.micro_batches)) as batches:
            for parts in batches:
                parts = tuple(part.to(device_config.device) for part in parts)
                update = rule.step(parts, Context(recipe.seed, progress.epoch, progress.step, training=True))
                progress.count(update)
                yield progress.stepped(update)
                if stop.requested:
                    yield progress.stopped("interrupted")
                    return
        yield end_epoch(rule, recipe, progress, best, measure(rule, dataset.validation, device_config.device))
        yield from _notices(rule)
    reason: StopReason = "early" if progress.epoch <= recipe.epochs else "finished"
    yield progress.stopped("converged" if rule.finished else reason)


def steps_per_epoch(train: Examples, recipe: Recipe) -> int:
    """How many updates a pass over the training examples makes; the same in every epoch."""
    if recipe.max_units is None:
        return batch_count(len(train), recipe.batch_size)
    return len(plan(train.sizes(), recipe.batch_size, recipe.max_units, seed=recipe.seed, epoch=1))


def measure(rule: LearningRule, examples: Examples, device: torch.device) -> Scores:
    """Mean loss and error rate over examples, in evaluation mode; empty for no examples."""
    if len(examples) == 0:
        return {}
    rule.net.eval()
    with contextlib.closing(in_order(examples, EVALUATION_BATCH)) as batches:
        return means_of([rule.measure(batch.to(device)) for batch in batches])


def means_of(measured: Sequence[Sums]) -> Scores:
    """Loss and error rate of several measurements: each term over all of its units."""
    totals = [sum(column) for column in zip(*(sums.counts for sums in measured), strict=True)]
    terms = range(len(totals) - 1)
    summed = [sum(sums.terms[k] * sums.counts[k] for sums in measured) for k in terms]
    loss = sum(summed[k] / totals[k] for k in terms)
    return {"loss": loss, "error": sum(sums.errors for sums in measured) / totals[-1]}


def _sizes(train: Examples, recipe: Recipe) -> Tensor | int:
    return len(train) if recipe.max_units is None else train.sizes()


def started(
    rule: LearningRule, recipe: Recipe, device_config: DeviceConfig, steps: int, step: int, task: str
) -> Started:
    """The event of a run's beginning, with so many steps an epoch."""
    parameters = sum(p.numel() for p in rule.net.parameters())
    return Started(recipe.name, recipe.epochs, steps, step, parameters, device_config.environment(), task)


def end_epoch(
    rule: LearningRule, recipe: Recipe, progress: Progress, best: BestWeights, validation: Scores
) -> EpochEnded:
    """Compare an epoch's scores with the best epoch, keep the weights if this is it, and move on to the next.

    Raises NonFiniteError: a weight or a validation score is not finite; nothing has been kept.
    """
    refuse_non_finite(rule.net, progress.step, validation)
    early, epoch, train = recipe.early_stopping, progress.epoch, progress.means()
    watched = validation or train
    after = early.judge(progress.best, epoch, watched)
    rule.epoch_ended(early.watched(watched))
    if after.epoch == epoch:
        best.keep(rule.net.state_dict())
    norm, rate = progress.mean_gradient_norm(), progress.learning_rate
    progress.next_epoch(after)
    return EpochEnded(epoch, progress.step, train, validation, norm, rate, progress.seconds, best=after.epoch == epoch)


def _notices(rule: LearningRule) -> Iterator[Notice]:
    """Pass on what the rule has to say, once."""
    yield from map(Notice, rule.notices)
    rule.notices.clear()
