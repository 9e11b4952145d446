"""Find a learning rate: let it rise exponentially through a few mini-batches and watch the loss.

    eta(t) = lowest (highest / lowest)^(t / (N-1)),    t = 0 .. N-1
    m(t) = beta m(t-1) + (1 - beta) loss(t),    smoothed(t) = m(t) / (1 - beta^(t+1)),    m(-1) = 0

The loss that belongs to eta(t) is that of the batch after its update, the first that has felt it. The sweep ends at a
number that is not finite, or when the smoothed loss passes `DIVERGED` times the best before it. Advised is the rate at
the minimum of the smoothed loss, divided by `DIVISOR`: an optimizer that remembers about ten gradients (beta = 0.9)
notices a rate that is too high about ten updates late, and in ten of 100 updates over seven decades the rate grows
fivefold. Plain gradient descent remembers none: `DIVISOR_OF_SGD`. Where the loss falls fastest over log eta is told
beside it. Which rule comes nearest to the best rate of a grid was measured: `benchmarks/find_rate.py`.

The very rule of the recipe learns, with its optimizer, clipping, augmentation and precision; only its schedule is
replaced. Net, random generators and files of the caller stay as they are.

Source: L. Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3 (the sweep, there
linear). The exponential rise, the bias-corrected mean and both rules are those of J. Howard, S. Gugger, "fastai: a
layered API for deep learning", 2020.
"""

import contextlib
import copy
import itertools
import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

from torch import nn

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.plan import grouped, plan
from neurarium.learning.schedules import Schedule
from neurarium.tasks.table import OwnLoss
from neurarium.tasks.task import Context
from neurarium.training.pretrained import Pretrained
from neurarium.training.recipe import Recipe
from neurarium.training.rules.table import rule_class, rule_name
from neurarium.training.seed import own_generators
from neurarium.training.session import Session, build_session

DIVERGED = 4.0
DIVISOR, DIVISOR_OF_SGD = 5.0, 1.25
SMOOTHING = 0.8


@dataclass(frozen=True)
class RateCurve:
    """Losses over learning rates.

    Attributes:
        rates: learning rates in rising order, up to the last that left a finite loss.
        losses: loss of the mini-batch after each update.
        smoothed: their bias-corrected running mean, which includes the loss before the first update.
        diverged_at: the rate that ended the sweep; none where it went through to the highest.
        divisor: by what the rate at the minimum is divided.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    diverged_at: float | None
    divisor: float = DIVISOR

    def __repr__(self) -> str:
        found = "nothing learned" if self.steepest is None else f"steepest at {self.steepest:.3g}"
        return f"RateCurve({len(self.rates)} learning rates, {found})"

    @property
    def lowest_at(self) -> int | None:
        """Index of the lowest smoothed loss; none where the first loss is the lowest, as if nothing were learned."""
        lowest = min(range(len(self.rates)), key=self.smoothed.__getitem__, default=0)
        return lowest if lowest > 0 else None

    @property
    def advised(self) -> float | None:
        """The rate at the minimum, divided by `divisor`; none where nothing was learned."""
        return None if self.lowest_at is None else self.rates[self.lowest_at] / self.divisor

    @property
    def still_falls(self) -> bool:
        """Whether the loss is lowest at the end of a sweep that nothing ended: in its last twentieth."""
        lowest, count = self.lowest_at, len(self.rates)
        return self.diverged_at is None and lowest is not None and lowest >= count - max(1, count // 20)

    @property
    def steepest_at(self) -> int | None:
        """Index of the steepest descent up to the minimum, by differences over a fifth of the curve.

        The first tenth is passed over where it can be: the running mean of so few mini-batches is mostly noise.
        """
        if self.lowest_at is None:
            return None
        half, last = max(1, len(self.rates) // 10), len(self.rates) - 1

        def slope(i: int) -> float:
            left, right = max(0, i - half), min(last, i + half)
            return (self.smoothed[right] - self.smoothed[left]) / (right - left)

        return min(range(min(2 * half, self.lowest_at), self.lowest_at + 1), key=slope)

    @property
    def steepest(self) -> float | None:
        """Rate of the steepest descent; none where nothing was learned."""
        return None if self.steepest_at is None else self.rates[self.steepest_at]


@dataclass(frozen=True)
class Rising(Schedule):
    """The finder's schedule: from 1 by equal factors to `highest_factor`, which it keeps."""

    highest_factor: float = 1.0
    updates: int = 1

    def factor(self, total: int) -> Callable[[int], float]:
        """Return the factor as a function of the update's number, however long the run."""
        return lambda step: self.highest_factor ** (min(step, self.updates - 1) / max(1, self.updates - 1))


def find_rate(
    recipe: Recipe,
    dataset: Dataset,
    *,
    net: nn.Module | None = None,
    pretrained: Pretrained | None = None,
    loss: OwnLoss | None = None,
    steps: int = 100,
    lowest: float = 1e-6,
    highest: float = 10.0,
    smoothing: float = SMOOTHING,
) -> RateCurve:
    """Sweep the learning rate of a recipe; see above.

    Args:
        recipe: what would be trained; its learning rate and schedule play no part.
        net: a module of your own instead of the recipe's net, learned on in a copy.
        pretrained: the trained run that the recipe stands on, where it stands on one.
        loss: a function of your own, where the recipe's loss is "custom".
        steps: N, updates at most.
        smoothing: beta, in [0, 1).
    Raises ConfigError: `steps` below 2, rates out of order, `smoothing` out of range, a learning rule without a rate,
    or a recipe that cannot be trained; NonFiniteError: the loss is not finite before any update.
    """
    check_rate(recipe)
    if steps < 2:
        raise ConfigError("steps", expected="an integer >= 2", got=str(steps))
    if not 0 < lowest < highest < math.inf:
        raise ConfigError("lowest, highest", expected="0 < lowest < highest", got=f"{lowest:g}, {highest:g}")
    if not 0 <= smoothing < 1:
        raise ConfigError("smoothing", expected="a number in [0, 1)", got=str(smoothing))
    rising = Rising(highest_factor=highest / lowest, updates=steps)
    changed = replace(recipe, optimizer=replace(recipe.optimizer, lr=lowest), schedule=rising)
    with own_generators():
        return _sweep(build_session(changed, dataset, copy.deepcopy(net), pretrained, loss), steps, smoothing)


def check_rate(recipe: Recipe) -> None:
    """Refuse by a ConfigError a recipe whose learning rule has no rate that could rise from batch to batch."""
    rule = rule_name(recipe)
    if recipe.optimizer.rule or "schedule.*" not in rule_class(rule).follows:
        raise ConfigError(
            f"recipe {recipe.name}",
            expected="a rule that learns at a rate",
            got=f"the rule {rule}, for which there is no rate to find",
            remedy=f"train it as it is: neurarium train {recipe.name}",
        )


def smooth(losses: Sequence[float], beta: float) -> list[float]:
    """Return the bias-corrected running mean of the losses.

    Example:
        >>> smooth([3.0, 0.0], 0.5)
        [3.0, 1.0]
    """
    means, mean = [], 0.0
    for t, loss in enumerate(losses):
        mean = beta * mean + (1 - beta) * loss
        means.append(mean / (1 - beta ** (t + 1)))
    return means


def _sweep(session: Session, steps: int, beta: float) -> RateCurve:
    rule = session.rule
    rule.net.train()
    rates, losses, diverged_at = list[float](), list[float](), None
    with contextlib.closing(_endless(session.dataset, session.recipe)) as batches:
        # one batch more than updates: the last rate too is judged by the batch that follows it
        for step, (epoch, parts) in enumerate(itertools.islice(batches, steps + 1)):
            try:
                parts = tuple(part.to(session.device_config.device) for part in parts)
                update = rule.step(parts, Context(session.recipe.seed, epoch, step, training=True))
            except NonFiniteError:
                if not rates:
                    raise
                diverged_at = rates.pop()
                break
            losses.append(update.loss)
            smoothed = smooth(losses, beta)
            if smoothed[-1] > DIVERGED * min(smoothed) > 0:  # a loss that goes below 0 has no ratios
                diverged_at = rates[-1]
                break
            if step < steps:
                rates.append(update.learning_rate)
    divisor = DIVISOR_OF_SGD if session.recipe.optimizer.name == "sgd" else DIVISOR
    return RateCurve(tuple(rates), tuple(losses[1:]), tuple(smooth(losses, beta)[1:]), diverged_at, divisor)


def _endless(dataset: Dataset, recipe: Recipe) -> Generator[tuple[int, tuple[Batch, ...]], None, None]:
    """Yield the batches that training would see, epoch after epoch."""
    sizes = len(dataset.train) if recipe.max_units is None else dataset.train.sizes()
    for epoch in itertools.count(1):
        order = plan(sizes, recipe.batch_size, recipe.max_units, seed=recipe.seed, epoch=epoch)
        with contextlib.closing(grouped(dataset.train, order, recipe.micro_batches)) as batches:
            yield from ((epoch, parts) for parts in batches)
