"""Augmentation: a net sees its examples under transformations that leave their class as it is.

    shift   x_(i,j) -> x_(i-u, j-v)          u, v uniform in -s..s, one pair an example
    flip    x_(i,j) -> x_(i, width-1-j)      with probability 1/2

The identity is among the transformations (u = v = 0, no flip), so the examples themselves stay in the sample (errata
E60). Where a shifted image has no pixel, its border pixel is repeated: that is the background, whatever its value after
scaling. Batches are transformed as a whole on their device; draws come from torch's generator, which checkpoints save.

Source: P. Simard, D. Steinkraus, J. Platt, "Best practices for convolutional neural networks", 2003.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurarium.checks import ConfigError

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """Which transformations of images leave the class as it is."""

    shift: int = 0
    """Largest shift in pixels, along both axes."""
    flip: bool = False
    """Mirror left and right, with probability 1/2."""

    def __post_init__(self) -> None:
        """Refuse a shift that means nothing."""
        if self.shift < 0:
            raise ConfigError("augmentation.shift", expected="a whole number >= 0", got=str(self.shift))

    @property
    def active(self) -> bool:
        """Whether anything is transformed."""
        return self.shift > 0 or self.flip

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse data that have no rows and columns, or fewer than the shift.

        Raises:
            ConfigError: says what the data are.
        """
        if self.active and len(shape) != 3:
            raise ConfigError(
                "augmentation", expected="images", got=f"examples of shape {shape}", remedy="switch shift and flip off"
            )
        if self.active and self.shift >= min(shape[1:]):
            raise ConfigError("augmentation.shift", expected=f"less than {min(shape[1:])} pixels", got=str(self.shift))

    def apply(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels height width"]:
        """Transform each image of a batch by a draw of its own."""
        import torch

        n, device = len(x), x.device
        if self.shift:
            low, high = -self.shift, self.shift + 1
            x = shift_images(x, *(torch.randint(low, high, (n,), device=device) for _ in range(2)))
        if self.flip:
            x = flip_images(x, torch.rand(n, device=device) < 0.5)
        return x


def shift_images(x: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Shift image n of a batch by `down[n]` rows and `right[n]` columns, repeating border pixels.

    Example:
        >>> import torch
        >>> shift_images(torch.tensor([[[[1.0, 2.0, 3.0]]]]), torch.tensor([0]), torch.tensor([1]))
        tensor([[[[1., 1., 2.]]]])
    """
    import torch

    n, _, height, width = x.shape
    rows = (torch.arange(height, device=x.device) - down[:, None]).clamp(0, height - 1)
    columns = (torch.arange(width, device=x.device) - right[:, None]).clamp(0, width - 1)
    example = torch.arange(n, device=x.device)[:, None, None]
    # indexing puts the channels last: that is the layout convolutions want
    return x.permute(0, 2, 3, 1)[example, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def flip_images(x: Tensor, chosen: Tensor) -> Tensor:
    """Mirror the chosen images of a batch left and right."""
    import torch

    return torch.where(chosen[:, None, None, None], x.flip(3), x)
