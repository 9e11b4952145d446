"""Units whose state is a running mean: of what it was and of a new value, in fractions that see the input alone.

    h_t = (1 - s_t) h_(t-1) + s_t v_t,    v_t = W_v x_t + b_v,    h_0 = 0

s and v of all steps are known at once, h by a scan. Units differ in how they make the fraction s, 0 < s < 1.

A unit with the fraction s remembers about 1 / s steps. With biases of the gates alike all units begin with two; for
long sequences they begin with times spread from 2 to some longest: s = sigmoid(-log u) = 1 / (1 + u), u uniform.

Source of the latter: C. Tallec, Y. Ollivier, "Can recurrent neural networks warp time?", 2018.
"""

from abc import abstractmethod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurarium.nets.recurrent.encoder import CausalEncoder, State
from neurarium.nets.recurrent.scan import scan


def spread_bias(features: int, longest: int) -> Float[Tensor, "features"]:
    """-log u, u uniform from 1 to `longest` - 1: what the net input of s begins with; zeros for `longest` 2."""
    return torch.zeros(features) if longest == 2 else -torch.log(1 + torch.rand(features) * (longest - 2))


class GatedMean(CausalEncoder):
    """The recurrence above; a unit derives from it beside `nn.Module` and makes `value` and the fraction."""

    value: nn.Linear

    @abstractmethod
    def fraction(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch features"]:
        """s of some steps."""

    def forward(
        self, x: Float[Tensor, "batch time inputs"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch time features"]:
        """h of every step."""
        s = self.fraction(x)
        return scan(1 - s, s * self.value(x))

    def start(self, batch: int, like: Tensor) -> State:
        """h_0."""
        return (like.new_zeros(batch, self.features),)

    def step(self, x: Float[Tensor, "batch inputs"], state: State) -> tuple[Float[Tensor, "batch features"], State]:
        """Take one step of the recurrence."""
        s = self.fraction(x)
        h = (1 - s) * state[0] + s * self.value(x)
        return h, (h,)
