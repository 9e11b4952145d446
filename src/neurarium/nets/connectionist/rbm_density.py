"""How likely a restricted Boltzmann machine holds examples that it has not learned from.

    log P(v) = -F(v) - log Z,    log Z by annealed importance sampling

Beside it stands what independent units with the training examples' frequencies say: a model without any structure.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from neurarium.nets.connectionist.annealed import base_rates, estimate_log_partition
from neurarium.nets.connectionist.rbm import (
    RBMWeights,
    Visible,
    free_energy,
    hidden_probabilities,
    visible_field,
    visible_mean,
)
from neurarium.nets.interfaces import Density


def independent_log_likelihood(v: Float[Tensor, "examples visible"], base: Float[Tensor, "visible"]) -> float:
    """Mean log-likelihood under independent Bernoulli units, in nats: 1/N sum_n sum_i (v_ni a_i - log(1 + exp a_i))."""
    fields = base.double()
    return float((v.double() @ fields).mean() - F.softplus(fields).sum())


def normal_log_likelihood(v: Float[Tensor, "examples visible"], mean: Float[Tensor, "visible"]) -> float:
    """Mean log-density under independent normal units of variance 1 about these means, in nats."""
    squares = (v.double() - mean.double()).square().sum(1).mean()
    return float(-squares / 2) - v.shape[1] / 2 * math.log(2 * math.pi)


@torch.no_grad()
def density_of(
    w: RBMWeights,
    v: Float[Tensor, "examples visible"],
    train: Float[Tensor, "training visible"],
    visible: Visible = "bernoulli",
    *,
    chains: int = 100,
    steps: int = 5000,
    seed: int = 0,
) -> Density:
    """Measure a machine on visible units; the same numbers for the same seed. Raises ConfigError: chains, steps."""
    w = RBMWeights(*(part.detach() for part in w))
    bernoulli = visible == "bernoulli"
    # gray values serve as probabilities in learning; an example of a Bernoulli machine is of zeros and ones
    sharp, known = ((v > 0.5).to(v), (train > 0.5).to(train)) if bernoulli else (v, train)
    base = base_rates(known, visible).to(w.visible_bias)
    generator = torch.Generator(w.weight.device).manual_seed(seed)
    z = estimate_log_partition(w, visible, base=base, chains=chains, steps=steps, generator=generator)
    again = visible_mean(visible_field(w, hidden_probabilities(w, v)), visible)
    return Density(
        log_likelihood=float(-free_energy(w, sharp, visible).double().mean()) - z.value,
        low=z.low,
        high=z.high,
        chains=chains,
        effective_chains=z.effective_chains,
        independent_log_likelihood=(
            independent_log_likelihood(sharp, base) if bernoulli else normal_log_likelihood(v, train.double().mean(0))
        ),
        reconstruction_error=float((again - v).square().mean()),
        error_of_mean=float((train.mean(0) - v).square().mean()),
    )
