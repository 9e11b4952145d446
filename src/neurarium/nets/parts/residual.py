"""Residual layer: what goes in comes out, changed by what the layer has learned.

    F(x) = x + (phi(W x + b) - phi(0))            as many numbers out as in
    F(x) = V x + (phi(W x + b) - phi(0))          else, with a learned projection V

With W = 0 and b = 0 the first is the identity, to the last bit and for every phi: such a layer learns how to change its
input, where a plain one has to learn to pass it on first. Of several linear maps in the branch, phi(W_k ... phi(W_1 x +
b_1) ... + b_k) - phi(0), the same holds where the last is 0.

Shapes: W, V (outputs, inputs), b (outputs,).

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", 2016.
Departs from the notes: b has as many numbers as the layer makes, R^m, where they print R^n (errata E34); from their
branch with two maps, z + phi(W_2 phi(W_1 z + b_1) + b_2), phi(0) is taken here too.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.parts.activation import activation as find_activation
from neurarium.nets.parts.initial import initialize_, initialize_layer_


def residual(
    x: Float[Tensor, "*batch inputs"],
    weights: Sequence[Float[Tensor, "_ _"]],
    biases: Sequence[Float[Tensor, "_"]],
    activation: Callable[[Tensor], Tensor],
    projection: Float[Tensor, "outputs inputs"] | None = None,
) -> Float[Tensor, "*batch outputs"]:
    """The function above for a branch of maps W_1 .. W_k, each (units of this map, units of the map before)."""
    branch = x
    for weight, bias in zip(weights, biases, strict=True):
        branch = activation(F.linear(branch, weight, bias))
    straight = x if projection is None else F.linear(x, projection)
    # as long as a row: kernels round the numbers of a short tensor in another way than those of a long one
    return straight + (branch - activation(branch.new_zeros(branch.shape[-1])))


class Residual(nn.Module):
    """The function `residual` with its parameters.

    The last weight of the branch begins `shrink` times smaller than the scheme has it. In a stack of L layers with
    shrink = 1/L neither signal nor error signal can grow by more than a factor that is the same for every depth:
    (1 + c/L)^L <= e^c, c the largest stretch of a branch drawn by the scheme. A scheme for plain layers would have each
    layer double the mean square.

    `shrink`: factor on the last map's first weights, at least 0; with 0 the layer begins as the identity, from which an
    activation with phi'(0) = 0 (relu) never gets away.
    Raises ConfigError: an unknown name, or a size below 1.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        activation: str = "relu",
        maps: int = 1,
        initial: str = "he",
        shrink: float = 1.0,
    ) -> None:
        super().__init__()
        if min(inputs, outputs, maps) < 1:
            raise ConfigError("residual layer", expected="sizes >= 1", got=f"{inputs}, {outputs}, {maps} maps")
        linears = [nn.Linear(inputs if k == 0 else outputs, outputs) for k in range(maps)]
        for linear in linears:
            initialize_layer_(linear, initial, activation)
        with torch.no_grad():
            linears[-1].weight.mul_(shrink)
        self.branch = nn.ModuleList(linears)
        self.activation = find_activation(activation).module()
        self.projection: nn.Parameter | None = None
        if inputs != outputs:
            self.projection = nn.Parameter(initialize_(torch.empty(outputs, inputs), "lecun"))

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Changed examples."""
        weights, biases = zip(*((linear.weight, linear.bias) for linear in self.branch), strict=True)
        return residual(x, weights, biases, self.activation, self.projection)
