"""Adam as the notes print it, to be compared with Adam as it is.

    M <- beta1 M + (1 - beta1) g;    V <- beta2 V + (1 - beta2) g^2
    W <- W - eta M / sqrt(V + eps)

Without the correction of the bias of the first steps, where M and V still are nearly zero, the first step has the
length eta (1 - beta1) / sqrt(1 - beta2), 3.16 eta at the usual constants, where Adam's own has the length eta.

Source: notes 004, section 3.3; D. Kingma, J. Ba, "Adam: A method for stochastic optimization", 2015.
Departs from the notes: they leave eta out; it stands here as a factor, for without it every step has a length near one
(errata E41).
"""

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from jaxtyping import Float
from torch import Tensor


def adam_as_printed_step_(
    weights: list[Float[Tensor, "..."]],
    gradients: list[Float[Tensor, "..."]],
    means: list[Float[Tensor, "..."]],
    squares: list[Float[Tensor, "..."]],
    lr: float,
    betas: tuple[float, float],
    eps: float,
) -> None:
    """Take the step above, in place, on lists of tensors of equal shapes.

    In this order W, g, M and V (both zero at first), eta, beta1 and beta2 in [0, 1), eps > 0.

    Example:
        >>> w = torch.zeros(1)
        >>> adam_as_printed_step_([w], [torch.ones(1)], [torch.zeros(1)], [torch.zeros(1)], 1.0, (0.9, 0.999), 1e-8)
        >>> w  # -0.1 / sqrt(0.001)
        tensor([-3.1623])
    """
    torch._foreach_lerp_(means, gradients, 1 - betas[0])
    torch._foreach_mul_(squares, betas[1])
    torch._foreach_addcmul_(squares, gradients, gradients, 1 - betas[1])
    roots = torch._foreach_add(squares, eps)
    torch._foreach_sqrt_(roots)
    torch._foreach_addcdiv_(weights, means, roots, -lr)


class AdamAsPrinted(torch.optim.Optimizer):
    """The function `adam_as_printed_step_` as an optimizer.

    `weight_decay` is lambda of lambda W added to the gradient (L2).
    """

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Take one step; `closure`, where given, computes loss and gradients first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._step_group(group)
        return loss

    def _step_group(self, group: dict[str, Any]) -> None:
        weights = [p for p in group["params"] if p.grad is not None]
        if not weights:
            return
        for weight in weights:
            if not self.state[weight]:
                self.state[weight] = {"mean": torch.zeros_like(weight), "square": torch.zeros_like(weight)}
        gradients = [weight.grad for weight in weights]
        if group["weight_decay"]:
            gradients = list(torch._foreach_add(gradients, weights, alpha=group["weight_decay"]))
        means, squares = ([self.state[weight][name] for weight in weights] for name in ("mean", "square"))
        adam_as_printed_step_(weights, gradients, means, squares, group["lr"], group["betas"], group["eps"])
