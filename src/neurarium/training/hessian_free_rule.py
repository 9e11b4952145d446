"""Learning by Hessian-free steps: a gradient on the whole batch, curvature on a part of it, one good step.

    g = grad f(W)                                      whole batch
    (G + (l2 + lambda) I) p = -g                       conjugate gradients, G on a part of the batch
    p <- the iterate with the lowest f(W + p)          backtracking, whole batch
    lambda by rho = (f(W + p) - f(W)) / q(p)           damping
    W <- (1 - eta weight_decay) W + a p                a by a line search, whole batch

f holds l2/2 |W|^2 beside the loss; what is reported is the loss. A step costs as much as hundreds of gradient steps on
the same examples, and is worth it on large batches: set `batch_size` to thousands.

Dropout is drawn once in a step: the generators are set back before every look at the net, so that objective, gradient
and curvature are those of one thinned net. Batch normalisation is refused: an example's outputs depend there on the
others of its batch, and every look would move the running statistics.

Source: J. Martens, "Deep learning via Hessian-free optimization", 2010; J. Martens, I. Sutskever, "Training deep and
recurrent networks with Hessian-free optimization", 2012.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.batch import Batch
from neurarium.data.examples import Examples
from neurarium.learning.criterion import Criterion
from neurarium.learning.hessian_free.conjugate_gradient import conjugate_gradient
from neurarium.learning.hessian_free.damping import adapted, reduction_ratio
from neurarium.learning.hessian_free.gauss_newton import fisher_diagonal, gauss_newton
from neurarium.learning.hessian_free.line_search import best_iterate, line_search
from neurarium.learning.hessian_free.vector import Parameters, to_parameters, to_vector
from neurarium.training.device import Placement, to_floats
from neurarium.training.diagnosis import first_non_finite
from neurarium.training.recipe import Recipe
from neurarium.training.rule import Update
from neurarium.training.seed import generator_states, restore_generators

FISHER_DRAWS, FISHER_EXAMPLES = 16, 256
"""Backward passes and examples of the preconditioner, which may be rough."""


class HessianFreeRule:
    """Learning rule: damped Gauss-Newton steps.

    Args:
        net: on its device.
        recipe: `optimiser` holds the constants.
        placement: where to compute; in float32.
        criterion: what to make small; its loss convex in the outputs.
        total_steps: updates of the run, over which the schedule of `weight_decay`'s rate is laid.
        classes: number of classes, for mixup alone.

    Raises:
        ConfigError: batch normalisation, or a setting of the recipe that these steps cannot follow.
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
        _refuse(net, recipe)
        self.notices: list[str] = []
        self.net = net
        self.placement = placement
        self.criterion = criterion
        self.damping = recipe.optimiser.hessian_free.damping
        self._settings = recipe.optimiser.hessian_free
        self._optimiser = recipe.optimiser
        self._factor = recipe.schedule.factor(total_steps)
        self._augmentation = recipe.augmentation
        self._classes = classes
        self._trained = {name: p for name, p in net.named_parameters() if p.requires_grad}
        self._direction = torch.zeros_like(to_vector(p.detach() for p in self._trained.values()))
        self._draws = generator_states()

    def look_at(self, examples: Examples) -> None:
        """Take no look; see `LearningRule.look_at`."""

    def step(self, batch: Batch, step: int) -> Update:
        """Take one step; see `LearningRule.step`. The learning rate reported is the step's share of its direction."""
        if self._augmentation.active:
            inputs, targets = self._augmentation.apply(batch.inputs, batch.targets, self._classes)
            batch = replace(batch, inputs=inputs, targets=targets)
        self._draws = generator_states()
        parameters = {name: p.detach() for name, p in self._trained.items()}
        loss, errors, data_gradient = self._gradient(parameters, batch)
        norm = float(data_gradient.norm())
        if not math.isfinite(loss + norm):
            where = first_non_finite(self.net, self.criterion.loss, batch, self.placement)
            raise _non_finite(where, step, f"objective {loss:g}, gradient norm {norm:g}")
        l2, weights = self._optimiser.l2, to_vector(parameters.values())
        gradient, before = data_gradient + l2 * weights, loss + l2 / 2 * float(weights @ weights)

        def objective(move: Tensor) -> float:
            moved = weights + move
            return self._loss(to_parameters(moved, parameters), batch) + l2 / 2 * float(moved @ moved)

        try:
            move, after, foretold = self._propose(parameters, batch, gradient, objective)
        except NonFiniteError as error:
            raise _non_finite(error.subject, step, f"{error.got} as curvature") from error
        slope = float(gradient @ move)
        rate, _ = line_search(lambda a: objective(a * move), before, slope, after)
        self.damping = adapted(self.damping, reduction_ratio(after - before, foretold))
        kept = 1 - self._optimiser.lr * self._factor(step) * self._optimiser.weight_decay
        with torch.no_grad():
            for parameter, part in zip(
                self._trained.values(), to_parameters(rate * move, parameters).values(), strict=True
            ):
                parameter.mul_(kept).add_(part)
        return Update(loss, errors, norm, rate)

    def measure(self, batch: Batch) -> tuple[float, float]:
        """Return the sums over the batch of objective and errors."""
        with torch.inference_mode(), self.placement.computing():
            outputs = self.net(batch.inputs)
            objective = self.criterion.loss(outputs, batch.targets, batch.inputs)
            mean, errors = to_floats(objective, self.criterion.error(outputs, batch.targets, batch.inputs))
        return mean * len(batch), errors

    def epoch_ended(self, score: float) -> None:
        """Take note of an epoch's score; see `LearningRule.epoch_ended`."""

    def state_dict(self) -> dict[str, Any]:
        """Return damping and the direction from which the next conjugate gradients start."""
        return {"damping": self.damping, "direction": self._direction}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self._direction = self._direction.clone().copy_(state["direction"])
        self.damping = float(state["damping"])

    def _propose(
        self,
        parameters: Parameters,
        batch: Batch,
        gradient: Tensor,
        objective: Callable[[Tensor], float],
    ) -> tuple[Tensor, float, float]:
        """Return a step, the objective after it, and the change that the model foretells."""
        settings, l2 = self._settings, self._optimiser.l2
        part = _first(batch, math.ceil(settings.curvature * len(batch)))
        restore_generators(self._draws)
        curvature = gauss_newton(lambda p: self._outputs(p, part.inputs), self._loss_of(part), parameters)
        solution = conjugate_gradient(
            lambda v: curvature(v) + (l2 + self.damping) * v,
            -gradient,
            settings.warm_start * self._direction,
            self._preconditioner(parameters, part),
            settings.iterations,
            settings.tolerance,
        )
        self._direction = solution.iterates[-1]
        candidates = solution.iterates if settings.backtracking else solution.iterates[-1:]
        move, after = best_iterate(objective, candidates)
        foretold = float(gradient @ move) + float(move @ (curvature(move) + l2 * move)) / 2
        return move, after, foretold

    def _preconditioner(self, parameters: Parameters, part: Batch) -> Tensor | None:
        """(D + l2 + lambda)^0.75, D the mean squared gradient of single examples; none where it is switched off."""
        exponent = self._settings.preconditioner
        if exponent == 0:
            return None
        few = _first(part, FISHER_EXAMPLES)
        signs = torch.randint(0, 2, (FISHER_DRAWS, len(few)), device=few.inputs.device) * 2.0 - 1
        diagonal = fisher_diagonal(lambda p: self._outputs(p, few.inputs), self._loss_of(few), parameters, signs)
        return (diagonal + self._optimiser.l2 + self.damping) ** exponent

    def _outputs(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """Outputs of the net with these weights."""
        with self.placement.computing():
            outputs: Tensor = functional_call(self.net, parameters, (inputs,))
        return outputs

    def _loss_of(self, batch: Batch) -> Callable[[Tensor], Tensor]:
        return lambda outputs: self.criterion.loss(outputs, batch.targets, batch.inputs)

    def _loss(self, parameters: Parameters, batch: Batch) -> float:
        restore_generators(self._draws)
        with torch.no_grad():
            return float(self._loss_of(batch)(self._outputs(parameters, batch.inputs)))

    def _gradient(self, parameters: Parameters, batch: Batch) -> tuple[float, float, Tensor]:
        """Loss, number of errors, and gradient on a batch."""
        restore_generators(self._draws)
        leaves = {name: p.clone().requires_grad_() for name, p in parameters.items()}
        outputs = self._outputs(leaves, batch.inputs)
        loss = self._loss_of(batch)(outputs)
        gradients = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
        mean, errors = to_floats(loss.detach(), self.criterion.error(outputs.detach(), batch.targets, batch.inputs))
        return mean, errors, to_vector(gradients)


def _non_finite(where: str, step: int, got: str) -> NonFiniteError:
    return NonFiniteError(
        f"step {step + 1}, {where}",
        expected="finite numbers",
        got=got,
        remedy="raise --optimiser.hessian-free.damping; the weights were not updated",
    )


def _first(batch: Batch, count: int) -> Batch:
    return replace(batch, inputs=batch.inputs[:count], targets=batch.targets[:count])


def _refuse(net: nn.Module, recipe: Recipe) -> None:
    """Refuse what these steps cannot follow."""
    settings = {
        "precision": ("float32", recipe.precision),
        "gradients": ("autograd", recipe.gradients),
        "accumulate": (1, recipe.accumulate),
        "clip_norm": (None, recipe.clip_norm),
        "compile": (False, recipe.compile),
    }
    for name, (only, value) in settings.items():
        if value != only:
            expected = f"{'none' if only is None else only} with hessian-free"
            raise ConfigError(name, expected=expected, got=str(value))
    if recipe.schedule.name == "plateau":
        raise ConfigError("schedule.name", expected="a function of the step with hessian-free", got="plateau")
    for name, layer in net.named_modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            raise ConfigError(
                "optimiser.name",
                expected="an optimiser other than hessian-free with batch normalisation",
                got=f"hessian-free and layer {name} ({type(layer).__name__})",
                remedy="normalise by layer or group, or take adam",
            )
