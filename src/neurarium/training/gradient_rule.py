"""Mini-batch gradient descent on an objective: accumulation, clipping, and a look at every number before the update.

    g = 1/N sum_n dL(f(x_n; W), t_n)/dW;   W <- optimiser(W, clip(g), eta(t))

Source: notes 002, "Mini-batch stochastic gradient descent"; clipping: R. Pascanu, T. Mikolov, Y. Bengio, "On the
difficulty of training recurrent neural networks", 2013.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.checks import NonFiniteError
from neurarium.data.batch import Batch
from neurarium.data.examples import Examples
from neurarium.learning.criterion import Criterion
from neurarium.learning.plateau import Plateau
from neurarium.training.device import Placement, to_floats
from neurarium.training.diagnosis import first_non_finite
from neurarium.training.recipe import Recipe
from neurarium.training.rule import Update


class GradientRule:
    """Learning rule: back-propagated gradient of an objective, followed by an optimiser.

    The number of classes is for mixup alone, which turns class numbers into distributions.
    """

    finished = False

    def __init__(
        self,
        net: nn.Module,
        recipe: Recipe,
        placement: Placement,
        criterion: Criterion,
        total_steps: int,
        classes: int | None = None,
    ) -> None:
        self.net = net
        self.notices: list[str] = []
        self.criterion = criterion
        self.placement = placement
        self.parameters = [p for p in net.parameters() if p.requires_grad]
        self.optimiser = recipe.optimiser.build(self.parameters)
        self._rate = recipe.optimiser.lr
        self._schedule = recipe.schedule
        self._factor = recipe.schedule.factor(total_steps)
        self._plateau = Plateau()
        self._parts = recipe.accumulate
        self._augmentation = recipe.augmentation
        self._classes = classes
        self._clip = recipe.clip_norm
        self._forward: Callable[[Tensor], Tensor] = torch.compile(net) if recipe.compile else net

    def look_at(self, examples: Examples) -> None:
        """Take no look; see `LearningRule.look_at`."""

    def step(self, batch: Batch, step: int) -> Update:
        """Descend one step on a batch; see `LearningRule.step`."""
        if self._augmentation.active:
            inputs, targets = self._augmentation.apply(batch.inputs, batch.targets, self._classes)
            batch = replace(batch, inputs=inputs, targets=targets)
        rate = self._rate * self._factor(step) * self._plateau.factor
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        for parameter in self.parameters:
            parameter.grad = None
        if self._parts == 1:
            objective, errors = self._backward(batch.inputs, batch.targets, 1.0)
        else:
            objective, errors = self._backward_in_parts(batch)
        update = Update(*self._look(objective, errors), rate)
        if not math.isfinite(update.objective + update.gradient_norm):
            raise self._non_finite(batch, step, update)
        if self._clip is not None and update.gradient_norm > self._clip:
            torch._foreach_mul_(_gradients(self.parameters), self._clip / update.gradient_norm)
        self.optimiser.step()
        return update

    def measure(self, batch: Batch) -> tuple[float, float]:
        """Return the sums over the batch of objective and errors."""
        with torch.inference_mode(), self.placement.computing():
            outputs = self._forward(batch.inputs)
            objective = self.criterion.loss(outputs.float(), batch.targets, batch.inputs)
            mean, errors = to_floats(objective, self.criterion.error(outputs, batch.targets, batch.inputs))
        return mean * len(batch), errors

    def epoch_ended(self, score: float) -> None:
        """Take note of an epoch's score; see `LearningRule.epoch_ended`."""
        if self._schedule.name == "plateau":
            self._plateau = self._plateau.after(score, self._schedule)

    def state_dict(self) -> dict[str, Any]:
        """Return the optimiser's state, its integer keys as strings, and that of the schedule."""
        state = self.optimiser.state_dict()
        entries = {str(key): value for key, value in state["state"].items()}
        return {"state": entries, "plateau": asdict(self._plateau)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state; rates and constants come from the recipe. Older checkpoints hold no plateau."""
        self._plateau = Plateau(**state.get("plateau", {}))
        restored = {}
        grouped = [p for group in self.optimiser.param_groups for p in group["params"]]
        for key, entry in state["state"].items():
            parameter = grouped[int(key)]
            restored[int(key)] = {name: _laid_out_like(parameter, value) for name, value in entry.items()}
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": restored, "param_groups": groups})

    def _look(self, objective: Tensor, errors: Tensor) -> tuple[float, float, float]:
        """Read objective, errors and gradient norm, at the price of one wait for the device."""
        values = to_floats(objective, errors, *torch._foreach_norm(_gradients(self.parameters)))
        return values[0], values[1], math.hypot(*values[2:])

    def _backward(self, inputs: Tensor, targets: Tensor, share: float) -> tuple[Tensor, Tensor]:
        with self.placement.computing():
            outputs = self._forward(inputs)
        # Losses are taken in float32: a sum of exponentials has no room in bfloat16's 8 bits.
        floats = outputs if outputs.dtype == torch.float64 else outputs.float()
        objective = self.criterion.loss(floats, targets, inputs)
        (objective if share == 1.0 else objective * share).backward()
        return objective.detach(), self.criterion.error(outputs.detach(), targets, inputs)

    def _backward_in_parts(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Sum the gradients of the batch's parts, each weighted by its share of the batch."""
        size = math.ceil(len(batch) / self._parts)
        objective = errors = torch.zeros((), device=batch.inputs.device)
        for inputs, targets in zip(batch.inputs.split(size), batch.targets.split(size), strict=True):
            share = len(inputs) / len(batch)
            part_objective, part_errors = self._backward(inputs, targets, share)
            objective, errors = objective + share * part_objective, errors + part_errors
        return objective, errors

    def _non_finite(self, batch: Batch, step: int, update: Update) -> NonFiniteError:
        return not_finite(first_non_finite(self.net, self.criterion.loss, batch, self.placement), step, update)


def not_finite(where: str, step: int, update: Update) -> NonFiniteError:
    """Say that an update has infinite or undefined numbers, and what may help.

    Args:
        where: the first place in the net that has them.
        step: the run's updates before this one.
        update: what it would have reported.
    """
    return NonFiniteError(
        f"step {step + 1}, {where}",
        expected="finite numbers",
        got=f"objective {update.objective:g}, gradient norm {update.gradient_norm:g}",
        remedy="lower --optimiser.lr, or set --clip-norm 1; the weights were not updated",
    )


def _gradients(parameters: Iterable[nn.Parameter]) -> list[Tensor]:
    return [p.grad for p in parameters if p.grad is not None]


def _laid_out_like(parameter: nn.Parameter, value: Any) -> Any:
    """Give a state tensor its parameter's memory layout: fused kernels walk both in step."""
    if isinstance(value, Tensor) and value.shape == parameter.shape:
        return torch.empty_like(parameter, dtype=value.dtype).copy_(value)
    return value
