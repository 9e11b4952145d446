"""Compact feedforward sequential memory networks: the memory holds a narrow projection, and replaces the direct way.

    p^l_t = V_l phi(U_l q^(l-1)_t + b_l) + b'_l,    q^0 = x
    q^l_t = p^l_t + m^l_t,    m of `fsmn.memory` over p^l                   compact
    q^l_t = q^(l-1)_t + p^l_t + m^l_t                                       deep: memories of two layers joined

A layer of h units and r projections has r (N1 + 1 + N2) taps and h (r_below + r) weights where the vectorized net has
h (N1 + 1 + N2) and 2 h^2. The skip connections carry a gradient through any number of layers.

Source: S. Zhang, H. Jiang, S. Xiong, S. Wei, L. Dai, "Compact feedforward sequential memory networks for large
vocabulary continuous speech recognition", 2016; S. Zhang, M. Lei, Z. Yan, L. Dai, "Deep-FSMN for large vocabulary
continuous speech recognition", 2018.
"""

from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.nets.parts.activation import activation as find_activation
from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.recurrent.encoder import CausalEncoder, State
from neurarium.nets.recurrent.fsmn import MemoryBlock


class CompactFSMNLayer(CausalEncoder, nn.Module):
    """One layer: q_t comes out.

    Args:
        inputs: numbers of a step below.
        hidden: units between the two affine maps.
        memory: over the projection, whose width it has.
        skip: whether what came in is added, where it is as wide: the deep form's connection between memories.
    """

    def __init__(
        self, inputs: int, hidden: int, memory: MemoryBlock, skip: bool = False, activation: str = "relu"
    ) -> None:
        super().__init__()
        self.linear, self.projection = nn.Linear(inputs, hidden), nn.Linear(hidden, memory.inputs)
        self.activation, self.memory = find_activation(activation).module(), memory
        self.features, self.skip = memory.inputs, skip and inputs == memory.inputs
        initialize_layer_(self.linear, "he", activation)
        initialize_layer_(self.projection, "lecun")

    def forward(
        self, x: Float[Tensor, "batch time inputs"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch time features"]:
        """q of every step."""
        p = self.projection(self.activation(self.linear(x)))
        return self._joined(x, p, self.memory(p, lengths))

    def start(self, batch: int, like: Tensor) -> State:
        """The memory's line. Raises ConfigError: it looks ahead."""
        return self.memory.start(batch, like)

    def step(self, x: Float[Tensor, "batch inputs"], state: State) -> tuple[Float[Tensor, "batch features"], State]:
        """q of the next step."""
        p = self.projection(self.activation(self.linear(x)))
        m, state = self.memory.step(p, state)
        return self._joined(x, p, m), state

    def _joined(self, x: Tensor, p: Tensor, m: Tensor) -> Tensor:
        return x + p + m if self.skip else p + m
