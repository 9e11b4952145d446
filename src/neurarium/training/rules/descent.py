"""What rules share that follow a gradient, whatever they take it of: optimizers, their rates, clipping.

    W <- optimizer(W, clip(g), eta factor(t) plateau)

Source: clipping: R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks", 2013.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.data.batch import Batch
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.fine_tuning import FineTuning
from neurarium.learning.optimizers import ParameterGroup
from neurarium.learning.plateau import Plateau
from neurarium.nets.parts.groups import Grouped, groups_of
from neurarium.record.schema import Schema
from neurarium.tasks.task import Context
from neurarium.training.rules.rule import LearningRule, Setup

_NONE = FineTuning()


class DescentRule(LearningRule):
    """A rule that leaves gradients in its parameters and lets an optimizer follow them."""

    def __init__(self, setup: Setup) -> None:
        recipe = setup.recipe
        self.net, self.notices = setup.net, list[str]()
        self.device_config = setup.device_config
        self.parameters = [p for p in setup.net.parameters() if p.requires_grad]
        self._groups = {"all": self.parameters}
        if isinstance(setup.net, Grouped) or recipe.fine_tuning != _NONE:
            self._groups = groups_of(setup.net)
            self.optimizers = recipe.optimizer.build(recipe.fine_tuning.groups(self._groups))
        else:
            self.optimizers = recipe.optimizer.build([ParameterGroup(tuple(self.parameters))])
        self._base_rate = recipe.optimizer.lr
        self._schedule, self._factor = recipe.schedule, recipe.schedule.factor(setup.total_steps)
        self._plateau = Plateau()
        self._clip = recipe.clip_norm

    def epoch_ended(self, score: float) -> None:
        """Let the rate fall where the score stalls, under the schedule plateau."""
        if self._schedule.name == "plateau":
            self._plateau = self._plateau.after(score, self._schedule)

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizers' state, integer keys as strings, and that of the schedule."""
        states = [optimizer.state_dict()["state"] for optimizer in self.optimizers]
        entries = {f"{k}": {str(key): value for key, value in state.items()} for k, state in enumerate(states)}
        return {"state": entries, "plateau": asdict(self._plateau)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state; rates and constants come from the recipe."""
        self._plateau = Plateau(**state["plateau"])
        for k, optimizer in enumerate(self.optimizers):
            grouped = [p for group in optimizer.param_groups for p in group["params"]]
            restored = {}
            for key, entry in state["state"].get(str(k), {}).items():
                parameter = grouped[int(key)]
                restored[int(key)] = {name: _laid_out_like(parameter, value) for name, value in entry.items()}
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": restored, "param_groups": groups})

    def _rate(self, context: Context) -> float:
        """Learning rate of an update, before the factors of the groups."""
        return self._base_rate * self._factor(context.step) * self._plateau.factor

    def _forget_gradients(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    def _move(self, rate: float, norm: float) -> None:
        """Update the parameters that have a gradient.

        `norm`: Euclidean length of the gradient, which is shortened where it is longer than the recipe allows.
        """
        if self._clip is not None and norm > self._clip:
            torch._foreach_mul_(gradients_of(self.parameters), self._clip / norm)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group["factor"]
            optimizer.step()


def gradients_of(parameters: Iterable[nn.Parameter]) -> list[Tensor]:
    """The gradients of those that have one."""
    return [p.grad for p in parameters if p.grad is not None]


def total(values: Sequence[Tensor]) -> Tensor:
    """The sum of at least one tensor; the tensor itself where it is alone."""
    first, *others = values
    return sum(others, first)


def laid_out(parameter: nn.Parameter, gradient: Tensor) -> Tensor:
    """A gradient in its parameter's memory layout: fused optimizers walk through both in step."""
    return gradient if gradient.stride() == parameter.stride() else torch.empty_like(parameter).copy_(gradient)


def _laid_out_like(parameter: nn.Parameter, value: Any) -> Any:
    """An optimizer's state of a parameter in that one's layout; a copy."""
    if isinstance(value, Tensor) and value.shape == parameter.shape:
        return torch.empty_like(parameter, dtype=value.dtype).copy_(value)
    return value


def augmented(batch: Batch, augmentation: Augmentation, schema: Schema) -> Batch:
    """Transform each example of a batch by a draw of its own; draws come from torch's generator."""
    classes = len(schema.target.categories) if schema.targets else None
    target = batch.labels if batch.targets else batch.x.new_zeros(batch.size)
    x, mixed = augmentation.apply(batch.x, target, classes or None)
    return replace(batch, inputs=(x, *batch.inputs[1:]), targets=(mixed, *batch.targets[1:]) if batch.targets else ())
