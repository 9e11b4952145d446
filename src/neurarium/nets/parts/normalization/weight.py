"""Weight normalization: length and direction of a unit's weight vector are learned apart.

    w = g v / |v|,    so that |w| = |g|

with one g a unit and v of the shape of its weights. The gradients, with dw = dL/dw,

    dL/dg = dw . v / |v|,    dL/dv = (g / |v|) (I - w w^T / |w|^2) dw,

where I - w w^T / |w|^2 projects w out: dL/dv is orthogonal to v. So a step of gradient descent can only lengthen v,
and the longer it is, the more slowly it turns. Weight decay on v and a rescaled v leave w as it is.

Source: T. Salimans, D. Kingma, "Weight normalization: a simple reparameterization to accelerate training of deep neural
networks", 2016.
Departs from the notes: they write |w| = gamma, which holds for its magnitude only (errata E59).
"""

from typing import TypeVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrizations

Layer = TypeVar("Layer", bound=nn.Module)


def weight_norm(
    v: Float[Tensor, "outputs inputs *kernel"], g: Float[Tensor, " outputs"]
) -> Float[Tensor, "outputs inputs *kernel"]:
    """Weight of a linear or convolutional layer from directions and lengths."""
    return _each(g / _length(v), v) * v


def weight_norm_gradients(
    dw: Float[Tensor, "outputs inputs *kernel"],
    v: Float[Tensor, "outputs inputs *kernel"],
    g: Float[Tensor, " outputs"],
) -> tuple[Float[Tensor, "outputs inputs *kernel"], Float[Tensor, " outputs"]]:
    """Gradients for v and g from the one for w, by the formulas above; v is not 0, g < 0 turns the direction."""
    direction = v / _each(_length(v), v)
    dg = (dw * direction).flatten(1).sum(1)
    return _each(g / _length(v), v) * (dw - _each(dg, v) * direction), dg


def weight_normalized(layer: Layer) -> Layer:
    """Let a layer learn g and v in place of its weight, which keeps its value.

    The layer itself is changed and returned: torch's parametrisation, with g as `parametrizations.weight.original0`,
    (outputs, 1, ...), and v as `original1`. `layer.weight` is w.

    Example:
        >>> layer = weight_normalized(nn.Linear(3, 2))
        >>> [tuple(p.shape) for p in layer.parameters()]  # bias, g, v
        [(2,), (2, 1), (2, 3)]
    """
    parametrizations.weight_norm(layer)
    return layer


def _length(v: Tensor) -> Tensor:
    return v.flatten(1).norm(dim=1)


def _each(values: Tensor, v: Tensor) -> Tensor:
    """One value a unit, laid out to broadcast over the weights."""
    return values.reshape(-1, *[1] * (v.ndim - 1))
