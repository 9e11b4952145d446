"""Which transformations leave a class as it is, as a recipe names them (no torch until a batch comes).

| field | transformation | drawn for each example |
|---|---|---|
| shift | x_(i,j) -> x_(i-u, j-v) | u, v uniform in -s..s |
| flip | x_(i,j) -> x_(i, width-1-j) | with probability 1/2 |
| rotation | about the center | angle uniform in -r..r degrees |
| crop | a window of fraction 1 - c of the area, enlarged to full size | c uniform in 0..crop, place uniform |
| noise | x + s z | z normal, for each number |
| mixup | l x + (1 - l) x', targets likewise | l from Beta(a, a), x' another example of the batch |

All are off at zero. The identity is among the transformations whatever is on, so the examples themselves stay in the
sample (errata E60). Where a moved image has no pixel, its border pixel is repeated: that is the background, whatever
its value after scaling. The window of a crop keeps the proportions of the image. Shift and flip alone move whole
pixels; with rotation or crop, all four are one affine map, so that pixels are interpolated (bilinearly) once.

Batches are transformed as a whole on their device; draws come from torch's generator, which checkpoints save.

Sources: P. Simard, D. Steinkraus, J. Platt, "Best practices for convolutional neural networks", 2003 (shift, rotation);
C. Szegedy et al., "Going deeper with convolutions", 2015 (resized crop); C. Bishop, "Training with noise is
equivalent to Tikhonov regularization", 1995; H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, "mixup: beyond empirical
risk minimization", 2018.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from neurarium.checks import ConfigError

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped
    from torch import Tensor

    from neurarium.record.schema import Schema

_OF_IMAGES = ("shift", "flip", "rotation", "crop")
_OFF = {"flip": "no-flip"}


@dataclass(frozen=True)
class Augmentation:
    """Which transformations leave the class as it is: of images, and (noise, mixup) of any numbers."""

    shift: int = 0
    """Largest shift in pixels, along both axes."""
    flip: bool = False
    """Mirror left and right, with probability 1/2."""
    rotation: float = 0.0
    """Largest angle in degrees, either way round, up to 180."""
    crop: float = 0.0
    """Largest fraction of the area cut away before the rest is enlarged, at least 0 and below 1."""
    noise: float = 0.0
    """Standard deviation of normal noise, in units of the scaled inputs."""
    mixup: float = 0.0
    """Alpha of mixup: examples are mixed in proportions from Beta(alpha, alpha); 0.2 is usual, 1 is uniform."""

    def __post_init__(self) -> None:
        for name, right, expected in (
            ("shift", self.shift >= 0, "an integer >= 0"),
            ("rotation", 0 <= self.rotation <= 180, "degrees from 0 to 180"),
            ("crop", 0 <= self.crop < 1, "a fraction of the area in [0, 1)"),
            ("noise", 0 <= self.noise < math.inf, "a number >= 0"),
            ("mixup", 0 <= self.mixup < math.inf, "a number >= 0"),
        ):
            if not right:
                raise ConfigError(f"augmentation.{name}", expected=expected, got=str(getattr(self, name)))

    @property
    def active(self) -> bool:
        """Whether anything is transformed."""
        return self != Augmentation()

    def fitting(self, schema: Schema) -> tuple[Augmentation, tuple[str, ...]]:
        """What is left of it for such data, and the names of what they have not, as in `check`."""
        field = schema.input
        if not _is_dense(schema):
            kept = Augmentation()
        elif not field.is_image:
            kept = replace(self, **{name: getattr(Augmentation(), name) for name in _OF_IMAGES})
        else:
            kept = self
        return kept, tuple(f.name for f in fields(self) if getattr(self, f.name) != getattr(kept, f.name))

    def check(self, schema: Schema) -> None:
        """Refuse what this kind of data has not: rows and columns, or as many of them as the shift.

        Raises ConfigError: names the field, and what is allowed for such data.
        """
        wanted = [name for name in (*_OF_IMAGES, "noise", "mixup") if getattr(self, name)]
        if not wanted:
            return
        field = schema.input
        if not _is_dense(schema):
            raise ConfigError(
                f"augmentation.{wanted[0]}",
                expected="none, for examples that are not one tensor of numbers of one shape",
                got=f"{wanted[0]} {getattr(self, wanted[0])}",
                remedy="switch off: " + " ".join(f"--augmentation.{_OFF.get(name, f'{name} 0')}" for name in wanted),
            )
        if self.mixup and len(schema.targets) > 1:
            raise ConfigError(
                "augmentation.mixup", expected="none, for examples with several targets", got=str(self.mixup)
            )
        shape, wanted = field.fixed_shape, [name for name in wanted if name in _OF_IMAGES]
        if wanted and not field.is_image:
            raise ConfigError(
                f"augmentation.{wanted[0]}",
                expected=f"noise or mixup alone, for examples of shape {shape}",
                got=", ".join(f"{name} {getattr(self, name)}" for name in wanted) + ", which only images have",
                remedy="switch off: " + " ".join(f"--augmentation.{_OFF.get(name, f'{name} 0')}" for name in wanted),
            )
        if wanted and self.shift >= min(shape[1:]):
            raise ConfigError("augmentation.shift", expected=f"less than {min(shape[1:])} pixels", got=str(self.shift))

    def apply(
        self, x: Float[Tensor, "batch ..."], targets: Shaped[Tensor, "batch ..."], classes: int | None = None
    ) -> tuple[Float[Tensor, "batch ..."], Shaped[Tensor, "batch ..."]]:
        """Transform each example of a batch by a draw of its own.

        Returns inputs of the same shape, and the targets: the very same without mixup; with it a distribution over the
        classes for each example (batch, classes), or mixed numbers.
        """
        import torch

        from neurarium.learning.augmentation.geometry import draw_affine, flip_images, shift_images, warp_images

        n, device = len(x), x.device
        if self.rotation or self.crop:
            x = warp_images(x, *draw_affine(x, self.shift, self.flip, self.rotation, self.crop))
        else:
            if self.shift:
                low, high = -self.shift, self.shift + 1
                x = shift_images(x, *(torch.randint(low, high, (n,), device=device) for _ in range(2)))
            if self.flip:
                x = flip_images(x, torch.rand(n, device=device) < 0.5)
        if self.noise:
            x = x + self.noise * torch.randn_like(x)
        if self.mixup:
            from neurarium.learning.augmentation.mixing import draw_fractions, mixup

            partner = torch.randperm(n, device=device)
            x, targets = mixup(x, targets, draw_fractions(x, self.mixup), partner, classes)
        return x, targets


def _is_dense(schema: Schema) -> bool:
    """Whether examples are one tensor of numbers of one shape, and no target varies in size."""
    return schema.is_dense and not any(target.is_ragged for target in schema.targets.values())
