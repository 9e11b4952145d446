"""How well an auto-encoder gives back what it was given, beside the best linear one of the same code.

    x' = m + V V^T (x - m),    V the first k eigenvectors of the training examples' covariance

is principal component analysis with k numbers: no linear map through k numbers has a smaller squared error on them.

Source: H. Hotelling, "Analysis of a complex of statistical variables into principal components", 1933.
"""

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from neurarium.learning.reconstruction import psnr
from neurarium.training.scores.measure import Measure

MOST_NUMBERS = 4096  # of an example, up to which principal components are worth their covariance


def principal_components(
    x: Float[Tensor, "examples numbers"], count: int
) -> tuple[Float64[Tensor, "numbers"], Float64[Tensor, "numbers components"]]:
    """Mean and first eigenvectors of the covariance, those of the largest eigenvalues first.

    Example:
        >>> mean, axes = principal_components(torch.tensor([[0.0, 1.0], [2.0, 1.0]]), 1)
        >>> mean.tolist(), axes.abs().flatten().tolist()
        ([1.0, 1.0], [1.0, 0.0])
    """
    x = x.double()
    mean = x.mean(0)
    centred = x - mean
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    return mean, vectors.flip(1)[:, :count]


def through_components(
    x: Float[Tensor, "examples numbers"],
    mean: Float64[Tensor, "numbers"],
    axes: Float64[Tensor, "numbers components"],
) -> Float64[Tensor, "examples numbers"]:
    """Reconstructions from as many numbers as there are axes."""
    return mean + (x.double() - mean) @ axes @ axes.T


def reconstruction_measures(
    outputs: Float[Tensor, "examples numbers"],
    originals: Float[Tensor, "examples numbers"],
    peak: float,
    code: int | None,
    linear: Float[Tensor, "examples numbers"] | None = None,
    damaged: tuple[Float[Tensor, "examples numbers"], Float[Tensor, "examples numbers"]] | None = None,
) -> tuple[Measure, ...]:
    """Compare reconstructions with originals, all in the units of the source.

    Args:
        outputs: of the net.
        originals: what it was given.
        peak: largest less smallest value.
        code: numbers of the code; none where it is not known.
        linear: what principal components make of the originals.
        damaged: damaged originals, and what the net makes of them.
    """
    measures = []
    if damaged is not None:
        measures.append(
            Measure(
                "PSNR of mended examples",
                psnr(damaged[1], originals, peak),
                "how near to the originals it brings damaged examples",
                "dB",
                baseline=psnr(damaged[0], originals, peak),
                against="the damaged examples themselves",
            )
        )
    measures.append(
        Measure(
            "PSNR",
            psnr(outputs, originals, peak),
            "peak signal to noise ratio of reconstructions" + (f" from {code} numbers" if code else ""),
            "dB",
            baseline=None if linear is None else psnr(linear, originals, peak),
            against="" if linear is None else f"the first {code} principal components of the training examples",
        )
    )
    spread = (originals.double() - originals.double().mean(0)).square().sum()
    left = (outputs.double() - originals.double()).square().sum()
    measures.append(
        Measure("variance explained", float(1 - left / spread), "share of the examples' variance that comes back", "%")
    )
    return tuple(measures)
