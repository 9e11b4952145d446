"""Elman's recurrent layer over a whole sequence, and back through time.

    h_t = tanh(W x_t + U h_{t-1} + b)

A state acts on the loss through its own output and through the next state:

    dL/da_t = (1 - h_t^2) * (delta_t + U^T dL/da_{t+1}),    a_t the net input
    dL/dx_t = W^T dL/da_t,    dL/dW = sum_t dL/da_t x_t^T,    dL/dU = sum_t dL/da_t h_{t-1}^T,    dL/db = sum_t dL/da_t

Only the recursion goes step by step; what needs no state is one matrix product over all times. U^T stands in a product
of as many factors as there are steps: error signals vanish or explode with its singular values.

Source: J. Elman, "Finding structure in time", 1990; P. Werbos, "Backpropagation through time", 1990.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class ElmanCache(NamedTuple):
    """What the way back needs; `states` begins with h_0."""

    x: Tensor
    states: Tensor
    input_weight: Tensor
    hidden_weight: Tensor


def elman_step(
    driven: Float[Tensor, "batch hidden"],
    h: Float[Tensor, "batch hidden"],
    hidden_weight: Float[Tensor, "hidden hidden"],
) -> Float[Tensor, "batch hidden"]:
    """One step, tanh(driven + U h), where `driven` is W x_t + b."""
    return torch.addmm(driven, h, hidden_weight.t()).tanh_()


def elman_step_backward(
    delta: Float[Tensor, "batch hidden"], h: Float[Tensor, "batch hidden"]
) -> Float[Tensor, "batch hidden"]:
    """Error signal of the step's net input, from that of its state h."""
    return torch.ops.aten.tanh_backward(delta, h)


def elman_forward(
    x: Float[Tensor, "batch time inputs"],
    h0: Float[Tensor, "batch hidden"],
    input_weight: Float[Tensor, "hidden inputs"],
    hidden_weight: Float[Tensor, "hidden hidden"],
    bias: Float[Tensor, " hidden"],
) -> tuple[Float[Tensor, "batch time hidden"], ElmanCache]:
    """States at all times.

    `bias`: b; torch.nn.RNN has two, of which only the sum matters.

    Example:
        >>> one = torch.ones(1, 1)
        >>> h, _ = elman_forward(torch.tensor([[[1.0], [0.0]]]), torch.zeros(1, 1), one, one, torch.zeros(1))
        >>> h.flatten()  # tanh(1), tanh(tanh(1))
        tensor([0.7616, 0.6420])
    """
    driven = torch.nn.functional.linear(x, input_weight, bias)
    states = x.new_empty(x.shape[0], x.shape[1] + 1, h0.shape[1])
    states[:, 0] = h = h0
    for t in range(x.shape[1]):
        states[:, t + 1] = h = elman_step(driven[:, t], h, hidden_weight)
    return states[:, 1:], ElmanCache(x, states, input_weight, hidden_weight)


def elman_backward(
    delta: Float[Tensor, "batch time hidden"], cache: ElmanCache
) -> tuple[
    Float[Tensor, "batch time inputs"],
    Float[Tensor, "batch hidden"],
    Float[Tensor, "hidden inputs"],
    Float[Tensor, "hidden hidden"],
    Float[Tensor, " hidden"],
]:
    """Error signals of x and h0, gradients of W, U and b; `delta` is the loss's own derivative to each state."""
    through = torch.zeros_like(cache.states[:, 0])
    net_inputs = torch.empty_like(delta)
    for t in reversed(range(delta.shape[1])):
        net_inputs[:, t] = signal = elman_step_backward(delta[:, t] + through, cache.states[:, t + 1])
        through = signal @ cache.hidden_weight
    rows = net_inputs.flatten(0, 1)
    before = cache.states[:, :-1].flatten(0, 1)
    dx = net_inputs @ cache.input_weight
    return dx, through, rows.t() @ cache.x.flatten(0, 1), rows.t() @ before, rows.sum(0)
