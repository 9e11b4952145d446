"""Dropout: each hidden unit is silenced at random while training, so that none can rely on another.

    y_i = b_i x_i / (1 - p),    b_i = 0 with probability p, else 1

p is the probability of *dropping*, as in torch. Dividing by the keep probability 1 - p while training ("inverted"
dropout) makes E[y] = x, and evaluation uses the net as it is. Without it, as first published, evaluation multiplies
the weights that leave the units by 1 - p: the same thing with weights 1 - p times as large. Either way evaluation is
the *weight-scaling* approximation of an ensemble: the 2^n nets with masks b, each with its probability. What is exact
about it:

- the arithmetic mean of the outputs, where these are linear in the masks: no non-linearity after a dropped unit;
- the renormalized geometric mean of the softmax outputs, where the logits are: it is the softmax of the mean logits.

In deeper nets it is an approximation; `exact_ensemble` says how good for nets small enough to enumerate.

Source: N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, "Dropout: a simple way to prevent
neural networks from overfitting", 2014; I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", 2016, section 7.12.
Departs from the notes: they drop weights and scale by "the dropout probability"; units are dropped, and the scale is
the probability of keeping one (errata E58). Exactness needs logits linear in the masks (errata E69).
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from neurarium.checks import ConfigError
from neurarium.nets.evaluating import evaluating

MOST_UNITS = 20
_ROWS = 2**14


def dropout(
    x: Float[Tensor, "*shape"], kept: Bool[Tensor, "*shape"], p: float, inverted: bool = True
) -> Float[Tensor, "*shape"]:
    """Drop what the mask b, `kept`, does not keep; divide by 1 - p where inverted."""
    return x * kept / (1 - p) if inverted else x * kept


def scaled_weight(weight: Float[Tensor, "outputs inputs"], p: float) -> Float[Tensor, "outputs inputs"]:
    """Weights for evaluation after training with dropout that was not inverted: times the keep probability."""
    return (1 - p) * weight


@dataclass(frozen=True)
class Ensemble:
    """What all masked nets say together, each weighed by the probability p(b) of its mask."""

    outputs: Float[Tensor, "batch outputs"]  # arithmetic mean, sum_b p(b) f_b(x)
    arithmetic: Float[Tensor, "batch outputs"]  # sum_b p(b) softmax f_b(x)
    geometric: Float[Tensor, "batch outputs"]  # prod_b softmax(f_b(x))^p(b), divided by its sum over the classes
    members: int  # number of masks


@torch.no_grad()
def exact_ensemble(net: nn.Module, x: Float[Tensor, "batch *example"], most: int = MOST_UNITS) -> Ensemble:
    """Run a net (batch, *example) -> (batch, outputs) under every mask of all its dropout layers; it is left as it was.

    Everything but dropout is as in evaluation; `most` units may drop: the work doubles with each.
    Raises ConfigError: too many units, none, or dropout of another kind.

    Example:
        >>> net = nn.Sequential(nn.Dropout(0.5), nn.Linear(2, 1, bias=False))
        >>> _ = net[1].weight.data.copy_(torch.tensor([[1.0, 10.0]]))
        >>> exact_ensemble(net, torch.ones(1, 2)).outputs  # mean of 0, 2, 20, 22
        tensor([[11.]])
    """
    _refuse_other_kinds(net)
    with _masked(net) as state:
        net(x[:1])
        units = sum(state.sizes)
        if not 0 < units <= most:
            raise ConfigError("net", expected=f"1 to {most} units that dropout can drop", got=str(units))
        drop = torch.tensor(state.drops, dtype=torch.float64).repeat_interleave(torch.tensor(state.sizes))
        outputs = arithmetic = logarithms = torch.zeros((), dtype=torch.float64, device=x.device)
        for kept in torch.arange(2**units).split(max(1, _ROWS // len(x))):
            # bit k of the mask's number says whether unit k is kept
            masks = (kept[:, None] >> torch.arange(units) & 1).bool()
            weight = torch.where(masks, 1 - drop, drop).prod(1).to(x.device)
            state.masks = list(masks.to(x.device).repeat_interleave(len(x), 0).split(state.sizes, 1))
            logits = net(x.repeat(len(masks), *[1] * (x.ndim - 1))).double().unflatten(0, (len(masks), len(x)))
            outputs = outputs + torch.tensordot(weight, logits, 1)
            arithmetic = arithmetic + torch.tensordot(weight, logits.softmax(2), 1)
            logarithms = logarithms + torch.tensordot(weight, logits.log_softmax(2), 1)
    kind = next((p.dtype for p in net.parameters()), x.dtype)
    return Ensemble(outputs.to(kind), arithmetic.to(kind), logarithms.softmax(1).to(kind), 2**units)


@dataclass
class _State:
    """What the dropout layers note down on a first run, and the masks that they apply on later ones."""

    sizes: list[int]
    drops: list[float]
    masks: list[Tensor] | None = None


@contextmanager
def _masked(net: nn.Module) -> Iterator[_State]:
    """Put the net into evaluation with masks from outside in its dropout layers, in the order of their calls."""
    state = _State([], [])

    def apply(layer: nn.Dropout, args: tuple[Tensor], output: Tensor) -> Tensor:
        if layer.p == 0:
            return output
        if state.masks is None:
            state.sizes.append(math.prod(output.shape[1:]))
            state.drops.append(layer.p)
            return output
        return dropout(output, state.masks.pop(0).view(output.shape), layer.p)

    hooks = [m.register_forward_hook(apply) for m in net.modules() if isinstance(m, nn.Dropout)]
    try:
        with evaluating(net):
            yield state
    finally:
        for hook in hooks:
            hook.remove()


def _refuse_other_kinds(net: nn.Module) -> None:
    for name, module in net.named_modules():
        if isinstance(module, _DropoutNd) and not isinstance(module, nn.Dropout):
            raise ConfigError(name or "net", expected="nn.Dropout, unit by unit", got=type(module).__name__)
        if isinstance(module, nn.Dropout) and module.p == 1:
            raise ConfigError(name or "net", expected="a probability in [0, 1)", got="1")
