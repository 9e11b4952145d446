"""Stacked Boltzmann machines as the first weights of a multilayer perceptron.

    a_l = P(h = 1 | a_{l-1}) = sigma(c_l + W_l a_{l-1}),    a_0 = v

is the forward pass of a perceptron with sigmoid units: each machine, trained on the hidden probabilities of the one
below, gives a layer its weights; a linear layer for the classes comes on top, and all is trained on by its gradient.

Where v = factor x + shift undoes a standardisation, W (factor x + shift) + c = (W factor) x + (W shift + c): the
perceptron takes x itself.

Source: G. Hinton, R. Salakhutdinov, "Reducing the dimensionality of data with neural networks", 2006; Y. Bengio,
P. Lamblin, D. Popovici, H. Larochelle, "Greedy layer-wise training of deep networks", 2007.
"""

from collections.abc import Sequence

import torch
from torch import nn

from neurarium.checks import ConfigError
from neurarium.nets.connectionist.rbm import RBM
from neurarium.nets.feedforward.mlp import MLP


@torch.no_grad()
def stack_into_mlp(rbms: Sequence[RBM], classes: int, dropout: float = 0.0) -> MLP:
    """Make a perceptron of sigmoid units that begins where the machines, from the inputs upwards, ended.

    The last layer, for the classes, is drawn afresh. Raises ConfigError: no machine, or one that does not fit.
    """
    if not rbms:
        raise ConfigError("rbms", expected="at least one machine", got="none")
    sizes = [rbms[0].weight.shape[1]]
    for number, rbm in enumerate(rbms, start=1):
        hidden, inputs = rbm.weight.shape
        if inputs != sizes[-1]:
            raise ConfigError(f"rbm {number}", expected=f"{sizes[-1]} visible units", got=str(inputs))
        sizes.append(hidden)
    net = MLP((*sizes, classes), activation="sigmoid", dropout=dropout, init="xavier")
    linears = [layer for layer in net.layers if isinstance(layer, nn.Linear)]
    for rbm, linear in zip(rbms, linears, strict=False):
        linear.weight.copy_(rbm.weight * rbm.factor)
        linear.bias.copy_(rbm.hidden_bias + rbm.weight @ rbm.shift)
    return net
