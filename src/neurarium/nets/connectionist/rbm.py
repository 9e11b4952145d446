"""Restricted Boltzmann machine: visible units v, hidden units h in {0, 1}, couplings only between the two layers.

    Bernoulli visibles, v in {0, 1}    E(v, h) = -b.v - c.h - h.W v
    Gaussian visibles, v real          E(v, h) = |v - b|^2 / 2 - c.h - h.W v

    P(v, h) = exp(-E(v, h)) / Z                        Z: sum (or integral) over all states
    P(h_j = 1 | v) = sigma(c_j + (W v)_j)              hidden units are independent given v
    P(v_i = 1 | h) = sigma(b_i + (h W)_i),  or  v_i | h ~ N(b_i + (h W)_i, 1)
    F(v) = -log sum_h exp(-E(v, h)) = -b.v - sum_j softplus(c_j + (W v)_j),   or with |v - b|^2 / 2 in place of -b.v

    d(-log P(v))/dtheta = dF(v)/dtheta - E_model[dF/dtheta]

The second term is an expectation under the model. Contrastive divergence takes it from k steps of Gibbs sampling begun
at the data, persistent contrastive divergence from chains that live on from update to update.

Gaussian visibles have unit variance: they are meant for standardised inputs. Gray values in [0, 1] stand for the
probability that a Bernoulli visible is on.

Shapes: weight (hidden, visible) as in a linear layer; states in rows.

Source: P. Smolensky, "Information processing in dynamical systems: foundations of harmony theory", 1986; G. Hinton,
"Training products of experts by minimizing contrastive divergence", 2002; T. Tieleman, "Training restricted Boltzmann
machines using approximations to the likelihood gradient", 2008; G. Hinton, "A practical guide to training restricted
Boltzmann machines", 2010 (first weights, Gaussian visibles).
"""

from typing import Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError, DataError, choose
from neurarium.nets.connectionist.bernoulli import draw
from neurarium.nets.interfaces import Density, DensityModel, Generative
from neurarium.nets.parts.flat import flat

Visible = Literal["bernoulli", "gaussian"]

# Inputs brought back into [0, 1] from a standardised form miss its ends by rounding.
_ROUNDING = 1e-4


class RBMWeights(NamedTuple):
    """Parameters W, b, c of a machine, or numbers that belong to them one to one, such as a gradient."""

    weight: Float[Tensor, "hidden visible"]
    visible_bias: Float[Tensor, "visible"]
    hidden_bias: Float[Tensor, "hidden"]


def energy(
    w: RBMWeights, v: Float[Tensor, "batch visible"], h: Float[Tensor, "batch hidden"], visible: Visible = "bernoulli"
) -> Float[Tensor, "batch"]:
    """E(v, h) of each pair of states."""
    return visible_energy(w, v, visible) - h @ w.hidden_bias - (F.linear(v, w.weight, None) * h).sum(1)


def visible_energy(
    w: RBMWeights, v: Float[Tensor, "batch visible"], visible: Visible = "bernoulli"
) -> Float[Tensor, "batch"]:
    """The part of the energy that hidden units have no fraction in: -b.v or |v - b|^2 / 2."""
    return -(v @ w.visible_bias) if visible == "bernoulli" else (v - w.visible_bias).square().sum(1) / 2


def free_energy(
    w: RBMWeights, v: Float[Tensor, "batch visible"], visible: Visible = "bernoulli"
) -> Float[Tensor, "batch"]:
    """F(v): -log of what all hidden states together add to Z; softplus keeps it finite for fields of any size."""
    return visible_energy(w, v, visible) - F.softplus(F.linear(v, w.weight, w.hidden_bias)).sum(1)


def hidden_probabilities(w: RBMWeights, v: Float[Tensor, "batch visible"]) -> Float[Tensor, "batch hidden"]:
    """P(h_j = 1 | v)."""
    return F.linear(v, w.weight, w.hidden_bias).to(w.weight.dtype).sigmoid_()


def visible_field(w: RBMWeights, h: Float[Tensor, "batch hidden"]) -> Float[Tensor, "batch visible"]:
    """b + h W: log-odds of Bernoulli visibles, mean of Gaussian ones."""
    return F.linear(h, w.weight.t(), w.visible_bias).to(w.weight.dtype)


def visible_mean(field: Float[Tensor, "batch visible"], visible: Visible = "bernoulli") -> Float[Tensor, "batch _"]:
    """E[v | h] from the field b + h W."""
    return torch.sigmoid(field) if visible == "bernoulli" else field


def draw_visible(
    field: Float[Tensor, "batch visible"], visible: Visible = "bernoulli", generator: torch.Generator | None = None
) -> Float[Tensor, "batch visible"]:
    """Draw v given the field b + h W."""
    return draw_around(visible_mean(field, visible), visible, generator)


def draw_around(
    mean: Float[Tensor, "batch visible"], visible: Visible = "bernoulli", generator: torch.Generator | None = None
) -> Float[Tensor, "batch visible"]:
    """Draw v given E[v | h]."""
    if visible == "bernoulli":
        return draw(mean, generator)
    return torch.randn(mean.shape, generator=generator, dtype=mean.dtype, device=mean.device).add_(mean)


def gibbs(
    w: RBMWeights,
    field: Float[Tensor, "chains visible"],
    steps: int,
    visible: Visible = "bernoulli",
    generator: torch.Generator | None = None,
    mean: Float[Tensor, "chains visible"] | None = None,
) -> tuple[Float[Tensor, "chains visible"], Float[Tensor, "chains hidden"]]:
    """Draw all visible units, then all hidden ones, `steps` times; P(v, h) does not change under it.

    Args:
        field: b + h W of the hidden states at which the chains begin (`visible_field`).
        mean: `visible_mean` of the field, where it is known already.
    Returns: the last v, drawn, and P(h = 1 | v), from which the last h is yet to be drawn.
    Raises ConfigError: no step.
    """
    if steps < 1:
        raise ConfigError("k", expected="at least one step of Gibbs sampling", got=str(steps))
    for step in range(steps):
        v = draw_around(visible_mean(field, visible) if mean is None else mean, visible, generator)
        p = hidden_probabilities(w, v)
        if step < steps - 1:
            field, mean = visible_field(w, draw(p, generator)), None
    return v, p


def sample_visible(
    w: RBMWeights, chains: int, steps: int, visible: Visible = "bernoulli", generator: torch.Generator | None = None
) -> Float[Tensor, "chains visible"]:
    """Mean of v given the last h of chains begun at coin tosses: what the model holds for likely."""
    fair = torch.full((chains, len(w.hidden_bias)), 0.5, dtype=w.weight.dtype, device=w.weight.device)
    _, p = gibbs(w, visible_field(w, draw(fair, generator)), steps, visible, generator)
    return visible_mean(visible_field(w, draw(p, generator)), visible)


def free_energy_gradient(v: Float[Tensor, "batch visible"], p: Float[Tensor, "batch hidden"]) -> RBMWeights:
    """Mean over the batch of dF/dtheta:  dF/dW = -p v^T,  dF/db = -v,  dF/dc = -p,  with p = P(h = 1 | v).

    For Gaussian visibles dF/db is b - v; b falls out of the difference of two such gradients, which is all that
    learning needs.
    """
    fraction = -1.0 / len(v)
    fractions = p * fraction
    # by `linear`, which the trainer computes with the fastest product there is
    product = F.linear(fractions.t(), v.t(), None).to(p.dtype)
    return RBMWeights(product, v.sum(0).mul_(fraction), fractions.sum(0))


def contrastive_gradient(data: RBMWeights, model: RBMWeights) -> RBMWeights:
    """Gradient of -log P(data): `free_energy_gradient` at the data (overwritten) less that at the model's states."""
    return RBMWeights(*(at_data.sub_(at_model) for at_data, at_model in zip(data, model, strict=True)))


def check_unit_interval(v: Float[Tensor, "batch visible"]) -> None:
    """Refuse what cannot be the probability of a Bernoulli unit. Raises DataError: numbers outside [0, 1]."""
    if v.numel() == 0:
        return
    low, high = (float(end) for end in torch.aminmax(v))
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):  # also where one is NaN
        raise DataError(
            "visible units",
            expected="numbers in [0, 1] for Bernoulli units",
            got=f"numbers from {low:g} to {high:g}",
            remedy="say which values of the data are 0 and 1 (its value range), or take --net.visible gaussian",
        )


class RBM(nn.Module, DensityModel, Generative):
    """The parameters above; its output is P(h = 1 | v), features of the input.

    Inputs may come in other units than those of v: v = factor x + shift undoes a standardisation, unit by unit.

    Args:
        factor, shift: one number a visible unit; none: 1 and 0, inputs are v itself.
        shape: of the examples that `sample` makes; none: rows.
    Raises ConfigError: no units, or an unknown kind.
    """

    visible: Visible
    weight: nn.Parameter
    factor: Tensor
    shift: Tensor

    def __init__(
        self,
        inputs: int,
        hidden: int,
        visible: str = "bernoulli",
        factor: Float[Tensor, "inputs"] | None = None,
        shift: Float[Tensor, "inputs"] | None = None,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        for name, count in (("inputs", inputs), ("hidden", hidden)):
            if count < 1:
                raise ConfigError(name, expected="at least one unit", got=str(count))
        kinds: dict[str, Visible] = {kind: kind for kind in get_args(Visible)}
        self.visible = choose(visible, kinds, subject="visible")
        self.shape = (inputs,) if shape is None else shape
        # small, so that hidden units begin near 1/2, but not 0, at which all of them would learn the same
        self.weight = nn.Parameter(0.01 * torch.randn(hidden, inputs))
        self.visible_bias = nn.Parameter(torch.zeros(inputs))
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))
        self.register_buffer("factor", torch.ones(inputs) if factor is None else factor)
        self.register_buffer("shift", torch.zeros(inputs) if shift is None else shift)

    @property
    def weights(self) -> RBMWeights:
        """W, b and c."""
        return RBMWeights(self.weight, self.visible_bias, self.hidden_bias)

    def units(self, x: Float[Tensor, "batch *example"]) -> Float[Tensor, "batch visible"]:
        """Visible states of a batch of inputs. Raises ShapeError: examples hold another count of numbers."""
        return torch.addcmul(self.shift, flat(x, len(self.shift), "the visible layer"), self.factor)

    def forward(self, x: Float[Tensor, "batch *example"]) -> Float[Tensor, "batch hidden"]:
        """P(h = 1 | v) of a batch of inputs."""
        return F.linear(self.units(x), self.weight, self.hidden_bias).sigmoid()

    @torch.no_grad()
    def reconstruct(self, x: Float[Tensor, "batch *example"]) -> Float[Tensor, "batch visible"]:
        """Mean of v given the hidden probabilities of the inputs."""
        return visible_mean(visible_field(self.weights, self(x)), self.visible)

    @torch.no_grad()
    def sample(self, count: int, seed: int = 0, steps: int = 1000) -> Float[Tensor, "count *shape"]:
        """Make examples by Markov chains begun at coin tosses. Raises ConfigError: no example or no step."""
        if count < 1:
            raise ConfigError("count", expected="an integer >= 1", got=str(count))
        generator = torch.Generator(self.weight.device).manual_seed(seed)
        v = sample_visible(self.weights, count, steps, self.visible, generator)
        return ((v - self.shift) / self.factor).view(count, *self.shape)

    def density(self, x: Float[Tensor, "batch *example"], train: Float[Tensor, "training *example"]) -> Density:
        """How likely examples are (`rbm_density.density_of`), beside those that it has learned from."""
        from neurarium.nets.connectionist.rbm_density import density_of  # which builds on this file

        return density_of(self.weights, self.units(x), self.units(train), self.visible)
