"""Units that are 0 or 1: drawn with given probabilities, and how well probabilities foretell them."""

import torch
from jaxtyping import Float
from torch import Tensor


def draw(
    probabilities: Float[Tensor, "batch units"], generator: torch.Generator | None = None
) -> Float[Tensor, "batch units"]:
    """Draw units that are 1 with the given probabilities: one uniform number each, and a comparison in place.

    Example:
        >>> draw(torch.tensor([[0.0, 1.0]]))
        tensor([[0., 1.]])
    """
    kind, device = probabilities.dtype, probabilities.device
    if kind is torch.float32 and device.type == "cpu":
        return _uniform(probabilities.numel(), generator).view(probabilities.shape).lt_(probabilities)
    return torch.rand(probabilities.shape, generator=generator, dtype=kind, device=device).lt_(probabilities)


def _uniform(count: int, generator: torch.Generator | None) -> Float[Tensor, "count"]:
    """Multiples of 2^-24 in [0, 1), uniform as those of `torch.rand` are, from half the random bits.

    The upper 16 bits of a number are its own, the lower 8 are among the upper ones of a number farther on. Each number
    is exactly uniform. The lower bits decide a draw in one of 2^16 cases: P(1, 1) of two units is off by no more.
    """
    # a word of 64 bits more than numbers need: no number borrows from itself
    words = torch.empty(count // 4 + 2, dtype=torch.int64).random_(-(2**63), None, generator=generator)
    own, lent = words.view(torch.int16)[:count], words.view(torch.uint8)[8 * len(words) - count :]
    return own.float().add_(lent.float(), alpha=2**-8).mul_(2**-16).add_(0.5)


def reconstruction_entropy(
    field: Float[Tensor, "batch visible"], mean: Float[Tensor, "batch visible"], v: Float[Tensor, "batch visible"]
) -> Float[Tensor, ""]:
    """Cross-entropy of Bernoulli visibles in nats, summed over units and batch.

        -v log m - (1 - v) log(1 - m) = max(f, 0) - v f - log max(m, 1 - m),    m = sigma(f)

    The last logarithm is taken of products of sixteen numbers, each at least 1/2: a logarithm costs as much as ten
    products.

    Args:
        field: f.
        mean: m.
        v: what was to be reconstructed, in [0, 1].

    Example:
        >>> f = torch.tensor([[0.0, 100.0]])
        >>> reconstruction_entropy(f, f.sigmoid(), torch.tensor([[1.0, 0.0]]))  # log 2 + 100
        tensor(100.6931)
    """
    surest = (mean - 0.5).abs_().add_(0.5).flatten()
    products = surest[: len(surest) // 16 * 16].view(16, -1).prod(0)
    rest = surest[len(surest) // 16 * 16 :]
    return field.relu().addcmul_(v, field, value=-1).sum() - products.log_().sum() - rest.log().sum()
