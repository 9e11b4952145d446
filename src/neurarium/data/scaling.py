"""Shift and scale numbers to mean 0 and standard deviation 1, by statistics of the training examples alone."""

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float, Float64, Shaped
from torch import Tensor

Kind = Literal["images", "vectors"]
_CHUNK = 4096


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation, a pair for each channel of images or each feature of vectors.

        apply(x) = (x - mean) / std

    Both are in the units of the source (grey levels 0 to 255 for 8-bit pixels): no division by 255 comes
    before.

    Args:
        mean: one number a channel or feature.
        std: likewise, all positive.

    Example:
        >>> Scaling(mean=(1.0, 10.0), std=(1.0, 5.0)).apply(torch.tensor([[2.0, 0.0]]))
        tensor([[ 1., -2.]])
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def fit(cls, inputs: Shaped[Tensor, "examples *shape"], kind: Kind) -> "Scaling":
        """Measure the scaling of `inputs`.

        Args:
            inputs: (examples, channels, height, width) where `kind` is "images": one pair a channel, over all
                pixels; (examples, features) where it is "vectors". At least one example.
            kind: "images" or "vectors".

        Returns:
            Mean and population standard deviation; a constant channel or feature gets std 1.
        """
        return cls.fit_chunks(torch.split(inputs, _CHUNK), kind)

    @classmethod
    def fit_chunks(cls, chunks: Iterable[Shaped[Tensor, "..."]], kind: Kind) -> "Scaling":
        """Measure the scaling of inputs that come piece by piece, as `fit` measures those that come whole.

        Sums of squared deviations of two pieces a, b with n_a, n_b numbers are merged by

            M = M_a + M_b + (mean_b - mean_a)^2 n_a n_b / (n_a + n_b)

        Source: T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for computing
        sample variances", 1979.
        """
        dims = (0, 2, 3) if kind == "images" else (0,)
        count = 0
        mean = squares = torch.zeros(1, dtype=torch.float64)
        for chunk in chunks:
            variance, centre = torch.var_mean(chunk.double(), dim=dims, correction=0)
            added = math.prod(chunk.shape[d] for d in dims)
            total = count + added
            shift = centre - mean
            squares = squares + variance * added + shift.square() * (count * added / total)
            mean = mean + shift * (added / total)
            count = total
        assert count > 0, "a scaling needs at least one example"
        std = _positive(squares / count, mean, count)
        return cls(tuple(mean.tolist()), tuple(std.tolist()))

    def apply(self, x: Shaped[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return `x` scaled, in float32.

        Args:
            x: images (..., channels, height, width) where there are three axes or more, else vectors
                (..., features). 64-bit floats are scaled before they are shortened, so that a feature such as
                a time in seconds, large beside its spread, keeps its digits.
        """
        work = torch.float64 if x.dtype == torch.float64 else torch.float32
        mean, std = _constants(self, x.ndim >= 3, work, x.device)
        return x.to(work).sub(mean).div_(std).float()

    def undo(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return scaled numbers in the units of the source.

            undo(x) = x std + mean

        Args:
            x: images or vectors as in `apply`.

        Returns:
            64-bit floats where `x` is of such, else float32: a mean that is large beside the standard deviation wants
            64 bits.

        Example:
            >>> Scaling(mean=(1.0, 10.0), std=(1.0, 5.0)).undo(torch.tensor([[1.0, -2.0]]))
            tensor([[2., 0.]])
        """
        work = torch.float64 if x.dtype == torch.float64 else torch.float32
        mean, std = _constants(self, x.ndim >= 3, work, x.device)
        return x.to(work).mul(std).add(mean)

    def to_dict(self) -> dict[str, list[float]]:
        """Return the numbers as JSON can hold them."""
        return {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, numbers: dict[str, Any]) -> "Scaling":
        """Return the scaling that `to_dict` wrote down."""
        return cls(tuple(map(float, numbers["mean"])), tuple(map(float, numbers["std"])))


def _positive(
    variance: Float64[Tensor, "channels"], mean: Float64[Tensor, "channels"], count: int
) -> Float64[Tensor, "channels"]:
    # Summation leaves a constant feature a variance up to this bound instead of an exact zero.
    noise = (count * torch.finfo(torch.float64).eps * mean).square()
    return torch.where(variance <= noise, 1.0, variance.sqrt())


@functools.lru_cache(maxsize=64)
def _constants(
    scaling: Scaling, images: bool, dtype: torch.dtype, device: torch.device
) -> tuple[Float[Tensor, "..."], Float[Tensor, "..."]]:
    # Kept, so that no batch waits for a copy to the device; ordinary tensors even if first used in inference.
    shape = (-1, 1, 1) if images else (-1,)
    with torch.inference_mode(False):
        mean = torch.tensor(scaling.mean, dtype=dtype, device=device).view(shape)
        std = torch.tensor(scaling.std, dtype=dtype, device=device).view(shape)
    return mean, std
