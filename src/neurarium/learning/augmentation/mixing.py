"""Mixup: straight lines between examples, on which the targets are asked to change in a straight line too.

    x <- l x + (1 - l) x',    t <- l t + (1 - l) t',    l ~ Beta(alpha, alpha)

with the class t as a distribution, one-hot before. Each example has its own l and its own partner x' from the batch.

Source: H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, "mixup: beyond empirical risk minimization", 2018; their program
draws one l a batch, their equation one a pair.
"""

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from neurarium.checks import ConfigError, ShapeError


def draw_fractions(x: Float[Tensor, "batch *shape"], alpha: float) -> Float[Tensor, " batch"]:
    """One l from Beta(alpha, alpha) for each example, from torch's generator on the device of `x`."""
    concentration = x.new_full((), alpha)
    fraction: Tensor = torch.distributions.Beta(concentration, concentration, validate_args=False).sample((len(x),))
    return fraction


def mixup(
    x: Float[Tensor, "batch *shape"],
    targets: Shaped[Tensor, "batch *target"],
    fraction: Float[Tensor, " batch"],
    partner: Int[Tensor, " batch"],
    classes: int | None = None,
) -> tuple[Float[Tensor, "batch *shape"], Float[Tensor, "batch *mixed"]]:
    """Mix each example, and its target, with a partner.

    Args:
        targets: class numbers (batch,), or numbers of any shape, which are mixed as they are.
        fraction: l, the weight of the example itself.
        partner: which example of the batch it is mixed with.
        classes: how many; for class numbers.
    Returns mixed inputs; distributions over the classes (batch, classes), or mixed numbers.
    Raises ConfigError: class numbers without `classes`; ShapeError: several class numbers an example.

    Example:
        >>> x, t = torch.tensor([[0.0], [1.0]]), torch.tensor([0, 2])
        >>> mixup(x, t, torch.tensor([0.75, 1.0]), torch.tensor([1, 0]), classes=3)
        (tensor([[0.2500],
                [1.0000]]), tensor([[0.7500, 0.0000, 0.2500],
                [0.0000, 0.0000, 1.0000]]))
    """
    mixed = _between(x, fraction, partner)
    if targets.is_floating_point():
        return mixed, _between(targets, fraction, partner)
    if targets.ndim != 1:
        raise ShapeError("targets", expected="one class an example, (batch,)", got=str(tuple(targets.shape)))
    if classes is None:
        raise ConfigError("augmentation.mixup", expected="to be told the number of classes", got="none")
    t = targets.long()[:, None]
    distribution = x.new_zeros(len(x), classes).scatter_add_(1, t, fraction[:, None])
    return mixed, distribution.scatter_add_(1, t[partner], 1 - fraction[:, None])


def _between(values: Tensor, fraction: Tensor, partner: Tensor) -> Tensor:
    weight = fraction.to(values.dtype).reshape(-1, *[1] * (values.ndim - 1))
    return weight * values + (1 - weight) * values[partner]
