"""Multilayer perceptron: linear maps with a non-linearity between them.

    a_0 = x,    a_l = phi(W_l a_{l-1} + b_l)  for l = 1 .. L-1,    logits = W_L a_{L-1} + b_L

The last layer is linear: what its numbers mean is the loss's affair. With no hidden layer it is a linear
classifier; renaming the hidden units of a layer leaves the function unchanged.

Source: D. Rumelhart, G. Hinton, R. Williams, "Learning representations by back-propagating errors", 1986.
Departs from the notes: equation (1) of the lecture puts phi on the last layer too, the text does
not (errata E8).
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError, choose
from neurarium.nets.interfaces import Layered
from neurarium.nets.parts.activation import activation as find_activation
from neurarium.nets.parts.flat import flat
from neurarium.nets.parts.initial import initialize_layer_
from neurarium.nets.parts.normalization import AFTER, normalization
from neurarium.nets.parts.normalization.weight import weight_normalized


def mlp(
    x: Float[Tensor, "batch inputs"],
    weights: Sequence[Float[Tensor, "_ _"]],
    biases: Sequence[Float[Tensor, "_"]],
    activation: Callable[[Tensor], Tensor],
) -> Float[Tensor, "batch outputs"]:
    """The function above, W_l (units of this layer, units of the layer before)."""
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        x = activation(F.linear(x, weight, bias))
    return F.linear(x, weights[-1], biases[-1])


class MLP(nn.Module, Layered):
    """The function `mlp` with its parameters, normalization of each hidden layer, and dropout after it while training.

    Args:
        sizes: units of each layer, input and output included: (784, 256, 256, 10).
        norm: none, batch, layer, group or weight, of the hidden layers (`parts.normalization`). Before batch
            normalization, which takes the mean away, a layer has no bias.
    Raises ConfigError: an unknown name, a layer without units, or dropout outside [0, 1).
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "relu",
        dropout: float = 0.0,
        init: str = "he",
        norm: str = "none",
    ) -> None:
        super().__init__()
        if len(sizes) < 2 or min(sizes) < 1:
            raise ConfigError("hidden", expected="at least one unit in every layer", got=f"layers of {tuple(sizes)}")
        if not 0 <= dropout < 1:
            raise ConfigError("dropout", expected="a probability in [0, 1)", got=str(dropout))
        choose(norm, dict.fromkeys(("none", *AFTER, "weight")), "norm")
        self.inputs = sizes[0]
        make = find_activation(activation).module
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        last = len(sizes) - 1
        for l in range(1, last + 1):
            hidden = l < last
            linear = nn.Linear(sizes[l - 1], sizes[l], bias=not (hidden and norm == "batch"))
            initialize_layer_(linear, init, activation)
            layers[f"linear{l}"] = weight_normalized(linear) if hidden and norm == "weight" else linear
            if hidden:
                if norm in AFTER:
                    layers[f"{norm}norm{l}"] = normalization(norm, sizes[l])
                layers[f"{activation}{l}"] = make()
                if dropout > 0:
                    layers[f"dropout{l}"] = nn.Dropout(dropout)
        self.layers = nn.Sequential(layers)

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch outputs"]:
        """Logits of a batch of examples of any shape. Raises ShapeError: they hold another count of numbers."""
        return self.layers(self.entering(x))

    def entering(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch inputs"]:
        """Examples as rows."""
        return flat(x, self.inputs, "layer linear1")
