"""Optimisers under the names of the notes: settings here, the algorithms from torch.optim.

    sgd        W <- W - eta g
    momentum   V <- g + beta V;  W <- W - eta V              (heavy ball: a sum, not a mean; errata E19, E40)
    nesterov   as momentum, with the gradient looked up ahead
    adagrad, adadelta, rmsprop, adam, adamw

`weight_decay` adds lambda W to the gradient (L2: the notes' lambda ||W||^2 would add 2 lambda W, errata E18), except
for adamw, where it shrinks the weights apart from the gradient. A fused kernel is used where torch has one.

Source: B. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Y. Nesterov, "A method of
solving a convex programming problem with convergence rate O(1/k^2)", 1983; J. Duchi, E. Hazan, Y. Singer, "Adaptive
subgradient methods", 2011; M. Zeiler, "ADADELTA", 2012; T. Tieleman, G. Hinton, "Lecture 6.5: RMSprop", 2012;
D. Kingma, J. Ba, "Adam", 2015; I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from neurarium.checks import ConfigError

if TYPE_CHECKING:
    import torch

OptimiserName = Literal["sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "adamw"]


@dataclass(frozen=True)
class Optimiser:
    """Which optimiser, and its constants."""

    name: OptimiserName = "adam"
    """Algorithm."""
    lr: float = 1e-3
    """Learning rate eta before the schedule's factor."""
    weight_decay: float = 0.0
    """Decay constant lambda: added to the gradient, or apart from it for adamw."""
    momentum: float = 0.9
    """Momentum beta (momentum, nesterov, rmsprop takes none)."""
    betas: tuple[float, ...] = (0.9, 0.999)
    """Decay of the first and second moment (adam, adamw)."""

    def __post_init__(self) -> None:
        """Refuse constants outside their range."""
        if not self.lr > 0:
            raise ConfigError("optimiser.lr", expected="a number > 0", got=str(self.lr))
        if not self.weight_decay >= 0:
            raise ConfigError("optimiser.weight_decay", expected="a number >= 0", got=str(self.weight_decay))
        if not 0 <= self.momentum < 1:
            raise ConfigError("optimiser.momentum", expected="a number in [0, 1)", got=str(self.momentum))
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError("optimiser.betas", expected="two numbers in [0, 1)", got=str(self.betas))

    def build(self, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """Make the torch optimiser over `parameters`."""
        from torch import optim

        tensors = list(parameters)
        common = {"lr": self.lr, "weight_decay": self.weight_decay}
        # The fused kernels take floating-point tensors of CPU and CUDA alone.
        fused = {"fused": all(t.is_floating_point() and t.device.type in {"cpu", "cuda"} for t in tensors)}
        momentum = {"momentum": self.momentum, "nesterov": self.name == "nesterov"}
        betas = {"betas": (self.betas[0], self.betas[1])}
        table: dict[str, tuple[Callable[..., torch.optim.Optimizer], dict[str, Any]]] = {
            "sgd": (optim.SGD, fused),
            "momentum": (optim.SGD, momentum | fused),
            "nesterov": (optim.SGD, momentum | fused),
            "adagrad": (optim.Adagrad, {}),
            "adadelta": (optim.Adadelta, {}),
            "rmsprop": (optim.RMSprop, {}),
            "adam": (optim.Adam, betas | fused),
            "adamw": (optim.AdamW, betas | fused),
        }
        kind, settings = table[self.name]
        return kind(tensors, **common, **settings)
