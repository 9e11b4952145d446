"""Time delay z^-1: a sequence comes out k steps later; its error signal comes back k steps earlier.

y_t = x_{t-k}, 0 for t < k        dL/dx_t = delta_{t+k}, 0 for the last k
"""

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ConfigError


def time_delay_forward(
    x: Float[Tensor, "batch time features"], steps: int = 1
) -> tuple[Float[Tensor, "batch time features"], int]:
    """Hold a sequence back; what would come out after its end is lost. The cache is the number of steps.

    Raises ConfigError: a negative number of steps, which would look ahead.

    Example:
        >>> y, cache = time_delay_forward(torch.tensor([[[1.0], [2.0], [3.0]]]))
        >>> y.flatten(), time_delay_backward(torch.tensor([[[4.0], [5.0], [6.0]]]), cache).flatten()
        (tensor([0., 1., 2.]), tensor([5., 6., 0.]))
    """
    if steps < 0:
        raise ConfigError("steps", expected="an integer >= 0", got=str(steps))
    y = torch.zeros_like(x)
    y[:, steps:] = x[:, : max(x.shape[1] - steps, 0)]
    return y, steps


def time_delay_backward(
    delta: Float[Tensor, "batch time features"], steps: int
) -> Float[Tensor, "batch time features"]:
    """The same shift the other way."""
    dx = torch.zeros_like(delta)
    dx[:, : max(delta.shape[1] - steps, 0)] = delta[:, steps:]
    return dx
