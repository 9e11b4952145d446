"""Long short-term memory over a whole sequence, and back through time.

    [i, f, g, o] = [sigmoid, sigmoid, tanh, sigmoid](W x_t + U h_{t-1} + b)
    c_t = f * c_{t-1} + i * g,    h_t = o * tanh(c_t)

With delta_t the error signal of h_t and e_t that of c_t, both with what comes from step t + 1:

    e_t <- e_t + delta_t * o * (1 - tanh(c_t)^2)
    dL/da = [e_t g i (1 - i), e_t c_{t-1} f (1 - f), e_t i (1 - g^2), delta_t tanh(c_t) o (1 - o)]
    e_{t-1} = e_t * f,    delta_{t-1} = dL/da U

Along the cell state an error signal is only multiplied by f: where the gate stays open it neither vanishes nor
explodes.

Source: S. Hochreiter, J. Schmidhuber, "Long short-term memory", 1997; with the forget gate of F. Gers, J. Schmidhuber,
F. Cummins, "Learning to forget", 2000. Gates stand in the order of torch.nn.LSTM.
Departs from the notes: they print 1 - f for f, and h = o * c without the tanh (errata E2).
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


class LSTMStepCache(NamedTuple):
    """Gates and cell states of one step."""

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor
    cell_before: Tensor
    squashed: Tensor


class LSTMCache(NamedTuple):
    """What the way back needs."""

    x: Tensor
    h0: Tensor
    hidden: Tensor
    steps: list[LSTMStepCache]
    input_weight: Tensor
    hidden_weight: Tensor


def lstm_step_forward(
    driven: Float[Tensor, "batch gates"],
    h: Float[Tensor, "batch hidden"],
    c: Float[Tensor, "batch hidden"],
    hidden_weight: Float[Tensor, "gates hidden"],
) -> tuple[Float[Tensor, "batch hidden"], Float[Tensor, "batch hidden"], LSTMStepCache]:
    """One step.

    Args:
        driven: W x_t + b.
        hidden_weight: U, the four gates' rows one below the other.
    """
    a, b, d, e = torch.addmm(driven, h, hidden_weight.t()).chunk(4, 1)
    i, f, g, o = torch.sigmoid(a), torch.sigmoid(b), torch.tanh(d), torch.sigmoid(e)
    cell = f * c + i * g
    squashed = torch.tanh(cell)
    return o * squashed, cell, LSTMStepCache(i, f, g, o, c, squashed)


def lstm_step_backward(
    delta: Float[Tensor, "batch hidden"], delta_cell: Float[Tensor, "batch hidden"], cache: LSTMStepCache
) -> tuple[Float[Tensor, "batch gates"], Float[Tensor, "batch hidden"]]:
    """Error signals of the step's net inputs (which `driven` has too) and of the cell state before."""
    i, f, g, o, cell_before, squashed = cache
    e = delta_cell + delta * o * (1 - squashed.square())
    net_inputs = torch.cat(
        [e * g * i * (1 - i), e * cell_before * f * (1 - f), e * i * (1 - g.square()), delta * squashed * o * (1 - o)],
        1,
    )
    return net_inputs, e * f


def lstm_forward(
    x: Float[Tensor, "batch time inputs"],
    h0: Float[Tensor, "batch hidden"],
    c0: Float[Tensor, "batch hidden"],
    input_weight: Float[Tensor, "gates inputs"],
    hidden_weight: Float[Tensor, "gates hidden"],
    bias: Float[Tensor, " gates"],
) -> tuple[tuple[Float[Tensor, "batch time hidden"], Float[Tensor, "batch hidden"]], LSTMCache]:
    """Hidden states at all times, and the last cell state.

    Args:
        input_weight: W, rows of the four gates i, f, g, o one below the other.
        hidden_weight: U, likewise.
        bias: b; torch.nn.LSTM has two, of which only the sum matters.

    Example (without weights every gate is half open and nothing comes in: the cell state halves):
        >>> zero, w = torch.zeros(1, 1), torch.zeros(4, 1)
        >>> (h, c), _ = lstm_forward(torch.zeros(1, 2, 1), zero, torch.ones(1, 1), w, w, torch.zeros(4))
        >>> c
        tensor([[0.2500]])
    """
    driven = F.linear(x, input_weight, bias)
    hidden, steps = x.new_empty(*x.shape[:2], h0.shape[1]), []
    h, c = h0, c0
    for t in range(x.shape[1]):
        h, c, step = lstm_step_forward(driven[:, t], h, c, hidden_weight)
        hidden[:, t] = h
        steps.append(step)
    return (hidden, c), LSTMCache(x, h0, hidden, steps, input_weight, hidden_weight)


def lstm_backward(
    delta: Float[Tensor, "batch time hidden"], cache: LSTMCache, delta_cell: Float[Tensor, "batch hidden"] | None = None
) -> tuple[
    Float[Tensor, "batch time inputs"],
    Float[Tensor, "batch hidden"],
    Float[Tensor, "batch hidden"],
    Float[Tensor, "gates inputs"],
    Float[Tensor, "gates hidden"],
    Float[Tensor, " gates"],
]:
    """Error signals of x, h0 and c0, gradients of W, U and b.

    Args:
        delta: the loss's own derivative to each hidden state.
        delta_cell: its derivative to the last cell state; none: 0.
    """
    through = torch.zeros_like(cache.h0)
    cell = torch.zeros_like(cache.h0) if delta_cell is None else delta_cell
    net_inputs = delta.new_empty(*delta.shape[:2], len(cache.hidden_weight))
    for t in reversed(range(delta.shape[1])):
        signal, cell = lstm_step_backward(delta[:, t] + through, cell, cache.steps[t])
        net_inputs[:, t] = signal
        through = signal @ cache.hidden_weight
    rows = net_inputs.flatten(0, 1)
    before = torch.cat([cache.h0.unsqueeze(1), cache.hidden[:, :-1]], 1).flatten(0, 1)
    dx = net_inputs @ cache.input_weight
    return dx, through, cell, rows.t() @ cache.x.flatten(0, 1), rows.t() @ before, rows.sum(0)
