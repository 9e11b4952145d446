"""Gradient descent without autograd: the gradient comes from the layers' own rules, chained by hand.

    delta_L = dL/dh_L,    delta_{l-1} = (dh_l/dh_{l-1})^T delta_l,    dL/dtheta_l = (dh_l/dtheta_l)^T delta_l

All else, from augmentation to the optimizer, is the gradient rule's.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.checks import ConfigError
from neurarium.data.batch import Batch
from neurarium.learning.backprop import losses
from neurarium.learning.backprop.chain import Chain, chain_of
from neurarium.tasks.task import Context, Trainable
from neurarium.training.device import DeviceConfig
from neurarium.training.rules.descent import laid_out
from neurarium.training.rules.gradient import GradientRule
from neurarium.training.rules.label_loss import label_loss
from neurarium.training.rules.rule import Setup

_Loss = tuple[Callable[[Tensor, Tensor], tuple[Tensor, Any]], Callable[[float, Any], Tensor]]


class ExplicitRule(GradientRule):
    """Learning rule: gradients by the chain of `learning.backprop`, followed by an optimizer.

    Raises ConfigError: a layer or a task without a rule, or examples of several inputs, or of
    many lengths that the net does not look at.
    """

    follows: ClassVar[frozenset[str]] = GradientRule.follows - {"loss.*", "compile", "precision"} | {
        "loss.name=auto|cross-entropy|squared-error",
        "gradients=explicit",
    }

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        loss = EXPLICIT_LOSSES[label_loss(setup, "explicit gradients")]
        chain = chain_of(setup.net)
        padded = setup.schema.input.is_ragged
        if len(setup.schema.inputs) != 1 or (padded and not any(layer.takes_lengths for layer in chain.layers)):
            raise ConfigError(
                "gradients",
                expected="autograd for examples that are not one tensor, or of many lengths that no layer looks at",
                got="explicit",
                remedy="leave --gradients out",
            )
        self._task_step = ChainStep(setup.net, chain, self.task, setup.device_config, loss)


class ChainStep:
    """`step.TaskStep` by the layers' rules, the chain being the net's."""

    def __init__(self, net: nn.Module, chain: Chain, task: Trainable, device_config: DeviceConfig, loss: _Loss) -> None:
        self._chain = chain
        self._parameters = dict(net.named_parameters())
        self._task, self._placement, self._loss = task, device_config, loss

    def __call__(self, batch: Batch, counts: Tensor, size: int, context: Context) -> tuple["ChainLoss", Tensor]:
        """Loss of a batch, or of its fraction in a larger one, and sum of the errors; see `TaskStep`."""
        forward, backward = self._loss
        fraction = batch.size / size
        with torch.no_grad(), self._placement.autocast():
            outputs = self._chain.forward(*batch.inputs)
            value, cache = forward(outputs, batch.labels)
            errors = self._task.errors(outputs, batch)
        value = value if fraction == 1.0 else fraction * value
        return ChainLoss(value, lambda: self._back(backward(fraction, cache))), errors

    def _back(self, delta: Tensor) -> None:
        with torch.no_grad(), self._placement.autocast():
            _, gradients = self._chain.backward(delta)
            for name, gradient in gradients.items():
                parameter = self._parameters[name]
                if parameter.grad is None:
                    parameter.grad = laid_out(parameter, gradient)
                else:
                    parameter.grad.add_(gradient)


class ChainLoss:
    """A loss with its way back, which adds the derivatives to the gradients of the parameters; once."""

    def __init__(self, value: Tensor, back: Callable[[], None]) -> None:
        self._value, self.backward = value, back

    def detach(self) -> Tensor:
        """Return the value."""
        return self._value


def _squared_error_to_code(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Any]:
    if not targets.is_floating_point():
        targets = F.one_hot(targets.long(), outputs.shape[1])
    rows = targets if targets.dim() > 1 else targets[:, None]
    return losses.squared_error_forward(outputs, rows.to(outputs.dtype))


EXPLICIT_LOSSES: dict[str, _Loss] = {
    "cross-entropy": (losses.softmax_cross_entropy_forward, losses.softmax_cross_entropy_backward),
    "squared-error": (_squared_error_to_code, losses.squared_error_backward),
}
"""Losss whose error signal is written out, by name: forward and backward."""
