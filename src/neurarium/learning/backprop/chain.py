"""Layers one after another: a net whose gradients come from the layers' rules, not from autograd.

    h_l = f_l(h_{l-1}; theta_l),  h_0 = x                                              forward, l = 1 .. L
    delta_L = dL/dh_L,    delta_{l-1} = (dh_l/dh_{l-1})^T delta_l,    dL/dtheta_l = (dh_l/dtheta_l)^T delta_l    back

Departs from the notes: 004 prints the recursion without the partial signs, and the parameters' gradient without the
transpose; back-propagation computes the gradient of a function, not the function (errata E37).
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.learning.backprop.layer import Layer
from neurarium.learning.backprop.translation import translate


class Chain:
    """A net made of rules.

    Example (a linear unit that learns 3 x from one example, by hand):
        >>> net = nn.Sequential(nn.Linear(1, 1, bias=False))
        >>> chain, weight = chain_of(net), net[0].weight.data.fill_(1.0)
        >>> y = chain.forward(torch.tensor([[2.0]]))
        >>> _, gradients = chain.backward(y - 6.0)  # the loss (y - 6)^2 / 2
        >>> gradients
        {'0.weight': tensor([[-8.]])}
        >>> weight - gradients["0.weight"] / 4
        tensor([[3.]])
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)
        self._caches: list[Any] | None = None

    def forward(self, x: Shaped[Tensor, "..."], lengths: Int[Tensor, "batch"] | None = None) -> Float[Tensor, "..."]:
        """Compute the outputs, and keep what the way back needs until `backward` or the next `forward`.

        `lengths` are those of padded rows.
        """
        caches = []
        with torch.no_grad():
            for layer in self.layers:
                x, cache = layer.forward(x, lengths) if layer.takes_lengths else layer.forward(x)
                caches.append(cache)
        self._caches = caches
        return x

    def backward(
        self, delta: Float[Tensor, "..."], *, to_input: bool = False, watch: Callable[[str, Tensor], None] | None = None
    ) -> tuple[Float[Tensor, "..."] | None, dict[str, Tensor]]:
        """Send an error signal back through the layers, once for each `forward`.

        Args:
            to_input: whether dL/dx is wanted; else the way back ends at the lowest layer that learns.
            watch: called with each layer's name and the error signal of its output, from the last layer down.
        Returns dL/dx (None unless `to_input`), and the gradient of every parameter that learns, by name.
        Raises ConfigError: nothing has gone forward.
        """
        if self._caches is None:
            raise ConfigError("backward", expected="a forward pass before it", got="none", remedy="call forward(x)")
        caches, self._caches = self._caches, None
        learning = [l for l, layer in enumerate(self.layers) if layer.learns]
        lowest = 0 if to_input else min(learning, default=len(self.layers))
        gradients: dict[str, Tensor] = {}
        signal: Tensor | None = delta
        with torch.no_grad():
            for l in reversed(range(lowest, len(self.layers))):
                layer = self.layers[l]
                assert signal is not None
                if watch is not None:
                    watch(layer.name, signal)
                signal, *own = layer.backward(signal, caches.pop(), to_input or l > lowest)
                for (name, parameter), gradient in zip(layer.parameters, own, strict=True):
                    if gradient is not None and parameter is not None and parameter.requires_grad:
                        # a parameter that stands in several layers gathers the gradients of all
                        gradients[name] = gradients[name] + gradient if name in gradients else gradient
        return (signal if to_input else None), gradients


def chain_of(module: nn.Module) -> Chain:
    """Translate a module into a chain that shares its parameters, buffers and training mode.

    Gradients are called as in `module.named_parameters()`. Understands the layers of `translation.TRANSLATIONS`, what
    is `translation.COMPOSED` of them, nested or not, and nets that are `nets.interfaces.Layered`: `MLP`, `LeNet5`.
    Raises ConfigError: a layer or a setting without a rule; names it and what there is.

    Example:
        >>> [layer.name for layer in chain_of(nn.Sequential(nn.Linear(2, 3), nn.ReLU())).layers]
        ['0', '1']
        >>> chain_of(nn.Sequential(nn.GRU(2, 3)))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        neurarium.checks.errors.ConfigError: layer 0: expected one of Linear, ..., got GRU...
    """
    return Chain(translate(module))
