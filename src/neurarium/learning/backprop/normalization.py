"""Layer norm and batch norm, with gradients through mean and deviation.

    z = (x - mu) / sigma,    sigma = sqrt(var + eps),    y = gamma * z + beta

Layer norm takes mu and var over the features of one example, batch norm for each feature over the batch (and over
positions). Each of the m numbers that share mu and sigma moves both, which takes two components out of the error
signal: its mean, and its part along z. With d = gamma * delta:

    dL/dx = (d - mean(d) - z mean(d z)) / sigma,    dL/dgamma = sum delta z,    dL/dbeta = sum delta

Source: S. Ioffe, C. Szegedy, "Batch normalization", 2015; J. Ba, J. Kiros, G. Hinton, "Layer normalization", 2016.
Departs from the notes: gamma and beta are one a feature; eps bounds the division, so that layer norm forgets the scale
of its input only up to eps (errata E24); batch norm outside training uses running statistics (errata E59).
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.checks import ShapeError

EPS = 1e-5


class LayerNormCache(NamedTuple):
    """What the way back needs."""

    z: Tensor
    inverse_deviation: Tensor
    gamma: Tensor | None


class BatchNormCache(NamedTuple):
    """What the way back needs, and the statistics used, for whoever keeps running ones."""

    z: Tensor
    inverse_deviation: Tensor
    gamma: Tensor | None
    mean: Tensor
    variance: Tensor
    of_batch: bool


def layer_norm_forward(
    x: Float[Tensor, "*batch features"],
    gamma: Float[Tensor, " features"] | None = None,
    beta: Float[Tensor, " features"] | None = None,
    eps: float = EPS,
) -> tuple[Float[Tensor, "*batch features"], LayerNormCache]:
    """Normalize each example over its features.

    `gamma` is the factor of a feature (none: 1), `beta` its offset (none: 0).

    Example:
        >>> y, _ = layer_norm_forward(torch.tensor([[1.0, 3.0]]), eps=0.0)
        >>> y
        tensor([[-1.,  1.]])
    """
    centered = x - x.mean(-1, keepdim=True)
    inverse_deviation = (centered.square().mean(-1, keepdim=True) + eps).rsqrt()
    z = centered.mul_(inverse_deviation)
    y = z if gamma is None else z * gamma
    return y if beta is None else y + beta, LayerNormCache(z, inverse_deviation, gamma)


def layer_norm_backward(
    delta: Float[Tensor, "*batch features"], cache: LayerNormCache
) -> tuple[Float[Tensor, "*batch features"], Float[Tensor, " features"], Float[Tensor, " features"]]:
    """Error signal of the input, gradients of gamma and beta."""
    d = delta if cache.gamma is None else delta * cache.gamma
    dx = _through_statistics(d, cache.z, (-1,)).mul_(cache.inverse_deviation)
    features = delta.shape[-1]
    return dx, (delta * cache.z).reshape(-1, features).sum(0), delta.reshape(-1, features).sum(0)


def batch_norm_forward(
    x: Float[Tensor, "batch features *size"],
    gamma: Float[Tensor, " features"] | None = None,
    beta: Float[Tensor, " features"] | None = None,
    eps: float = EPS,
    statistics: tuple[Float[Tensor, " features"], Float[Tensor, " features"]] | None = None,
) -> tuple[Float[Tensor, "batch features *size"], BatchNormCache]:
    """Normalize each feature over the batch and all positions.

    `gamma` is the factor of a feature (none: 1), `beta` its offset (none: 0); `statistics` are mean and variance to
    use, as outside training (none: those of this batch, variance with 1/m).
    Raises ShapeError: one number a feature has no variance.

    Example:
        >>> y, _ = batch_norm_forward(torch.tensor([[1.0, 5.0], [3.0, 1.0]]), eps=0.0)
        >>> y
        tensor([[-1.,  1.],
                [ 1., -1.]])
    """
    dims, shape = _around_features(x)
    if statistics is None:
        if x.numel() == x.shape[1]:
            raise ShapeError(
                "input of a batch norm in training",
                expected="more than one number for each feature",
                got=f"shape {tuple(x.shape)}",
                remedy="take larger batches",
            )
        mean = x.mean(dims)
        centered = x - mean.view(shape)
        variance = centered.square().mean(dims)
    else:
        mean, variance = statistics
        centered = x - mean.view(shape)
    inverse_deviation = (variance + eps).rsqrt().view(shape)
    z = centered.mul_(inverse_deviation)
    y = z if gamma is None else z * gamma.view(shape)
    cache = BatchNormCache(z, inverse_deviation, gamma, mean, variance, statistics is None)
    return y if beta is None else y + beta.view(shape), cache


def batch_norm_backward(
    delta: Float[Tensor, "batch features *size"], cache: BatchNormCache
) -> tuple[Float[Tensor, "batch features *size"], Float[Tensor, " features"], Float[Tensor, " features"]]:
    """Error signal of the input, gradients of gamma and beta; given statistics are constants on the way back."""
    dims, shape = _around_features(delta)
    d = delta if cache.gamma is None else delta * cache.gamma.view(shape)
    through = _through_statistics(d, cache.z, dims) if cache.of_batch else d
    return through * cache.inverse_deviation, (delta * cache.z).sum(dims), delta.sum(dims)


def _through_statistics(d: Tensor, z: Tensor, dims: tuple[int, ...]) -> Tensor:
    """D less its mean and its part along z."""
    return torch.addcmul(d - d.mean(dims, keepdim=True), z, (d * z).mean(dims, keepdim=True), value=-1)


def _around_features(x: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """All axes but the features', and the shape in which numbers of the features meet `x`."""
    return (0, *range(2, x.ndim)), (1, -1, *([1] * (x.ndim - 2)))
