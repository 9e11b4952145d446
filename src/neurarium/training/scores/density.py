"""How likely a Boltzmann machine holds examples that it has not learnt from.

    log P(v) = -F(v) - log Z,    log Z by annealed importance sampling, or counted out where that is possible

Beside it stands what independent units with the training examples' frequencies say: a model without any structure.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.nets.connectionist.annealed import base_rates, estimate_log_partition
from neurarium.nets.connectionist.rbm import RBM, RBMWeights, free_energy, visible_mean
from neurarium.training.scores.measure import Measure

CHAINS, STEPS, SEED = 100, 5000, 0


def independent_log_likelihood(v: Float[Tensor, "examples visible"], base: Float[Tensor, "visible"]) -> float:
    """Mean log-likelihood under independent Bernoulli units with these log-odds, in nats.

    1/N sum_n sum_i (v_ni a_i - log(1 + exp a_i))
    """
    fields = base.double()
    return float((v.double() @ fields).mean() - torch.nn.functional.softplus(fields).sum())


@torch.no_grad()
def density_measures(
    net: RBM, v: Float[Tensor, "examples visible"], train: Float[Tensor, "training visible"]
) -> tuple[Measure, ...]:
    """Measure a machine on visible units.

    Args:
        net: the machine.
        v: examples to be measured, as its units take them; those of Bernoulli units are made binary for the likelihood.
        train: examples that it learnt from, likewise.
    """
    w = RBMWeights(*(p.detach() for p in net.weights))
    bernoulli = net.visible == "bernoulli"
    # grey values serve as probabilities in learning; an example of a Bernoulli machine is of zeros and ones
    sharp, known = ((v > 0.5).to(v), (train > 0.5).to(train)) if bernoulli else (v, train)
    base = base_rates(known, net.visible).to(w.visible_bias)
    generator = torch.Generator(w.weight.device).manual_seed(SEED)
    z = estimate_log_partition(w, net.visible, base=base, chains=CHAINS, steps=STEPS, generator=generator)
    likelihood = float(-free_energy(w, sharp, net.visible).double().mean()) - z.value
    return (
        Measure(
            "log-likelihood",
            likelihood,
            f"mean log-probability {'of an example made binary' if bernoulli else 'density of an example'}, log Z "
            f"between {z.low:.1f} and {z.high:.1f} by annealed importance sampling ({z.effective_chains:.0f} of "
            f"{CHAINS} chains count)",
            "nats",
            baseline=independent_log_likelihood(sharp, base) if bernoulli else _normal_log_likelihood(v, train),
            against="independent units with the frequencies of the training examples",
        ),
        Measure(
            "reconstruction error",
            float((_reconstructed(net, w, v) - v).square().mean()),
            "mean squared difference of a unit to its mean after a step down from the hidden probabilities",
            higher_is_better=False,
            baseline=float((train.mean(0) - v).square().mean()),
            against="always the mean of the training examples",
        ),
    )


def _reconstructed(net: RBM, w: RBMWeights, v: Tensor) -> Tensor:
    hidden = torch.sigmoid(torch.nn.functional.linear(v, w.weight, w.hidden_bias))
    return visible_mean(torch.nn.functional.linear(hidden, w.weight.t(), w.visible_bias), net.visible)


def _normal_log_likelihood(v: Tensor, train: Tensor) -> float:
    """Mean log-density under independent normal units of variance 1 about the training mean."""
    squares = (v.double() - train.double().mean(0)).square().sum(1).mean()
    return float(-squares / 2) - v.shape[1] / 2 * math.log(2 * math.pi)
