"""LRU, linear recurrent unit: a linear system whose matrix is diagonal over the complex numbers, and stable always.

    h_t = lambda h_(t-1) + gamma (B x_t),    y_t = Re(C h_t) + D x_t,    h_0 = 0
    lambda_k = exp(-exp(nu_k) + i exp(theta_k)),    |lambda_k| = exp(-exp(nu_k)) < 1

lambda, gamma: a number a state; B (states, inputs) and C (features, states) complex; D real, on the diagonal. A real
system has its eigenvalues in conjugate pairs, whose parts of y add up to twice a real part: one of each pair is kept.

At first lambda is uniform on a ring of the complex plane, smallest <= |lambda| <= largest and 0 <= arg lambda <=
largest_phase. Area grows with the square of the radius, so that r^2, not r, is drawn uniformly. gamma_k =
sqrt(1 - |lambda_k|^2) at first: with x white and of variance s^2 the state has, once stationary, the variance of B x,

    Var h_k = gamma_k^2 Var (B x)_k / (1 - |lambda_k|^2) = s^2 |B_k|^2,

however close to 1 |lambda_k| is. Entries of B have variance 1 / inputs, those of C 1 / states, real and imaginary part
half of it each; those of D 1.

Source: A. Orvieto et al., "Resurrecting recurrent neural networks for long sequences", 2023, section 3 and appendix A.
Departs from the notes: they call minGRU by this name, draw r uniformly, and leave out gamma and the real part (errata
E48).
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Complex, Float, Int
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.recurrent.encoder import CausalEncoder, State
from neurarium.nets.recurrent.scan import scan


def ring(
    count: int, smallest: float = 0.0, largest: float = 1.0, largest_phase: float = 2 * math.pi
) -> tuple[Float[Tensor, "count"], Float[Tensor, "count"]]:
    """Modulus and phase of numbers drawn uniformly from a ring, or from a part of it.

    Raises ConfigError: not 0 <= smallest < largest <= 1, or no phase.
    """
    if not 0 <= smallest < largest <= 1:
        raise ConfigError("ring", expected="0 <= smallest < largest <= 1", got=f"{smallest:g} and {largest:g}")
    if not largest_phase > 0:
        raise ConfigError("ring", expected="a largest phase > 0", got=f"{largest_phase:g}")
    # neither end is drawn: log(-log r) has no value there
    r_squared, fraction = (torch.rand(2, count) * (1 - 2e-6) + 1e-6).unbind()
    return (smallest**2 + r_squared * (largest**2 - smallest**2)).sqrt(), largest_phase * fraction


class LRU(CausalEncoder, nn.Module):
    """The unit above, as many features as inputs.

    Args:
        states: numbers in h, complex.
        smallest: least modulus of an eigenvalue at first; `largest` and `largest_phase` likewise (`ring`).
    """

    def __init__(
        self,
        features: int,
        states: int,
        *,
        smallest: float = 0.0,
        largest: float = 1.0,
        largest_phase: float = 2 * math.pi,
    ) -> None:
        super().__init__()
        self.features, self.states = features, states
        modulus, phase = ring(states, smallest, largest, largest_phase)
        self.log_decay = nn.Parameter(torch.log(-torch.log(modulus)))  # nu
        self.log_phase = nn.Parameter(torch.log(phase))  # theta
        self.log_gamma = nn.Parameter(torch.log1p(-modulus.square()) / 2)
        # real and imaginary part side by side: a real product makes complex numbers as memory holds them
        self.input = nn.Parameter(torch.randn(states, 2, features) / math.sqrt(2 * features))
        self.output = nn.Parameter(torch.randn(features, states, 2) / math.sqrt(2 * states))
        self.straight = nn.Parameter(torch.randn(features))

    def eigenvalues(self) -> Complex[Tensor, "states"]:
        """lambda."""
        return torch.polar(torch.exp(-torch.exp(self.log_decay)), torch.exp(self.log_phase))

    def forward(
        self, x: Float[Tensor, "batch time inputs"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch time features"]:
        """y of every step."""
        return self.answer(scan(self.eigenvalues(), self.entering(x)), x)

    def entering(self, x: Float[Tensor, "*batch features"]) -> Complex[Tensor, "*batch states"]:
        """gamma B x. Raises ShapeError: other features."""
        if x.shape[-1] != self.features:
            raise ShapeError("input of an LRU", expected=f"{self.features} features", got=f"shape {tuple(x.shape)}")
        weight = torch.exp(self.log_gamma)[:, None, None] * self.input
        parts = F.linear(x, weight.flatten(0, 1))
        parts = parts.to(torch.promote_types(parts.dtype, torch.float32))  # there are no complex numbers of bfloat16
        return torch.view_as_complex(parts.unflatten(-1, (self.states, 2)))

    def answer(
        self, h: Complex[Tensor, "*batch states"], x: Float[Tensor, "*batch features"]
    ) -> Float[Tensor, "*batch features"]:
        """Re(C h) + D x, Re(C h) = Re C Re h - Im C Im h."""
        signed = self.output * self.output.new_tensor([1.0, -1.0])
        return F.linear(torch.view_as_real(h).flatten(-2), signed.flatten(1)) + self.straight * x

    def start(self, batch: int, like: Tensor) -> State:
        """h_0."""
        return (like.new_zeros(batch, self.states, dtype=torch.promote_types(like.dtype, torch.complex64)),)

    def step(self, x: Float[Tensor, "batch features"], state: State) -> tuple[Float[Tensor, "batch features"], State]:
        """Take one step of the recurrence."""
        h = self.eigenvalues() * state[0] + self.entering(x)
        return self.answer(h, x), (h,)
