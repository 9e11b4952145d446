"""Layer normalization: the features of one example by their own mean and variance.

    m = 1/d sum_j x_j,    v = 1/d sum_j (x_j - m)^2,    y_j = beta_j + gamma_j (x_j - m) / sqrt(v + eps)

No example sees another, so training and evaluation are the same. Scaling the layer before changes nothing, up to eps:

    LN(alpha (W x + b)) = LN(W x + b)    for alpha > 0, eps = 0, v > 0

With eps both sides are (x - m) over sqrt(v + eps) and sqrt(v + eps / alpha^2); see `scale_deviation_bound`.

Source: J. L. Ba, J. R. Kiros, G. Hinton, "Layer normalization", 2016.
Departs from the notes: they state the invariance without the conditions eps = 0 and v > 0, and use one gamma and beta
for all features; in practice each feature has its own (errata E24).
"""

from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError

EPS = 1e-5


def layer_norm(
    x: Float[Tensor, "*batch features"],
    gamma: Float[Tensor, " features"],
    beta: Float[Tensor, " features"],
    eps: float = EPS,
) -> Float[Tensor, "*batch features"]:
    """The function above, over the last dimension."""
    centered = x - x.mean(-1, keepdim=True)
    return beta + gamma * centered / (centered.square().mean(-1, keepdim=True) + eps).sqrt()


def scale_deviation_bound(variance: Float[Tensor, "*batch"], scale: float, eps: float = EPS) -> Float[Tensor, "*batch"]:
    """How far the scale invariance is off at most, relative to the normalized features without gamma and beta.

        |LN(a x) - LN(x)| <= eps |1 - a^-2| / (2 (v + eps min(1, a^-2))) |LN(x)|,    a > 0

    With r = sqrt((v + eps) / (v + eps / a^2)), LN(a x) = r LN(x); the bound is (r^2 - 1) / 2 >= r - 1 for a > 1, and
    (r^-2 - 1) / 2 >= r^-1 - 1 >= 1 - r for a < 1. Close to what happens where v is much larger than eps.
    """
    shrunk = scale**-2
    return eps * abs(1 - shrunk) / (2 * (variance + eps * min(1.0, shrunk)))


def make_layer_norm(features: int) -> nn.LayerNorm:
    """torch's layer of `layer_norm`. Raises ConfigError: fewer than two features: of one, the mean leaves nothing."""
    if features < 2:
        raise ConfigError(
            "norm", expected="batch, weight or none for a layer of one unit", got="layer", remedy="or make it wider"
        )
    return nn.LayerNorm(features, eps=EPS)
