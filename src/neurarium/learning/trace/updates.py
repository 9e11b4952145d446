"""How far one update moves the weights of each layer, in relation to their length."""

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError


def gradient_descent_changes(gradients: Mapping[nn.Parameter, Tensor], rate: float) -> dict[nn.Parameter, Tensor]:
    """Changes of the parameters in a step of plain gradient descent, -eta dL/dW."""
    return {parameter: -rate * gradient for parameter, gradient in gradients.items()}


def optimizer_changes(
    gradients: Mapping[nn.Parameter, Tensor], optimizer: torch.optim.Optimizer
) -> dict[nn.Parameter, Tensor]:
    """Changes of the parameters in the next step of an optimizer, decay and momentum included.

    The step is taken by a copy of optimizer, state and parameters.

    `optimizer`: over these parameters, or more or fewer; those that it lacks do not change.
    Raises ConfigError: it holds none of the parameters, or its step needs more than gradients.

    Example:
        >>> w = nn.Parameter(torch.tensor([1.0]))
        >>> optimizer_changes({w: torch.tensor([4.0])}, torch.optim.SGD([w], lr=0.5))[w]
        tensor([-2.])
    """
    twins: dict[int, nn.Parameter] = {}
    twin = copy.deepcopy(optimizer, twins)
    # torch copies no hooks; what one does to its optimizer before a step, such as weight decay, is part of the step
    twin._optimizer_step_pre_hooks.update(optimizer._optimizer_step_pre_hooks)
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    moved = [parameter for parameter in gradients if id(parameter) in held]
    if not moved:
        raise ConfigError(
            "optimizer", expected="one over the net's parameters", got="one over other tensors",
            remedy="build it from net.parameters()",
        )  # fmt: skip
    for parameter in moved:
        twins[id(parameter)].grad = gradients[parameter].clone()
    try:
        twin.step()
    except TypeError as error:
        kind = type(optimizer).__name__
        raise ConfigError(
            "optimizer", expected="one whose step needs gradients alone", got=kind,
            remedy="name a learning rate of plain gradient descent instead",
        ) from error  # fmt: skip
    return {p: twins[id(p)].detach() - p.detach() for p in moved}
