"""How far reconstructions are from what was to be reconstructed.

    L = 1/(N D) sum_n |x'_n - x_n|^2           N examples of D numbers each
    PSNR = 10 log10(peak^2 / L)   in decibels

L is in the data's own scale: for standardised examples 1 is the error of always answering the mean. It differs from
`losses.squared_error` by the factor D/2, so that examples of every size are learnt at the same rate.
"""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from neurarium.checks import ConfigError, ShapeError


def reconstruction_loss(
    outputs: Float[Tensor, "..."], targets: Tensor, inputs: Float[Tensor, "..."]
) -> Float[Tensor, ""]:
    """Mean square of the difference to the inputs, L above.

    Args:
        outputs: reconstructions (batch, *shape).
        targets: not looked at.
        inputs: what the net was given, undamaged, (batch, *shape).

    Raises:
        ShapeError: the net answers with another shape than it was given.

    Example:
        >>> reconstruction_loss(torch.tensor([[1.0, 2.0]]), torch.tensor([0]), torch.tensor([[1.0, 0.0]]))
        tensor(2.)
    """
    if outputs.shape != inputs.shape:
        raise ShapeError(
            "outputs of the net",
            expected=f"reconstructions of the inputs {tuple(inputs.shape)}",
            got=str(tuple(outputs.shape)),
            remedy="choose an auto-encoder, or another objective",
        )
    return (outputs - inputs).square().mean()


def reconstruction_error(
    outputs: Float[Tensor, "..."], targets: Tensor, inputs: Float[Tensor, "..."]
) -> Float[Tensor, ""]:
    """Sum over the batch of the examples' mean squared differences, N L above: a score beside any loss.

    Example:
        >>> reconstruction_error(torch.zeros(3, 2), torch.tensor([0]), torch.ones(3, 2))
        tensor(3.)
    """
    return len(inputs) * reconstruction_loss(outputs, targets, inputs)


def psnr(outputs: Shaped[Tensor, "..."], originals: Shaped[Tensor, "..."], peak: float) -> float:
    """Peak signal-to-noise ratio of all examples together, in decibels; infinite where nothing differs.

    Args:
        outputs: reconstructions.
        originals: what they should be, in the same units.
        peak: largest value less smallest value, in these units: 255 for 8-bit pixels.

    Raises:
        ShapeError: other shapes.
        ConfigError: a peak that is not above 0.

    Example:
        >>> psnr(torch.tensor([25.5]), torch.tensor([0.0]), 255.0)
        20.0
    """
    if not 0 < peak < float("inf"):
        raise ConfigError("peak", expected="a number > 0", got=str(peak))
    error = reconstruction_loss(outputs.double(), originals, originals.double())
    return float(10 * torch.log10(peak**2 / error))
