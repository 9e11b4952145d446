"""Long short-term memory: a cell state that gates keep, fill and read.

    [i, f, g, o] = [sigmoid, sigmoid, tanh, sigmoid](W x_t + b + U h_(t-1) + d)
    c_t = f * c_(t-1) + i * g,    h_t = o * tanh(c_t),    or h_t = P (o * tanh(c_t)) with a projection

i lets in, f keeps, g is the candidate, o reads. 4 H (D + H + 2) numbers for D inputs and H units (b and d act as their
sum: 4 H of them could be spared).

Source: S. Hochreiter, J. Schmidhuber, "Long short-term memory", 1997; with the forget gate of F. Gers, J. Schmidhuber,
F. Cummins, "Learning to forget", 2000; projection of H. Sak, A. Senior, F. Beaufays, "Long short-term memory recurrent
neural network architectures for large scale acoustic modeling", 2014. Gates stand in the order of torch.nn.LSTM; the
bias of f begins at 1 (R. Jozefowicz, W. Zaremba, I. Sutskever, "An empirical exploration of recurrent network
architectures", 2015).
Departs from the notes: `printed_lstm` has what they print (errata E2, E46).
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.nets.parts.padded import inside, last_of
from neurarium.nets.recurrent.cell import Cell, Unrolled, gate_weights
from neurarium.nets.recurrent.encoder import State
from neurarium.nets.recurrent.scan import scan

# at which a sigmoid is 0 or 1 to the last bit, in every type
_SHUT = 1e4


def lstm_step(
    driven: Float[Tensor, "batch gates"],
    h: Float[Tensor, "batch outputs"],
    c: Float[Tensor, "batch hidden"],
    weight: Float[Tensor, "gates outputs"],
    bias: Float[Tensor, "gates"],
) -> tuple[Float[Tensor, "batch hidden"], Float[Tensor, "batch hidden"]]:
    """One step, o * tanh(c_t) and c_t, where `driven` is W x_t + b.

    Example:
        >>> zero = torch.zeros(1, 4)  # every gate half open, no candidate
        >>> lstm_step(zero, torch.zeros(1, 1), torch.ones(1, 1), torch.zeros(4, 1), torch.zeros(4))
        (tensor([[0.2311]]), tensor([[0.5000]]))
    """
    i, f, g, o = (driven + F.linear(h, weight, bias)).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


class LSTM(Cell):
    """The cell above; parameters are named as torch names them."""

    state_names: ClassVar[tuple[str, ...]] = ("hidden", "cell")

    def __init__(self, inputs: int, hidden: int, projection: int = 0, learn_start: bool = False) -> None:
        super().__init__(inputs, (projection or hidden, hidden), learn_start)
        self.weight_ih, weight_hh = gate_weights(4, hidden, inputs)
        self.weight_hh = nn.Parameter(weight_hh[:, :projection].clone()) if projection else weight_hh
        self.bias_ih, self.bias_hh = nn.Parameter(torch.zeros(4 * hidden)), nn.Parameter(torch.zeros(4 * hidden))
        with torch.no_grad():
            self.bias_ih[hidden : 2 * hidden] = 1
        self.weight_hr = nn.Parameter(nn.init.xavier_uniform_(torch.empty(projection, hidden))) if projection else None

    def drive(self, x: Float[Tensor, "... inputs"]) -> Float[Tensor, "... gates"]:
        """W x + b."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    def update(self, driven: Float[Tensor, "batch gates"], state: State) -> State:
        """h_t and c_t."""
        h, c = lstm_step(driven, state[0], state[1], self.weight_hh, self.bias_hh)
        return (h if self.weight_hr is None else F.linear(h, self.weight_hr), c)

    def states(self, x: Float[Tensor, "batch time inputs"], state: State) -> State:
        """h_t and c_t of every step: with all h known so are the gates, and c follows by a scan."""
        h = self.unroll(x, None, state).features
        before = torch.cat([state[0][:, None], h[:, :-1]], 1)
        i, f, g, _ = (self.drive(x) + F.linear(before, self.weight_hh, self.bias_hh)).chunk(4, -1)
        return h, scan(torch.sigmoid(f), torch.sigmoid(i) * torch.tanh(g), state[1])

    def forward(
        self,
        x: Float[Tensor, "batch time inputs"],
        lengths: Int[Tensor, "batch"] | None = None,
        state: State | None = None,
    ) -> Float[Tensor, "batch time outputs"]:
        """h_t of every step, by torch's kernel; from a given state, else from `start`."""
        return self.unroll(x, None, state).features

    def unroll(
        self,
        x: Float[Tensor, "batch time inputs"],
        lengths: Int[Tensor, "batch"] | None = None,
        state: State | None = None,
    ) -> Unrolled:
        """h_t of every step, and h and c after each row's last, by torch's kernel.

        In the padding an input more shuts i and opens f, so that c comes out as it was after the last step.
        """
        h0, c0 = (tensor[None].contiguous() for tensor in (self.start(x.shape[0], x) if state is None else state))
        weight_ih: Tensor = self.weight_ih
        if lengths is not None:
            padding = (~inside(lengths, x.shape[1])).to(x.dtype)
            hidden = self.sizes[1]
            held = weight_ih.new_zeros(4 * hidden, 1)
            held[:hidden], held[hidden : 2 * hidden] = -_SHUT, _SHUT
            x, weight_ih = torch.cat([x, padding[:, :, None]], 2), torch.cat([weight_ih, held], 1)
        weights: list[Tensor] = [weight_ih, self.weight_hh, self.bias_ih, self.bias_hh]
        weights += [] if self.weight_hr is None else [self.weight_hr]
        with nullcontext() if self.weight_hr is None else _without_a_word():
            h, h_last, c_last = torch.lstm(x, (h0, c0), weights, True, 1, 0.0, self.training, False, True)
        return Unrolled(h, (h_last[0] if lengths is None else last_of(h, lengths), c_last[0]))


@contextmanager
def _without_a_word() -> Iterator[None]:
    # torch warns that another kernel than oneDNN's computes projections, which changes nothing for a user
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="LSTM with projections")
        yield
