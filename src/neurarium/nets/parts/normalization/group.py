"""Group normalization: the features of one example in groups, each by its own mean and variance.

The d features (channels), in their order, make G groups of d / G. Mean and variance are taken over the features of a
group and all their positions. One group is layer normalization over features and positions; d groups is instance
normalization.

Source: Y. Wu, K. He, "Group normalization", 2018.
"""

from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError

EPS = 1e-5
MOST_GROUPS = 8


def group_norm(
    x: Float[Tensor, "batch features *positions"],
    groups: int,
    gamma: Float[Tensor, " features"],
    beta: Float[Tensor, " features"],
    eps: float = EPS,
) -> Float[Tensor, "batch features *positions"]:
    """Normalize groups of features of an example; gamma, beta of single ones. Raises ShapeError: no divisor."""
    features = x.shape[1]
    if groups < 1 or features % groups:
        raise ShapeError("features", expected=f"a multiple of {groups} groups", got=str(features))
    grouped = x.reshape(len(x), groups, -1)
    centered = grouped - grouped.mean(2, keepdim=True)
    normal = centered / (centered.square().mean(2, keepdim=True) + eps).sqrt()
    one_each = (features, *[1] * (x.ndim - 2))
    return beta.reshape(one_each) + gamma.reshape(one_each) * normal.reshape(x.shape)


def group_count(features: int, most: int = MOST_GROUPS) -> int:
    """Most equal groups, up to `most`, of two features or more: of one, without positions, the mean leaves nothing."""
    return max((n for n in range(1, most + 1) if features % n == 0 and features // n > 1), default=1)


def make_group_norm(features: int) -> nn.GroupNorm:
    """torch's layer of `group_norm`, in `group_count(features)` groups. Raises ConfigError: fewer than two features."""
    if features < 2:
        raise ConfigError(
            "norm", expected="batch, weight or none for a layer of one unit", got="group", remedy="or make it wider"
        )
    return nn.GroupNorm(group_count(features), features, eps=EPS)
