"""Gradient descent without autograd: the gradient comes from the layers' own rules, chained by hand.

    delta_L = dL/dh_L,    delta_{l-1} = (dh_l/dh_{l-1})^T delta_l,    dL/dtheta_l = (dh_l/dtheta_l)^T delta_l

All else, from augmentation to the optimiser, is the gradient rule's.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.checks import ConfigError
from neurarium.learning.backprop.chain import chain_of
from neurarium.learning.backprop.losses import (
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
    squared_error_backward,
    squared_error_forward,
)
from neurarium.learning.criterion import Criterion
from neurarium.learning.objective import Objective
from neurarium.training.device import Placement
from neurarium.training.gradient_rule import GradientRule
from neurarium.training.recipe import Recipe

_Loss = tuple[Callable[[Tensor, Tensor], tuple[Tensor, Any]], Callable[[float, Any], Tensor]]


class ExplicitRule(GradientRule):
    """Learning rule: gradients by the chain of `learning.backprop`, followed by an optimiser.

    Args:
        net: on its device; a rule is known for each of its layers.
        recipe: `objective` names the loss, one of `EXPLICIT_LOSSES` without further settings.
        placement: where to compute, in float32 (or the net's float64).
        criterion: counts the errors, and measures outside training; its loss is the objective's.
        total_steps: updates of the whole run.
        classes: number of classes, for mixup alone.

    Raises:
        ConfigError: a layer or an objective without a rule, bfloat16, or a compiled net.
    """

    def __init__(
        self,
        net: nn.Module,
        recipe: Recipe,
        placement: Placement,
        criterion: Criterion,
        total_steps: int,
        classes: int | None = None,
    ) -> None:
        _refuse("compile", recipe.compile, False, "the layer rules are not compiled")
        _refuse("precision", placement.precision, "float32", "the layer rules know no mixed precision")
        self._loss_forward, self._loss_backward = _explicit_loss(recipe.objective)
        self._chain = chain_of(net)
        self._by_name = dict(net.named_parameters())
        super().__init__(net, recipe, placement, criterion, total_steps, classes)

    def _backward(self, inputs: Tensor, targets: Tensor, share: float) -> tuple[Tensor, Tensor]:
        with torch.no_grad(), self.placement.computing():
            outputs = self._chain.forward(inputs)
            objective, cache = self._loss_forward(outputs, targets)
            _, gradients = self._chain.backward(self._loss_backward(share, cache))
            for name, gradient in gradients.items():
                _accumulate(self._by_name[name], gradient)
            return objective, self.criterion.error(outputs, targets, inputs)


def _accumulate(parameter: nn.Parameter, gradient: Tensor) -> None:
    if parameter.grad is not None:
        parameter.grad.add_(gradient)
    elif gradient.stride() == parameter.stride():
        parameter.grad = gradient
    else:
        # fused optimisers walk through parameter and gradient in step, as they lie in memory
        parameter.grad = torch.empty_like(parameter).copy_(gradient)


def _squared_error_to_code(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Any]:
    if not targets.is_floating_point():
        targets = F.one_hot(targets.long(), outputs.shape[1])
    return squared_error_forward(outputs, targets.to(outputs.dtype))


EXPLICIT_LOSSES: dict[str, _Loss] = {
    "cross-entropy": (softmax_cross_entropy_forward, softmax_cross_entropy_backward),
    "squared-error": (_squared_error_to_code, squared_error_backward),
}
"""Objectives whose error signal is written out, by name: forward and backward."""


def _explicit_loss(objective: Objective) -> _Loss:
    if objective.name not in EXPLICIT_LOSSES:
        _refuse("objective.name", objective.name, " or ".join(EXPLICIT_LOSSES), "no layer rule is written for it")
    plain = Objective(objective.name)
    for field in dataclasses.fields(objective):
        name = field.name
        _refuse(f"objective.{name}", getattr(objective, name), getattr(plain, name), "the rule is for the plain loss")
    return EXPLICIT_LOSSES[objective.name]


def _refuse(setting: str, got: object, expected: object, reason: str) -> None:
    if got != expected:
        raise ConfigError(
            setting,
            expected=f"{expected} with explicit gradients ({reason})",
            got=str(got),
            remedy="or take --gradients autograd",
        )
