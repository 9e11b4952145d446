"""Residual multilayer perceptron: a stack of residual layers of equal width, however deep, and a linear output.

    a_1 = V x + (phi(W_1 x + b_1) - phi(0))                       to the width of the stack
    a_l = a_{l-1} + (phi(W_l a_{l-1} + b_l) - phi(0))             l = 2 .. L
    logits = W a_L + b

The error signal reaches every layer through the sum, dL/da_{l-1} = (I + D_l W_l)^T dL/da_l with D_l the derivatives of
phi, so that a stack of 100 layers learns where a plain one of that depth does not.

For relu a plain net computes the same, but a wider one: it has to carry a_l through the rectifier as relu(a_l) and
relu(-a_l) beside the branch, three units for each of the residual net; `as_plain` makes it. Two suffice where no a_l is
negative.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", 2016.
Departs from the notes: they say that both kinds have the same expressivity, which takes a plain net of two or three
times the width (errata E12); the last layer has no phi (errata E8).
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.feedforward.mlp import MLP
from neurarium.nets.parts.flat import flat
from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.parts.residual import Residual


class ResidualMLP(nn.Module):
    """Residual layers and a linear output; the branches' first weights are 1/L of what the scheme gives.

    `sizes`: numbers that come in, units of each residual layer, outputs: (784, 64, 64, 64, 10) has three layers. Where
    two neighbors differ the layer learns a projection.
    Raises ConfigError: an unknown name, no residual layer, or one without units.
    """

    def __init__(self, sizes: Sequence[int], activation: str = "relu", maps: int = 1, init: str = "he") -> None:
        super().__init__()
        if len(sizes) < 3 or min(sizes) < 1:
            raise ConfigError(
                "sizes", expected="at least one residual layer, and a unit in every layer", got=f"{tuple(sizes)}"
            )
        self.inputs = sizes[0]
        depth = len(sizes) - 2
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for l in range(1, depth + 1):
            layers[f"residual{l}"] = Residual(sizes[l - 1], sizes[l], activation, maps, init, shrink=1 / depth)
        output = nn.Linear(sizes[-2], sizes[-1])
        initialize_layer_(output, "lecun")
        layers["output"] = output
        self.layers = nn.Sequential(layers)

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch outputs"]:
        """Logits of a batch of examples of any shape. Raises ShapeError: they hold another count of numbers."""
        return self.layers(flat(x, self.inputs, "layer residual1"))


@torch.no_grad()
def as_plain(net: ResidualMLP) -> MLP:
    """Write a residual net of rectifiers as a plain one that computes the same function.

        h_l = (relu(a_{l-1}), relu(-a_{l-1}), relu(W_l a_{l-1} + b_l)),    a_l = P h_l,  P = [V, -V, I]

    with V the identity where there is no projection: layer l's weight is [I; -I; W_l] times the P of layer l - 1.

    Raises ConfigError: another activation, or more maps.

    Example:
        >>> net, x = ResidualMLP((5, 4, 4, 3)), torch.randn(2, 5)
        >>> torch.allclose(as_plain(net)(x), net(x), atol=1e-6)
        True
    """
    *stack, output = net.layers
    assert isinstance(output, nn.Linear)
    read = torch.eye(net.inputs).to(output.weight)  # P of the layer before
    weights, biases = [], []
    for layer in stack:
        assert isinstance(layer, Residual)
        linear = layer.branch[0]
        if len(layer.branch) > 1 or not isinstance(layer.activation, nn.ReLU):
            raise ConfigError("net", expected="relu and one map in each branch", got=type(layer.activation).__name__)
        assert isinstance(linear, nn.Linear)
        units, numbers = linear.weight.shape
        keep = torch.eye(numbers).to(read)
        weights.append(torch.cat([keep, -keep, linear.weight]) @ read)
        biases.append(torch.cat([keep.new_zeros(2 * numbers), linear.bias]))
        straight = keep if layer.projection is None else layer.projection
        read = torch.cat([straight, -straight, torch.eye(units).to(read)], 1)
    weights.append(output.weight @ read)
    biases.append(output.bias.clone())
    plain = MLP((net.inputs, *(len(weight) for weight in weights)), "relu").to(output.weight)
    linears = [layer for layer in plain.layers if isinstance(layer, nn.Linear)]
    for place, weight, bias in zip(linears, weights, biases, strict=True):
        place.weight.copy_(weight)
        place.bias.copy_(bias)
    return plain
