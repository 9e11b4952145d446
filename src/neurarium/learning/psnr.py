"""Peak signal-to-noise ratio.

PSNR = 10 log10(peak^2 / L),    L = 1/(N D) sum_n |x'_n - x_n|^2    in decibels, N examples of D numbers each
"""

import torch
from jaxtyping import Shaped
from torch import Tensor

from neurarium.checks import ConfigError, ShapeError


def psnr(outputs: Shaped[Tensor, "..."], originals: Shaped[Tensor, "..."], peak: float) -> float:
    """PSNR of all examples together, in decibels; infinite where nothing differs.

    `peak`: largest value less smallest value, in these units: 255 for 8-bit pixels.
    Raises ShapeError: other shapes; ConfigError: a peak that is not above 0.

    Example:
        >>> psnr(torch.tensor([25.5]), torch.tensor([0.0]), 255.0)
        20.0
    """
    if not 0 < peak < float("inf"):
        raise ConfigError("peak", expected="a number > 0", got=str(peak))
    if outputs.shape != originals.shape:
        raise ShapeError("outputs", expected=f"the shape {tuple(originals.shape)}", got=str(tuple(outputs.shape)))
    error = (outputs.double() - originals.double()).square().mean()
    return float(10 * torch.log10(peak**2 / error))
