"""Dense associative memory: an energy steeper than quadratic in the overlaps makes room for many more patterns.

    M_t = x_t . sigma,    E = - sum_t F(M_t)
    sigma_i <- the sign with the lower E:   sgn sum_t x_ti D(M_t - x_ti sigma_i),    D(a) = F(a + 1) - F(a - 1)

    polynomial of order k    F(z) = z^k, or max(z, 0)^k (rectified)    n^(k-1) / (2 (2k-3)!! ln n) random patterns
    exponential              F(z) = exp(z)                             2^(n/2) random patterns, for n -> inf

Order 2 is the classic Hopfield net with Hebb's rule without diagonal. A field of exactly 0 keeps the unit's state.

The energies reported are scaled so that they can be written down: -(n/k) sum_t F(M_t / n), which for k = 2 is H - s/2
with the classic energy H; and -log sum_t exp(M_t), which puts states in the same order as E. All in float64.

Shapes: s patterns, n neurons, states in rows (probes, n).

Source: D. Krotov, J. Hopfield, "Dense associative memory for pattern recognition", 2016; M. Demircigil, J. Heusel,
M. Loewe, S. Upgang, F. Vermet, "On a model of associative memory with huge storage capacity", 2017.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.connectionist.hopfield_theory import dense_capacity
from neurarium.nets.connectionist.patterns import check_patterns, warn_above
from neurarium.nets.connectionist.retrieval import Retrieval, settle


def polynomial_energy(
    overlaps: Float[Tensor, "patterns probes"], neurons: int, order: int, rectified: bool = False
) -> Float[Tensor, "probes"]:
    """-(n/k) sum_t F(M_t / n)."""
    fractions = overlaps / neurons
    fractions = fractions.clamp(min=0) if rectified else fractions
    return -(fractions**order).sum(0) * neurons / order


def exponential_energy(overlaps: Float[Tensor, "patterns probes"]) -> Float[Tensor, "probes"]:
    """-log sum_t exp(M_t)."""
    return -overlaps.logsumexp(0)


def polynomial_differences(neurons: int, order: int, rectified: bool = False) -> Float[Tensor, "two_n_minus_one"]:
    """D(a) for a = -(n-1) .. n-1, in float64, divided by a power of two.

    Taken from integers of any length: no digits cancel, and for small orders sums of D are exact: ties are ties.
    """
    low = 0 if rectified else -neurons
    scale = 2 ** ((order - 1) * (neurons - 1).bit_length())
    powers = [max(z, low) ** order for z in range(-neurons, neurons + 1)]
    return torch.tensor([(up - down) / scale for down, up in zip(powers, powers[2:], strict=False)]).double()


class DenseMemory(nn.Module):
    """A memory of this kind with its patterns of -1 and +1 as a buffer; nothing is learned by gradients.

    Args:
        steepness: order k >= 2 of the polynomial, or "exponential".
        rectified: F(z) = max(z, 0)^k; without it even orders recall the negative of a pattern as well.
    Raises ShapeError, DataError: no patterns; ConfigError: an order below 2 or unknown, a rectified exponential.
    Warns CapacityWarning: more patterns than the formula above gives.
    """

    patterns: Tensor
    differences: Tensor | None

    def __init__(
        self,
        patterns: Float[Tensor, "patterns neurons"],
        steepness: int | str = "exponential",
        *,
        rectified: bool = False,
    ) -> None:
        super().__init__()
        check_patterns(patterns)
        s, n = patterns.shape
        self.steepness = steepness
        self.rectified = rectified
        self.register_buffer("patterns", patterns.double())
        if isinstance(steepness, int):
            if steepness < 2:
                raise ConfigError("steepness", expected="an order >= 2 or exponential", got=str(steepness))
            warn_above(dense_capacity(n, steepness), s, n, f"a memory of order {steepness}")
            differences = polynomial_differences(n, steepness, rectified)
        else:
            if steepness != "exponential":
                raise ConfigError("steepness", expected="an order >= 2 or exponential", got=repr(steepness))
            if rectified:
                raise ConfigError("rectified", expected="a polynomial", got="exponential, which is never negative")
            # 2^(n/2) beyond any float64 is beyond any count of patterns
            warn_above(2.0 ** min(n / 2, 1000), s, n, "the exponential memory")
            differences = None
        self.register_buffer("differences", differences)

    def energy(self, states: Float[Tensor, "probes neurons"]) -> Float[Tensor, "probes"]:
        """Scaled energy of each state, in float64."""
        return self._energy(self.patterns @ states.double().T)

    def recall(
        self,
        probes: Float[Tensor, "probes neurons"],
        *,
        order: str = "random",
        seed: int = 0,
        sweeps: int = 100,
        trace: bool = False,
    ) -> Retrieval:
        """Update one unit after the other until nothing changes; the energy never rises."""
        check_patterns(probes, "probes", self.patterns.shape[1])
        first = self.energy(probes) if trace else None

        def sweep(before: Tensor, units: Tensor) -> tuple[Tensor, Tensor | None]:
            states, course = before.clone(), []
            overlaps = self.patterns @ states
            for unit in units.tolist():
                pattern, old = self.patterns[:, unit], states[unit]
                field = pattern @ self._differences(overlaps - torch.outer(pattern, old))
                new = torch.where(field == 0, old, field.sign())
                overlaps.addr_(pattern, new - old)
                states[unit] = new
                if trace:
                    course.append(self._energy(overlaps))
            return states, torch.stack(course) if trace else None

        found = settle(probes.double(), sweep, order=order, seed=seed, sweeps=sweeps, start=first)
        return found.as_type(probes.dtype)

    def forward(self, probes: Float[Tensor, "probes neurons"]) -> Float[Tensor, "probes neurons"]:
        """The states in which probes come to rest, units in the order 0 .. n-1."""
        return self.recall(probes, order="fixed").states

    def _energy(self, overlaps: Tensor) -> Tensor:
        if isinstance(self.steepness, int):
            return polynomial_energy(overlaps, self.patterns.shape[1], self.steepness, self.rectified)
        return exponential_energy(overlaps)

    def _differences(self, others: Tensor) -> Tensor:
        """D of overlaps from which the unit's own part has been taken, up to a positive factor a probe."""
        if self.differences is None:
            # D(a) = 2 sinh(1) exp(a); the largest exponent goes into the factor, so that nothing overflows
            return torch.exp(others - others.amax(0))
        return self.differences[others.long() + self.patterns.shape[1] - 1]
