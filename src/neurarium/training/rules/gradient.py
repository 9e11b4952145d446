"""Mini-batch gradient descent on a task's loss: micro-batches, clipping, and a look at every number before the update.

    g = 1/N sum_n dL(f(x_n; W), t_n)/dW;   W <- optimizer(W, clip(g), eta(t))

Source: notes 002, "Mini-batch stochastic gradient descent".
"""

import math
from collections.abc import Callable
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.batch import Batch
from neurarium.nets.penalty import WithPenalty
from neurarium.tasks.task import Context, Task, Trainable, detached, in_floats
from neurarium.training.device import DeviceConfig, to_floats
from neurarium.training.diagnosis import first_non_finite
from neurarium.training.rules.descent import DescentRule, augmented, gradients_of, total
from neurarium.training.rules.measured import measured
from neurarium.training.rules.rule import Setup, Sums, Update


class Differentiable(Protocol):
    """A loss with its way back: a tensor of autograd, or one that is differentiated by hand."""

    def backward(self) -> object:
        """Add the derivatives to the gradients of the parameters."""

    def detach(self) -> Tensor:
        """Return the value."""


class GradientRule(DescentRule):
    """Learning rule: back-propagated gradient of a loss, followed by an optimizer.

    Raises ConfigError: a task without a loss to differentiate.
    """

    follows: ClassVar[frozenset[str]] = frozenset(
        {
            "loss.*", "optimizer.*", "schedule.*", "augmentation.*", "fine_tuning.*", "micro_batches", "clip_norm",
            "precision", "compile", "max_units",
        }
    )  # fmt: skip

    def __init__(self, setup: Setup) -> None:
        self.task = trainable(setup.task)
        super().__init__(setup)
        self._augmentation, self._schema = setup.recipe.augmentation, setup.schema
        self._frozen_epochs = setup.recipe.fine_tuning.freeze_epochs
        step = TaskStep(setup.net, self.task, setup.device_config)
        self._task_step: Callable[..., tuple[Differentiable, Tensor]] = step
        if setup.recipe.compile:
            self._task_step = torch.compile(step.__call__)

    def step(self, parts: tuple[Batch, ...], context: Context) -> Update:
        """Descend one step on a batch; see `LearningRule.step`."""
        if self._augmentation.active:
            parts = tuple(augmented(part, self._augmentation, self._schema) for part in parts)
        parts = tuple(self.task.drawn(part, context) for part in parts)
        if self._frozen_epochs:
            self._freeze(context.epoch <= self._frozen_epochs)
        self._forget_gradients()
        counts, size = total([self.task.counts(part) for part in parts]), sum(part.size for part in parts)
        losses, errors = [], []
        for part in parts:
            loss, wrong = self._task_step(part, counts, size, context)
            loss.backward()
            losses.append(loss.detach())
            errors.append(wrong)
        update = self._report(total(losses), total(errors), counts[-1], self._rate(context))
        if not math.isfinite(update.loss + update.gradient_norm):
            raise self._non_finite(parts, context, update)
        self._move(update.learning_rate, update.gradient_norm)
        return update

    def measure(self, batch: Batch) -> Sums:
        """Measure a batch, learning nothing."""
        return measured(self.net, self.task, self.device_config, batch)

    def _freeze(self, frozen: bool) -> None:
        """Keep a backbone as it is, or let it go."""
        backbone = self._groups.get("backbone", ())
        if any(parameter.requires_grad == frozen for parameter in backbone):
            for parameter in backbone:
                parameter.requires_grad_(not frozen)
            self.net.train(self.net.training)  # what stands still keeps its statistics too

    def _report(self, loss: Tensor, errors: Tensor, count: Tensor, rate: float) -> Update:
        """Read the numbers, at the price of one wait for the device."""
        values = to_floats(loss, errors, count, *torch._foreach_norm(gradients_of(self.parameters)))
        return Update(values[0], values[1], math.hypot(*values[3:]), rate, values[2])

    def _non_finite(self, parts: tuple[Batch, ...], context: Context, update: Update) -> NonFiniteError:
        where = first_non_finite(self.net, self.task, parts[0], self.device_config, context)
        for part in parts[1:]:
            if where.startswith("gradient norm"):
                where = first_non_finite(self.net, self.task, part, self.device_config, context)
        return not_finite(where, context.step, update)


class TaskStep:
    """The forward pass of a batch or of a part of one.

    `device_config`: the number format of the forward pass; losses are taken in float32.
    """

    def __init__(self, net: nn.Module, task: Trainable, device_config: DeviceConfig) -> None:
        self.net, self.task, self.device_config = net, task, device_config

    def __call__(self, batch: Batch, counts: Tensor, size: int, context: Context) -> tuple[Tensor, Tensor]:
        """Loss, to be differentiated, and sum of the errors.

        Args:
            counts: of the whole batch of which this one may be a part.
            size: examples in that whole batch, over which a net's own penalty is a mean.
        """
        with self.device_config.autocast():
            outputs = self.task.forward(self.net, batch, context)
        penalty = None
        if isinstance(outputs, WithPenalty):
            outputs, penalty = outputs
        outputs = in_floats(outputs)
        loss = self.task.loss(outputs, batch, counts)
        if penalty is not None:
            loss = loss + penalty.float().sum() / size
        return loss, self.task.errors(detached(outputs), batch)


def trainable(task: Task) -> Trainable:
    """The task as one whose loss has a gradient. Raises ConfigError: it has none."""
    if isinstance(task, Trainable):
        return task
    raise ConfigError(
        "task",
        expected="one with a loss that a gradient can be taken of, as this net has no learning rule of its own",
        got=task.name,
        remedy="--task auto, or a net that is made for it",
    )


def not_finite(where: str, step: int, update: Update) -> NonFiniteError:
    """Say that an update has infinite or undefined numbers, and what may help."""
    return NonFiniteError(
        f"step {step + 1}, {where}",
        expected="finite numbers",
        got=f"loss {update.loss:g}, gradient norm {update.gradient_norm:g}",
        remedy="lower --optimizer.lr, or set --clip-norm 1; the weights were not updated",
    )
