"""A recurrent cell: one step that can be read, and the same over all steps at once, as fast as can be had.

    s_t = update(drive(x_t), s_(t-1)),    h_t = the first tensor of s_t

`drive` is what a step does to its input without the state, so that it is had for all steps in one product.
"""

from abc import abstractmethod
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.nets.parts.padded import last_of
from neurarium.nets.recurrent.encoder import CausalEncoder, State


class Unrolled(NamedTuple):
    """What a cell has read: features of every step, and the state after each row's own last step."""

    features: Tensor  # (batch, time, features)
    last: State


class Cell(CausalEncoder, nn.Module):
    """A cell as an encoder. A subclass has parameters, `drive` and `update`; where a fused kernel does it, `states`.

    Args:
        inputs: numbers a step.
        sizes: of the tensors of a state; the first is what comes out.
        learn_start: whether the state before the first step is learned; else it is zero.
    """

    state_names: ClassVar[tuple[str, ...]] = ("hidden",)
    """What the tensors of a state are called in the field."""

    def __init__(self, inputs: int, sizes: tuple[int, ...], learn_start: bool = False) -> None:
        super().__init__()
        self.inputs, self.sizes, self.features = inputs, sizes, sizes[0]
        self.initial = nn.ParameterList(torch.zeros(size) for size in sizes) if learn_start else None

    @abstractmethod
    def drive(self, x: Float[Tensor, "... inputs"]) -> Float[Tensor, "... driven"]:
        """What inputs do without the state, of a step or of many."""

    @abstractmethod
    def update(self, driven: Float[Tensor, "batch driven"], state: State) -> State:
        """The state after a step."""

    def start(self, batch: int | torch.SymInt, like: Tensor) -> State:
        """The state before the first step: zeros, or what was learned."""
        if self.initial is None:
            return tuple(like.new_zeros(batch, size) for size in self.sizes)
        return tuple(tensor.expand(batch, -1) for tensor in self.initial)

    def step(self, x: Float[Tensor, "batch inputs"], state: State) -> tuple[Float[Tensor, "batch features"], State]:
        """Read one step."""
        state = self.update(self.drive(x), state)
        return state[0], state

    def states(self, x: Float[Tensor, "batch time inputs"], state: State) -> State:
        """Every tensor of the state after every step: (batch, time, size) each."""
        steps = []
        for driven in self.drive(x).unbind(1):
            state = self.update(driven, state)
            steps.append(state)
        return tuple(torch.stack(tensors, 1) for tensors in zip(*steps, strict=True))

    def forward(
        self,
        x: Float[Tensor, "batch time inputs"],
        lengths: Int[Tensor, "batch"] | None = None,
        state: State | None = None,
    ) -> Float[Tensor, "batch time features"]:
        """Features of every step, from a given state, else from `start`."""
        return self.states(x, self.start(x.shape[0], x) if state is None else state)[0]

    def unroll(
        self,
        x: Float[Tensor, "batch time inputs"],
        lengths: Int[Tensor, "batch"] | None = None,
        state: State | None = None,
    ) -> Unrolled:
        """Features of every step, and the state after each row's last; from a given state, else from `start`."""
        found = self.states(x, self.start(x.shape[0], x) if state is None else state)
        if lengths is None:
            return Unrolled(found[0], tuple(tensor[:, -1] for tensor in found))
        return Unrolled(found[0], tuple(last_of(tensor, lengths) for tensor in found))


def gate_weights(gates: int, hidden: int, inputs: int) -> tuple[nn.Parameter, nn.Parameter]:
    """Fresh weights of so many gates, stacked: Xavier's for the inputs, orthogonal ones for the state."""
    of_inputs, of_state = torch.empty(gates * hidden, inputs), torch.empty(gates * hidden, hidden)
    for part in of_inputs.chunk(gates):
        nn.init.xavier_uniform_(part)
    for part in of_state.chunk(gates):
        nn.init.orthogonal_(part)
    return nn.Parameter(of_inputs), nn.Parameter(of_state)
