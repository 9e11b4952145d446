"""Annealed importance sampling: log Z of a restricted Boltzmann machine that is too large to count out.

    F_beta(v) = (1 - beta) F_0(v) + beta (visible part)(v) - sum_j softplus(beta (c_j + (W v)_j))
    w = prod_k exp(F_{beta_{k-1}}(v_k) - F_{beta_k}(v_k)),    0 = beta_0 < ... < beta_K = 1
    log Z = log Z_0 + log E[w]

F_0 is that of a machine with the same units but no couplings, whose Z_0 is known; v_1 is drawn from it, and v_{k+1}
comes from v_k by a step of Gibbs sampling that leaves exp(-F_{beta_k}) as it is. The mean of w over independent chains
has no bias; its logarithm lies below log Z on average, so that likelihoods come out too high, the more so the fewer
steps.

Source: R. Neal, "Annealed importance sampling", 2001; R. Salakhutdinov, I. Murray, "On the quantitative analysis of
deep belief networks", 2008 (for these machines; base rates; the schedule of beta).
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64
from torch import Tensor

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.connectionist.bernoulli import draw
from neurarium.nets.connectionist.rbm import RBMWeights, Visible, draw_visible


@dataclass(frozen=True)
class LogPartition:
    """An estimate of log Z and how far it may be off."""

    value: float  # log Z_0 + log mean(w)
    # logarithms of mean(w) less and plus three standard errors; low is -inf where these exceed the mean
    low: float
    high: float
    # (sum w)^2 / sum w^2, of so many equally weighted chains the estimate is worth. A few of many mean that `low`
    # and `high` are themselves not to be trusted: take more steps.
    effective_chains: float
    log_weights: Float64[Tensor, "chains"]  # log Z_0 + log w, one a chain


def schedule(steps: int) -> list[float]:
    """beta_0 .. beta_K: half the way in 1/29 of the steps, to 0.9 in 8/29, and the rest in 20/29, as in the paper."""
    corners = [(0.0, 0.0), (steps / 29, 0.5), (steps * 9 / 29, 0.9), (float(steps), 1.0)]
    betas = []
    for k in range(steps):
        (start, low), (end, high) = next(pair for pair in pairwise(corners) if k < pair[1][0])
        betas.append(low + (high - low) * (k - start) / (end - start))
    return [*betas, 1.0]


@torch.no_grad()
def estimate_log_partition(
    w: RBMWeights,
    visible: Visible = "bernoulli",
    *,
    base: Float[Tensor, "visible"] | None = None,
    chains: int = 100,
    steps: int = 10_000,
    generator: torch.Generator | None = None,
) -> LogPartition:
    """Estimate log Z.

    Args:
        base: visible biases of the machine without couplings; best `base_rates` of the data, for then the way from
            there is short. None: zeros.
        steps: K. The error falls with it, time rises.
    Raises ConfigError: fewer than two chains, or no step; ShapeError: a base of another width.
    """
    if chains < 2 or steps < 1:
        raise ConfigError("annealing", expected="at least 2 chains and 1 step", got=f"{chains} chains, {steps} steps")
    hidden, inputs = w.weight.shape
    a = torch.zeros_like(w.visible_bias) if base is None else base.to(w.visible_bias)
    if a.shape != (inputs,):
        raise ShapeError("base", expected=f"({inputs},)", got=str(tuple(a.shape)))
    inner_field = a.expand(chains, -1)
    log_weights = torch.zeros(chains, dtype=torch.float64, device=a.device)
    betas = schedule(steps)
    for before, beta in pairwise(betas):
        v = draw_visible(inner_field, visible, generator)
        fields = F.linear(v, w.weight, w.hidden_bias)
        risen = F.softplus(beta * fields) - F.softplus(before * fields)
        log_weights += (beta - before) * _visible_gain(w, a, v, visible) + risen.double().sum(1)
        h = draw(fields.mul_(beta).sigmoid_(), generator)
        inner_field = F.linear(h, w.weight.t(), w.visible_bias).mul_(beta).add_(a, alpha=1 - beta)
    # of the sum or integral over the visible units without couplings
    log_visible = float(F.softplus(a.double()).sum()) if visible == "bernoulli" else inputs / 2 * math.log(2 * math.pi)
    return _summary(log_weights + (hidden * math.log(2) + log_visible))


def base_rates(v: Float[Tensor, "examples visible"], visible: Visible = "bernoulli") -> Float[Tensor, "visible"]:
    """Visible biases of the machine without couplings that suits data best: log-odds, or the mean.

    One example on and one off are added to each Bernoulli unit: no log-odds are infinite.
    """
    if visible == "gaussian":
        return v.mean(0)
    return torch.logit((v.sum(0) + 1) / (len(v) + 2))


def _visible_gain(w: RBMWeights, a: Tensor, v: Tensor, visible: Visible) -> Tensor:
    """What the visible parts of the two machines' -F differ by: (b - a).v, or (|v - a|^2 - |v - b|^2) / 2."""
    gain = (v @ (w.visible_bias - a)).double()
    if visible == "bernoulli":
        return gain
    return gain + (a.double().square().sum() - w.visible_bias.double().square().sum()) / 2


def _summary(log_weights: Tensor) -> LogPartition:
    top = log_weights.max()
    weights = (log_weights - top).exp()  # at most 1: no overflow
    mean, error = float(weights.mean()), float(weights.std()) / math.sqrt(len(weights))
    low = math.log(mean - 3 * error) if mean > 3 * error else -math.inf
    return LogPartition(
        value=float(top) + math.log(mean),
        low=float(top) + low,
        high=float(top) + math.log(mean + 3 * error),
        effective_chains=float(weights.sum() ** 2 / weights.square().sum()),
        log_weights=log_weights,
    )
