"""Exact likelihood of a restricted Boltzmann machine, by counting out the states of its smaller layer.

    log P(v) = -F(v) - log Z
    Z = sum_v exp(-F(v))   or   Z = sum_h exp(c.h) prod_i (1 + exp(b_i + (h W)_i))           Bernoulli visibles
    Z = sum_h exp(c.h) (2 pi)^(V/2) exp((|b + h W|^2 - |b|^2) / 2)                           Gaussian visibles

2^n states for a layer of n units: up to some 20 units. Beyond, `annealed` estimates Z.
"""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ConfigError
from neurarium.nets.connectionist.boltzmann import states_of
from neurarium.nets.connectionist.rbm import RBMWeights, Visible, free_energy, visible_field

LARGEST = 22
"""Units of a layer that is counted out at most, unless told otherwise."""

_CHUNK = 12  # so many units are counted out at a time: 4,096 rows


def log_partition(w: RBMWeights, visible: Visible = "bernoulli", largest: int = LARGEST) -> float:
    """log Z, exactly, in float64. Raises ConfigError: more units than `largest`; says how many states there are."""
    w = RBMWeights(*(part.detach().double() for part in w))
    by_hidden = _count_hidden(w, visible, largest)
    parts = []
    for some in _states(w.hidden_bias if by_hidden else w.visible_bias):
        exponents = _log_weight_of_hidden(w, some, visible) if by_hidden else -free_energy(w, some)
        parts.append(exponents.logsumexp(0))
    return float(torch.stack(parts).logsumexp(0))


def log_likelihood(
    w: RBMWeights, v: Float[Tensor, "batch visible"], log_z: float, visible: Visible = "bernoulli"
) -> Float[Tensor, "batch"]:
    """log P(v) of each example (a log density for Gaussian visibles), in nats; make gray values binary first."""
    return -free_energy(w, v, visible) - log_z


def model_gradient(w: RBMWeights, visible: Visible = "bernoulli", largest: int = LARGEST) -> RBMWeights:
    """E[dF/dtheta] under the model, exactly, in float64: what contrastive divergence takes from its chains.

    In the form of `rbm.free_energy_gradient`, so that their difference is the gradient of -log P.
    Raises ConfigError: too many units.
    """
    log_z = log_partition(w, visible, largest)
    w = RBMWeights(*(part.detach().double() for part in w))
    total = RBMWeights(*map(torch.zeros_like, w))
    by_hidden = _count_hidden(w, visible, largest)
    for some in _states(w.hidden_bias if by_hidden else w.visible_bias):
        if by_hidden:
            p = (_log_weight_of_hidden(w, some, visible) - log_z).exp()
            field = visible_field(w, some)
            h, v = some, field.sigmoid() if visible == "bernoulli" else field
        else:
            p = (-free_energy(w, some) - log_z).exp()
            h, v = F.linear(some, w.weight, w.hidden_bias).sigmoid(), some
        weighted = p[:, None] * h
        total = RBMWeights(
            total.weight - weighted.T @ v, total.visible_bias - p @ v, total.hidden_bias - weighted.sum(0)
        )
    return total


def _log_weight_of_hidden(w: RBMWeights, h: Tensor, visible: Visible) -> Tensor:
    """log of what a hidden state adds to Z, the visible units summed or integrated out."""
    field = visible_field(w, h)
    if visible == "bernoulli":
        return h @ w.hidden_bias + F.softplus(field).sum(1)
    squares = field.square().sum(1) - w.visible_bias.square().sum()
    return h @ w.hidden_bias + squares / 2 + len(w.visible_bias) / 2 * math.log(2 * math.pi)


def _count_hidden(w: RBMWeights, visible: Visible, largest: int) -> bool:
    """Whether to count out the hidden layer; the smaller one where there is a choice."""
    hidden, inputs = w.weight.shape
    by_hidden = visible == "gaussian" or hidden <= inputs
    units = hidden if by_hidden else inputs
    if units > largest:
        raise ConfigError(
            "exact likelihood",
            expected=f"a layer of at most {largest} units, whose states can be counted out",
            got=f"{units} units, 2^{units} = {2**units:.3g} states" if units < 1000 else f"{units} units",
            remedy="estimate it: annealed.estimate_log_partition",
        )
    return by_hidden


def _states(like: Tensor) -> Iterator[Tensor]:
    """All states of a layer, in parts that fit in memory."""
    low = states_of(min(len(like), _CHUNK)).to(like)
    for high in states_of(len(like) - low.shape[1]).to(like):
        yield torch.cat([high.expand(len(low), -1), low], 1)
