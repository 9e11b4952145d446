"""Three ways to damage examples, so that an auto-encoder learns to fix them.

| noise | what becomes of a number x |
|---|---|
| gaussian | x + amount (high - low) n, n ~ N(0, 1): standard deviation `amount` as a fraction of the range |
| masking | `low` (black) with probability `amount`, else x |
| salt-and-pepper | `low` or `high`, each with probability `amount / 2`, else x |

Gaussian noise may leave the range: nothing is cut off, or black and white would be damaged less than gray.

Source: P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P. Manzagol, "Stacked denoising autoencoders", 2010, 4.2.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from neurarium.checks import ConfigError, choose

Ends = tuple[Float[Tensor, "..."], Float[Tensor, "..."]]


def gaussian(
    x: Float[Tensor, "*shape"], amount: float, ends: Ends, generator: Generator | None = None
) -> Float[Tensor, "*shape"]:
    """Add normal noise of standard deviation `amount` in [0, 1] times the range; `ends` broadcast over `x`."""
    low, high = ends
    noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    return x + amount * (high - low) * noise


def masking(
    x: Float[Tensor, "*shape"], amount: float, ends: Ends, generator: Generator | None = None
) -> Float[Tensor, "*shape"]:
    """Set a fraction `amount` of the numbers to the smallest value; arguments as for `gaussian`."""
    return torch.where(_uniform(x, generator) < amount, ends[0], x)


def salt_and_pepper(
    x: Float[Tensor, "*shape"], amount: float, ends: Ends, generator: Generator | None = None
) -> Float[Tensor, "*shape"]:
    """Set a fraction `amount` of the numbers to the smallest or the largest value; arguments as for `gaussian`."""
    u = _uniform(x, generator)
    return torch.where(u < amount / 2, ends[0], torch.where(u < amount, ends[1], x))


NOISES: dict[str, Callable[[Tensor, float, Ends, Generator | None], Tensor]] = {
    "gaussian": gaussian,
    "masking": masking,
    "salt-and-pepper": salt_and_pepper,
}
"""Every noise by name."""


def check_amount(amount: float) -> None:
    """Refuse an amount of noise that is no fraction. Raises ConfigError: outside [0, 1]."""
    if not 0 <= amount <= 1:
        raise ConfigError("net.amount", expected="a number in [0, 1]", got=str(amount))


class Corruption(nn.Module):
    """Damages examples in training mode, and passes them on as they are in evaluation mode, as dropout does.

    `low, high`: smallest and largest value, one number a channel or feature, shaped so that it broadcasts.
    Raises ConfigError: no such noise, or an amount outside [0, 1].
    """

    low: Tensor
    high: Tensor

    def __init__(self, noise: str, amount: float, low: Float[Tensor, "..."], high: Float[Tensor, "..."]) -> None:
        super().__init__()
        check_amount(amount)
        self.noise, self.amount = noise, amount
        self._damage = choose(noise, NOISES, "net.corruption")
        self.register_buffer("low", low)
        self.register_buffer("high", high)

    def forward(self, x: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch *shape"]:
        """Damage a batch in training mode, with torch's default generator."""
        return self.damage(x) if self.training else x

    def damage(self, x: Float[Tensor, "batch *shape"], generator: Generator | None = None) -> Float[Tensor, "..."]:
        """Damage a batch whatever the mode; from torch's default generator unless another is given."""
        return self._damage(x, self.amount, (self.low, self.high), generator)

    def extra_repr(self) -> str:
        """Noise and amount, for a printed net."""
        return f"{self.noise}, amount={self.amount:g}"


def _uniform(x: Tensor, generator: Generator | None) -> Tensor:
    return torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
