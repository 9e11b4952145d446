"""Optimizers under the names of the notes: settings here, the algorithms from torch.optim.

    sgd        W <- W - eta g
    momentum   V <- g + beta V;  W <- W - eta V              (heavy ball: a sum, not a mean; errata E19, E40)
    nesterov   V <- g + beta V;  W <- W - eta (g + beta V)
    adagrad    S <- S + g^2;  W <- W - eta g / (sqrt(S) + eps)
    rmsprop    S <- rho S + (1 - rho) g^2;  W <- W - eta g / (sqrt(S) + eps)
    adadelta   S as in rmsprop;  D = sqrt(U + eps) / sqrt(S + eps) g;  U <- rho U + (1 - rho) D^2;  W <- W - eta D
               (eta = 1 in the paper)
    adam       M <- beta1 M + (1 - beta1) g;  S <- beta2 S + (1 - beta2) g^2;
               W <- W - eta (M / (1 - beta1^t)) / (sqrt(S / (1 - beta2^t)) + eps)
    adamw      adam with decoupled decay
    adam-as-printed   the notes' Adam, for comparison (`adam_as_printed`; errata E41)
    closed-form       for nets linear in their parameters: to the optimum (`training.rules.closed_form`)
    hessian-free      Newton steps by conjugate gradients (`hessian_free`), taken by a learning rule of its own

Two decays, which any optimizer but adamw may have together:

    l2             g <- g + lambda W              the gradient of f + lambda/2 |W|^2 (errata E18, E56)
    weight_decay   W <- W - eta lambda W, apart from the gradient and from all its scaling

For plain sgd they are one and the same; for all that scale the gradient or remember it they differ. adamw is adam with
the second and takes no l2. hessian-free finds the lengths of its steps itself: its eta is in `weight_decay` alone.

A fused kernel is used where torch has one.

Source: B. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Y. Nesterov, "A method of
solving a convex programming problem with convergence rate O(1/k^2)", 1983; J. Duchi, E. Hazan, Y. Singer, "Adaptive
subgradient methods", 2011; M. Zeiler, "ADADELTA", 2012; T. Tieleman, G. Hinton, "Lecture 6.5: RMSprop", 2012;
D. Kingma, J. Ba, "Adam", 2015; I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", 2019; J. Martens,
"Deep learning via Hessian-free optimization", 2010.
Departs from the notes: the gradient of their lambda |W|^2 would be 2 lambda W, and the step they print is that of the
decoupled decay (errata E18); the sign of the gradient of mu/2 |W|^2 is plus (errata E56).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from neurarium.checks import ConfigError
from neurarium.learning.hessian_free.settings import HessianFree

if TYPE_CHECKING:
    import torch

OptimizerName = Literal[
    "sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "adam-as-printed",
    "hessian-free", "closed-form",
]  # fmt: skip

# Constants that not every optimizer has, and which have them.
TAKEN_BY: dict[str, tuple[OptimizerName, ...]] = {
    "l2": (
        "sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "adam-as-printed", "hessian-free",
        "closed-form",
    ),
    "decay_params": (
        "sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "adam-as-printed",
        "closed-form",
    ),
    "momentum": ("momentum", "nesterov"),
    "betas": ("adam", "adamw", "adam-as-printed"),
    "eps": ("adagrad", "adadelta", "rmsprop", "adam", "adamw", "adam-as-printed"),
    "rho": ("adadelta", "rmsprop"),
    "hessian_free": ("hessian-free",),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class ParameterGroup:
    """Parameters, in the net's order, that learn at `factor` times the learning rate."""

    parameters: tuple[torch.nn.Parameter, ...]
    factor: float = 1.0


@dataclass(frozen=True)
class Optimizer:
    """Which optimizer, and its constants.

    Raises ConfigError: a constant outside its range, or one that this optimizer has no use for.

    Example:
        >>> Optimizer("adamw", l2=0.1)
        Traceback (most recent call last):
        ...
        neurarium.checks.errors.ConfigError: optimizer.l2: expected 0.0, its default, with adamw, got 0.1; l2 is for \
sgd, momentum, nesterov, adagrad, adadelta, rmsprop, adam, adam-as-printed, hessian-free, closed-form
    """

    name: OptimizerName = "adam"
    """Algorithm."""
    lr: float = 1e-3
    """Learning rate eta before the schedule's factor."""
    l2: float = 0.0
    """Decay constant lambda: lambda W is added to the gradient (all but adamw)."""
    weight_decay: float = 0.0
    """Decay constant lambda: weights shrink by eta lambda W apart from the gradient (all; adam with it is adamw)."""
    decay_params: Literal["all", "weights"] = "all"
    """Which parameters either constant lets decay: all, or weights alone, not biases, gains and intercepts (all but
    hessian-free; closed-form never lets intercepts decay)."""
    momentum: float = 0.9
    """Momentum beta (momentum, nesterov)."""
    betas: tuple[float, ...] = (0.9, 0.999)
    """Decay of the first and second moment (adam, adamw, adam-as-printed)."""
    eps: float | None = None
    """Number that keeps from dividing by zero; none: the algorithm's own (adagrad, adadelta, rmsprop, adam...)."""
    rho: float | None = None
    """Decay of the mean of squared gradients; none: 0.9 for adadelta, 0.99 for rmsprop."""
    hessian_free: HessianFree = HessianFree()
    """Constants of hessian-free."""

    def __post_init__(self) -> None:
        in_range = {
            "lr": ("a number > 0", 0 < self.lr < math.inf),
            "l2": ("a number >= 0", 0 <= self.l2 < math.inf),
            "weight_decay": (
                f"a number from 0 to 1 / lr = {1 / self.lr if self.lr else math.inf:g}",
                0 <= self.weight_decay * self.lr <= 1,
            ),
            "momentum": ("a number in [0, 1)", 0 <= self.momentum < 1),
            "betas": ("two numbers in [0, 1)", len(self.betas) == 2 and all(0 <= beta < 1 for beta in self.betas)),
            "eps": ("a number > 0 or none", self.eps is None or 0 < self.eps < math.inf),
            "rho": ("a number in [0, 1) or none", self.rho is None or 0 <= self.rho < 1),
        }
        for name, (expected, holds) in in_range.items():
            if not holds:
                raise ConfigError(f"optimizer.{name}", expected=expected, got=str(getattr(self, name)))
        for name, optimizers in TAKEN_BY.items():
            default, value = _DEFAULTS[name], getattr(self, name)
            if self.name not in optimizers and value != default:
                title = name
                if dataclasses.is_dataclass(default):  # name the constant, not the whole group
                    inner = next(f.name for f in dataclasses.fields(default) if _differ(value, default, f.name))
                    title, default, value = f"{name}.{inner}", getattr(default, inner), getattr(value, inner)
                usual = "none" if default is None else str(default)
                raise ConfigError(
                    f"optimizer.{title}",
                    expected=f"{usual}, its default, with {self.name}",
                    got=str(value),
                    remedy=f"{name} is for {', '.join(optimizers)}",
                )

    @property
    def rule(self) -> str:
        """The learning rule that it is part of; empty for those that any gradient rule can use."""
        return self.name if self.name in ("hessian-free", "closed-form") else ""

    def build(self, groups: Iterable[ParameterGroup]) -> tuple[torch.optim.Optimizer, ...]:
        """Make the torch optimizers over the parameters of a net.

        Raises ConfigError: hessian-free and closed-form, which need the net itself and not its gradients alone.
        """
        from torch import optim

        if self.rule:
            raise ConfigError(
                "optimizer.name",
                expected="an optimizer that is told a gradient",
                got=self.name,
                remedy="let the trainer run it: neurarium.train(recipe)",
            )
        groups = list(groups)
        tensors = [p for group in groups for p in group.parameters]
        # The fused kernels take floating-point tensors of CPU and CUDA alone.
        fused = {"fused": all(t.is_floating_point() and t.device.type in {"cpu", "cuda"} for t in tensors)}
        momentum = {"momentum": self.momentum, "nesterov": self.name == "nesterov"}
        betas = {"betas": (self.betas[0], self.betas[1])}
        eps = {} if self.eps is None else {"eps": self.eps}
        table: dict[str, tuple[Callable[..., torch.optim.Optimizer], dict[str, Any]]] = {
            "sgd": (optim.SGD, fused),
            "momentum": (optim.SGD, momentum | fused),
            "nesterov": (optim.SGD, momentum | fused),
            "adagrad": (optim.Adagrad, eps),
            "adadelta": (optim.Adadelta, eps | ({} if self.rho is None else {"rho": self.rho})),
            "rmsprop": (optim.RMSprop, eps | ({} if self.rho is None else {"alpha": self.rho})),
            "adam": (optim.Adam, betas | eps | fused),
            "adamw": (optim.AdamW, betas | eps | fused),
            "adam-as-printed": (_adam_as_printed, betas | eps),
        }
        kind, settings = table[self.name]
        parts = [part for group in groups for part in self._parts(group)]
        if self.name == "adamw" or not self.weight_decay:
            # torch calls both decays by one name: adamw's is decoupled, that of all others is L2
            own = self.weight_decay if self.name == "adamw" else self.l2
            named = [{**part, "weight_decay": own if part["decays"] else 0.0} for part in parts]
            return (kind(named, lr=self.lr, weight_decay=own, **settings),)
        optimizer = kind(parts, lr=self.lr, **settings)
        optimizer.register_step_pre_hook(_decays(self.l2, self.weight_decay))
        return (optimizer,)

    def _parts(self, group: ParameterGroup) -> list[dict[str, Any]]:
        """Parameters of a group that decay, and those that do not; one part where all do."""
        shared = {"factor": group.factor}
        if self.decay_params == "all":
            return [{"params": list(group.parameters), "decays": True, **shared}]
        weights, others = ([p for p in group.parameters if (p.dim() > 1) == big] for big in (True, False))
        return [{"params": weights, "decays": True, **shared}, {"params": others, "decays": False, **shared}]


def _adam_as_printed(*arguments: Any, **settings: Any) -> torch.optim.Optimizer:
    from neurarium.learning.adam_as_printed import AdamAsPrinted

    return AdamAsPrinted(*arguments, **settings)


_DEFAULTS: dict[str, Any] = {f.name: f.default for f in dataclasses.fields(Optimizer)}


def _differ(one: object, other: object, name: str) -> bool:
    return bool(getattr(one, name) != getattr(other, name))


def _decays(l2: float, decay: float) -> Callable[[torch.optim.Optimizer, Any, Any], None]:
    """What comes before a step: g <- g + l2 W, then W <- (1 - eta decay) W at the step's own rate."""

    def apply(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        import torch

        with torch.no_grad():
            for group in optimizer.param_groups:
                if weights := [p for p in group["params"] if group["decays"] and p.grad is not None]:
                    if l2:
                        torch._foreach_add_([p.grad for p in weights], weights, alpha=l2)
                    torch._foreach_mul_(weights, 1 - float(group["lr"]) * decay)

    return apply
