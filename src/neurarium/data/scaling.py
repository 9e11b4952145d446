"""Shift and scale numbers to mean 0 and standard deviation 1, by statistics of the training examples alone."""

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Float64, Shaped
from torch import Tensor

from neurarium.record.schema import Field

_CHUNK = 4096


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation, a pair for each channel of images or each feature of vectors.

        apply(x) = (x - mean) / std

    Both are in the units of the source: gray levels 0 to 255 for 8-bit pixels.

    Args:
        mean: one number a channel or feature.
        std: likewise, all positive.
        trailing: how many axes come behind the channels: 0 for rows of features, 2 for images.

    Example:
        >>> Scaling(mean=(1.0, 10.0), std=(1.0, 5.0)).apply(torch.tensor([[2.0, 0.0]]))
        tensor([[ 1., -2.]])
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    trailing: int = 0

    @classmethod
    def of(cls, field: Field) -> "Scaling | None":
        """The scaling of a field; none where its numbers are taken as they come."""
        return cls(field.mean, field.std, field.trailing) if field.standardized else None

    @classmethod
    def fit(cls, values: Shaped[Tensor, "entries *shape"]) -> "Scaling":
        """Measure mean and population standard deviation; a constant channel or feature gets std 1.

        `values`: (examples, channels, height, width): one pair a channel, over all pixels; (examples, features) or
        (examples,). At least one.
        """
        return cls.fit_chunks(torch.split(values, _CHUNK))

    @classmethod
    def fit_chunks(cls, chunks: Iterable[Shaped[Tensor, "..."]]) -> "Scaling":
        """Measure the scaling of numbers that come piece by piece, as `fit` measures those that come whole.

        Sums of squared deviations of two pieces a, b with n_a, n_b numbers are merged by

            M = M_a + M_b + (mean_b - mean_a)^2 n_a n_b / (n_a + n_b)

        Source: T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for computing
        sample variances", 1979.
        """
        count, trailing = 0, 0
        mean = squares = torch.zeros(1, dtype=torch.float64)
        for chunk in chunks:
            trailing = max(0, chunk.ndim - 2)
            dims = (0, *range(2, chunk.ndim))
            variance, center = torch.var_mean(chunk.double(), dim=dims, correction=0)
            added = math.prod(chunk.shape[d] for d in dims)
            total = count + added
            shift = center - mean
            squares = squares + variance * added + shift.square() * (count * added / total)
            mean = mean + shift * (added / total)
            count = total
        assert count > 0, "a scaling needs at least one example"
        std = _positive(squares / count, mean, count)
        return cls(tuple(mean.flatten().tolist()), tuple(std.flatten().tolist()), trailing)

    def apply(self, x: Shaped[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return `x` (any axes, channels, `trailing` axes) scaled, in float32.

        64-bit floats are scaled before they are shortened: a time in seconds, large beside its spread, keeps its
        digits.
        """
        work = torch.float64 if x.dtype == torch.float64 else torch.float32
        mean, std = _constants(self, work, x.device)
        return x.to(work).sub(mean).div_(std).float()

    def undo(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return scaled numbers in the units of the source: undo(x) = x std + mean.

        64-bit floats stay such, else float32: a mean that is large beside the standard deviation wants 64 bits.
        """
        work = torch.float64 if x.dtype == torch.float64 else torch.float32
        mean, std = _constants(self, work, x.device)
        return x.to(work).mul(std).add(mean)

    def field(self, field: Field) -> Field:
        """The field with this scaling in it."""
        return replace(field, mean=self.mean, std=self.std)


def scaled(x: Shaped[Tensor, "*shape"], field: Field) -> Shaped[Tensor, "*shape"]:
    """Raw values of a field as a net sees them: standardized in float32, integers that stand for something as int64."""
    if field.standardized:
        return Scaling(field.mean, field.std, field.trailing).apply(x)
    return x.long() if field.categories or field.points_to else x.float()


def unscaled(x: Float[Tensor, "*shape"], field: Field) -> Float[Tensor, "*shape"]:
    """What a net sees or says of a field, in the units of the source."""
    scaling = Scaling.of(field)
    return x if scaling is None else scaling.undo(x)


def _positive(
    variance: Float64[Tensor, "channels"], mean: Float64[Tensor, "channels"], count: int
) -> Float64[Tensor, "channels"]:
    # Summation leaves a constant feature a variance up to this bound instead of an exact zero.
    noise = (count * torch.finfo(torch.float64).eps * mean).square()
    return torch.where(variance <= noise, 1.0, variance.sqrt())


@functools.lru_cache(maxsize=64)
def _constants(
    scaling: Scaling, dtype: torch.dtype, device: torch.device
) -> tuple[Float[Tensor, "..."], Float[Tensor, "..."]]:
    # Kept, so that no batch waits for a copy to the device; ordinary tensors even if first used in inference.
    shape = (-1, *[1] * scaling.trailing)
    with torch.inference_mode(False):
        mean = torch.tensor(scaling.mean, dtype=dtype, device=device).view(shape)
        std = torch.tensor(scaling.std, dtype=dtype, device=device).view(shape)
    return mean, std
