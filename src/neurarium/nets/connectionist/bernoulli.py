"""Units that are 0 or 1: drawn with given probabilities, and how well probabilities predict them."""

import torch
from jaxtyping import Float
from torch import Tensor


def draw(
    probabilities: Float[Tensor, "batch units"], generator: torch.Generator | None = None
) -> Float[Tensor, "batch units"]:
    """Draw units that are 1 with the given probabilities: one uniform number each, and a comparison in place."""
    uniform = torch.rand(
        probabilities.shape, generator=generator, dtype=probabilities.dtype, device=probabilities.device
    )
    return uniform.lt_(probabilities)


def reconstruction_entropy(
    field: Float[Tensor, "batch visible"], mean: Float[Tensor, "batch visible"], v: Float[Tensor, "batch visible"]
) -> Float[Tensor, ""]:
    """Cross-entropy of Bernoulli visibles v in [0, 1] in nats, summed over units and batch; f the field, m its mean.

        -v log m - (1 - v) log(1 - m) = max(f, 0) - v f - log max(m, 1 - m),    m = sigma(f)

    The last logarithm is taken of products of sixteen numbers, each at least 1/2: a logarithm costs as much as ten
    products.
    """
    surest = (mean - 0.5).abs_().add_(0.5).flatten()
    products = surest[: len(surest) // 16 * 16].view(16, -1).prod(0)
    rest = surest[len(surest) // 16 * 16 :]
    return field.relu().addcmul_(v, field, value=-1).sum() - products.log_().sum() - rest.log().sum()
