"""Modern continuous Hopfield network: real states, exponential energy, one update that is attention.

    E(xi) = -1/beta log sum_t exp(beta x_t . xi) + 1/2 xi . xi + 1/beta log s + 1/2 max_t |x_t|^2  >= 0
    xi <- X^T softmax(beta X xi)

The update never raises E. With states R = queries, X = keys = values and beta = 1/sqrt(d) it is scaled dot-product
attention. Large beta retrieves single patterns, small beta averages of similar ones, beta -> 0 the mean of all.

Shapes: s patterns and q states of d numbers, any axes before; a mask says which patterns may be used.

Source: H. Ramsauer, B. Schaefl, J. Lehner et al., "Hopfield networks is all you need", 2021.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from neurarium.checks import ConfigError, DataError
from neurarium.nets.connectionist.patterns import check_width
from neurarium.nets.connectionist.retrieval import RecallTrace, Retrieval, check_limit


def similarities(
    state: Float[Tensor, "*batch q d"],
    memory: Float[Tensor, "*batch s d"],
    beta: float,
    mask: Bool[Tensor, "*mask"] | None = None,
) -> Float[Tensor, "*batch q s"]:
    """beta X xi, -inf where a pattern may not be used."""
    scores = beta * (state @ memory.mT)
    return scores if mask is None else scores.masked_fill(~mask, -math.inf)


def update(
    state: Float[Tensor, "*batch q d"],
    memory: Float[Tensor, "*batch s d"],
    beta: float,
    mask: Bool[Tensor, "*mask"] | None = None,
) -> Float[Tensor, "*batch q d"]:
    """X^T softmax(beta X xi) for each state; `beta` above 0, else ConfigError.

    `mask`: True where a state may use a pattern; broadcast to (*batch, q, s). A state that may use none becomes 0.
    """
    check_beta(beta)
    weights = similarities(state, memory, beta, mask).softmax(-1)
    if mask is not None:
        # a softmax over nothing is 0/0
        weights = weights.masked_fill(~mask, 0.0)
    return weights @ memory


def energy(
    state: Float[Tensor, "*batch q d"],
    memory: Float[Tensor, "*batch s d"],
    beta: float,
    mask: Bool[Tensor, "*mask"] | None = None,
) -> Float[Tensor, "*batch q"]:
    """E of each state; a mask leaves the constants, which move no minimum, as they are."""
    check_beta(beta)
    pull = similarities(state, memory, beta, mask).logsumexp(-1) / beta
    constant = math.log(memory.shape[-2]) / beta + memory.square().sum(-1).amax(-1, keepdim=True) / 2
    return state.square().sum(-1) / 2 - pull + constant


def check_beta(beta: float) -> None:
    """Refuse an inverse temperature that is not a positive finite number. Raises ConfigError."""
    if not 0 < beta < math.inf:
        raise ConfigError("beta", expected="a finite number above 0", got=str(beta), remedy="1 / sqrt(d) is usual")


class ModernMemory(nn.Module):
    """A memory of any finite patterns that is recalled by iterating the update; no `beta`: attention's 1 / sqrt(d).

    Raises ShapeError, DataError: no matrix, no pattern, numbers that are not finite; ConfigError: `beta` not above 0.
    """

    patterns: Tensor

    def __init__(self, patterns: Float[Tensor, "patterns d"], beta: float | None = None) -> None:
        super().__init__()
        check_width(patterns, "patterns", None)
        if patterns.numel() == 0 or not bool(patterns.isfinite().all()):
            got = f"shape {tuple(patterns.shape)}" if patterns.numel() == 0 else "NaN or inf"
            raise DataError("patterns", expected="at least one pattern of finite numbers", got=got)
        self.beta = patterns.shape[1] ** -0.5 if beta is None else beta
        check_beta(self.beta)
        self.register_buffer("patterns", patterns)

    def energy(self, states: Float[Tensor, "probes d"]) -> Float[Tensor, "probes"]:
        """E of each state, in float64."""
        return energy(states.double(), self.patterns.double(), self.beta)

    def recall(
        self, probes: Float[Tensor, "probes d"], *, steps: int = 100, tolerance: float = 1e-5, trace: bool = False
    ) -> Retrieval:
        """Update until no number of a state moves by more than `tolerance`; raises ShapeError, ConfigError."""
        check_width(probes, "probes", self.patterns.shape[1])
        check_limit(steps)
        states = probes.to(self.patterns.dtype)
        none = torch.zeros(len(states), dtype=torch.bool, device=states.device)
        fixed, taken, kept = none, none.long(), [states]
        for number in range(1, steps + 1):
            new = update(states, self.patterns, self.beta)
            fixed = (new - states).abs().amax(1) <= tolerance
            taken[~fixed] = number
            states = new
            if trace:
                kept.append(states)
            if bool(fixed.all()):
                break
        course = RecallTrace(torch.stack([self.energy(s) for s in kept]), torch.stack(kept), None) if trace else None
        return Retrieval(states, fixed, none, taken, none.long(), course)

    def forward(self, probes: Float[Tensor, "probes d"]) -> Float[Tensor, "probes d"]:
        """The states in which probes come to rest."""
        return self.recall(probes).states
