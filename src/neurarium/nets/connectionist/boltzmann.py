"""Boltzmann machine: stochastic binary units, every one coupled with every other; the first of them are visible.

    E(x) = -1/2 sum_ij w_ij x_i x_j - sum_i b_i x_i,    w_ij = w_ji,  w_ii = 0,  x_i in {0, 1}
    P(x) = exp(-E(x)) / Z,    P(v) = sum_h P(v, h)
    P(x_i = 1 | all others) = sigma(b_i + sum_j w_ij x_j)

    d log P(v) / dw_ij = E[x_i x_j | v] - E[x_i x_j],    d log P(v) / db_i = E[x_i | v] - E[x_i]

Learning makes what the units do together with the data clamped (awake) more likely, and what they do freely (asleep)
less. Here all expectations are counted out over the 2^n states: the whole theory on machines of up to some 20 units.
The restricted machine (`rbm`) drops the couplings inside each layer, and then large ones can be sampled and learned.

Source: D. Ackley, G. Hinton, T. Sejnowski, "A learning algorithm for Boltzmann machines", 1985; S. Geman, D. Geman,
"Stochastic relaxation, Gibbs distributions, and the Bayesian restoration of images", 1984 (sampling unit by unit).
"""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from neurarium.checks import ConfigError, DataError, ShapeError

LARGEST = 20
"""Units whose states are counted out at most."""


def states_of(units: int) -> Float[Tensor, "states units"]:
    """All states of so many units, as binary numbers, the first unit the highest digit; ConfigError for too many."""
    if units > LARGEST:
        raise ConfigError(
            "enumeration",
            expected=f"at most {LARGEST} units, {2**LARGEST:,} states",
            got=f"{units} units, {2.0**units:.3g} states" if units < 1000 else f"{units} units",
            remedy="take fewer units, or sample",
        )
    places = torch.arange(units - 1, -1, -1)
    return (torch.arange(2**units)[:, None] >> places & 1).to(torch.get_default_dtype())


def energy(
    weight: Float[Tensor, "units units"], bias: Float[Tensor, "units"], x: Float[Tensor, "batch units"]
) -> Float[Tensor, "batch"]:
    """E(x) of each state of 0 and 1; the weight is symmetric with a zero diagonal."""
    return -((x @ weight) * x).sum(1) / 2 - x @ bias


def distribution(weight: Float[Tensor, "units units"], bias: Float[Tensor, "units"]) -> Float[Tensor, "states"]:
    """P(x) of all states, in the order of `states_of`. Raises ConfigError: more states than can be counted out."""
    return (-energy(weight, bias, states_of(len(bias)).to(weight))).softmax(0)


def conditional(
    weight: Float[Tensor, "units units"], bias: Float[Tensor, "units"], x: Float[Tensor, "batch units"], unit: int
) -> Float[Tensor, "batch"]:
    """P(x_i = 1 | all others) for one unit i; its own state does not matter, as w_ii = 0."""
    return torch.sigmoid(x @ weight[:, unit] + bias[unit])


def sweep(
    weight: Float[Tensor, "units units"],
    bias: Float[Tensor, "units"],
    x: Float[Tensor, "chains units"],
    clamped: int = 0,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "chains units"]:
    """Draw one unit after the other given all others; P(x), given the first, clamped ones if any, stays."""
    x = x.clone()
    for i in range(clamped, len(bias)):
        p = conditional(weight, bias, x, i)
        x[:, i] = torch.rand(p.shape, generator=generator, dtype=p.dtype, device=p.device) < p
    return x


def log_likelihood(
    weight: Float[Tensor, "units units"], bias: Float[Tensor, "units"], v: Float[Tensor, "batch visible"]
) -> Float[Tensor, "batch"]:
    """log P(v) of each example, exactly, in nats. Raises ConfigError: more states than can be counted out."""
    log_z = (-energy(weight, bias, states_of(len(bias)).to(weight))).logsumexp(0)
    return _clamped_log_weights(weight, bias, v).logsumexp(1) - log_z


def likelihood_gradient(
    weight: Float[Tensor, "units units"], bias: Float[Tensor, "units"], v: Float[Tensor, "batch visible"]
) -> tuple[Float[Tensor, "units units"], Float[Tensor, "units"]]:
    """Gradient of the mean log P(v) with respect to each pair's one coupling, and to the biases: awake less asleep.

    d/dw_ij stands at (i, j) and (j, i), 0 on the diagonal. Raises ConfigError: more states than can be counted out.
    """
    count, visible = v.shape
    hidden = states_of(len(bias) - visible).to(weight)
    given = _clamped_log_weights(weight, bias, v).softmax(1) / count
    awake = torch.cat([v[:, None].expand(-1, len(hidden), -1), hidden.expand(count, -1, -1)], 2).flatten(0, 1)
    asleep, p = states_of(len(bias)).to(weight), distribution(weight, bias)
    pairs = awake.T @ (given.flatten()[:, None] * awake) - asleep.T @ (p[:, None] * asleep)
    biases = pairs.diagonal().clone()  # x_i^2 = x_i
    return pairs.fill_diagonal_(0.0), biases


def _clamped_log_weights(weight: Tensor, bias: Tensor, v: Tensor) -> Tensor:
    """-E(v, h) for each example and all hidden states: (batch, states)."""
    hidden = states_of(len(bias) - v.shape[1]).to(weight)
    pairs = torch.cat([v[:, None].expand(-1, len(hidden), -1), hidden.expand(len(v), -1, -1)], 2)
    return -energy(weight, bias, pairs.flatten(0, 1)).view(len(v), len(hidden))


class BoltzmannMachine(nn.Module):
    """The functions above with their parameters; couplings are kept once a pair. Raises ConfigError: no visible unit.

    Example:
        >>> machine = BoltzmannMachine(visible=2, hidden=1)
        >>> machine.learn(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), rate=1.0, steps=500)
        >>> p = machine(torch.tensor([[0.0, 1.0], [1.0, 1.0]])).exp()  # one of the two is on, never both
        >>> [round(x, 1) for x in p.tolist()]
        [0.5, 0.0]
    """

    def __init__(self, visible: int, hidden: int = 0) -> None:
        super().__init__()
        if visible < 1 or hidden < 0:
            raise ConfigError(
                "units", expected="at least one visible, no fewer than 0 hidden", got=f"{visible} and {hidden}"
            )
        self.visible = visible
        units = visible + hidden
        # where couplings are small, hidden units do nothing and learn nothing: begin far from there
        self.couplings = nn.Parameter(torch.randn(units * (units - 1) // 2))
        self.bias = nn.Parameter(torch.zeros(units))

    @property
    def weight(self) -> Float[Tensor, "units units"]:
        """W, symmetric with a zero diagonal."""
        units = len(self.bias)
        upper = self.couplings.new_zeros(units, units)
        rows, columns = torch.triu_indices(units, units, 1)
        upper[rows, columns] = self.couplings
        return upper + upper.T

    def forward(self, v: Float[Tensor, "batch visible"]) -> Float[Tensor, "batch"]:
        """log P(v) of each example. Raises ShapeError: not a number a visible unit; DataError: others than 0 and 1."""
        self._check(v)
        return log_likelihood(self.weight, self.bias, v)

    @torch.no_grad()
    def learn(self, v: Float[Tensor, "batch visible"], *, rate: float = 0.5, steps: int = 100) -> None:
        """Climb the exact gradient of the mean log P(v), all examples at once."""
        self._check(v)
        rows, columns = torch.triu_indices(len(self.bias), len(self.bias), 1)
        for _ in range(steps):
            pairs, biases = likelihood_gradient(self.weight, self.bias, v)
            self.couplings.add_(pairs[rows, columns], alpha=rate)
            self.bias.add_(biases, alpha=rate)

    def _check(self, v: Shaped[Tensor, "..."]) -> None:
        if v.dim() != 2 or v.shape[1] != self.visible:
            raise ShapeError("visible units", expected=f"(batch, {self.visible})", got=f"shape {tuple(v.shape)}")
        if not bool(((v == 0) | (v == 1)).all()):
            raise DataError(
                "visible units",
                expected="only 0 and 1",
                got=f"numbers from {float(v.min()):g} to {float(v.max()):g}",
                remedy="make them binary: (v > 0.5).float()",
            )
