"""Generative adversarial net: a generator makes examples of noise, a discriminator tells them from real ones.

    y = G(z), z ~ N(0, I)        a(x): logit that x is real

Two pairs:

- dense: MLPs noise - hidden - numbers (ReLU) and numbers - hidden reversed - 1 (leaky ReLU);
- DCGAN for 28 x 28 and the like, all kernels 4 x 4:

| generator | discriminator |
|---|---|
| linear to 2w maps of 7 x 7, normalized, ReLU | convolution of stride 2 to w maps of 14 x 14, leaky ReLU |
| transposed convolution to w maps of 14 x 14, normalized, ReLU | another to 2w maps of 7 x 7, leaky ReLU |
| transposed convolution to the image | linear to the logit |

Images come out of a logistic function that spans the values of the pixels; vectors come out as they are.

Source: I. Goodfellow et al., "Generative adversarial nets", 2014; A. Radford, L. Metz, S. Chintala, "Unsupervised
representation learning with deep convolutional generative adversarial networks", 2016. Theirs has four doublings for
64 x 64 images, and batch normalization in the discriminator too; there it would mix the examples' logits, of which the
gradient penalty asks that each be a function of its own example.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.evaluating import evaluating
from neurarium.nets.feedforward.mlp import MLP
from neurarium.nets.interfaces import Generative, Paired
from neurarium.nets.parts.flat import check_shape
from neurarium.nets.parts.initial import initialize_
from neurarium.nets.refusals import check_quarters

KERNEL = 4
LEAK = 0.2  # slope of DCGAN's discriminator below zero
DCGAN_GAIN = 2.0  # times 0.01 of the scheme normal: their 0.02


class ScaledSigmoid(nn.Module):
    """Numbers between two ends, which broadcast over an example: low + (high - low) s(a), s the logistic function."""

    low: Tensor
    high: Tensor

    def __init__(self, low: Float[Tensor, "..."], high: Float[Tensor, "..."]) -> None:
        super().__init__()
        self.register_buffer("low", low)
        self.register_buffer("high", high)

    def forward(self, a: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch *shape"]:
        """Squash a batch."""
        return self.low + (self.high - self.low) * torch.sigmoid(a)


class GAN(nn.Module, Generative, Paired):
    """A generator (batch, noise) -> (batch, *shape) and a discriminator -> (batch, 1), which a call means."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module, latent_dim: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.latent_dim, self.shape = latent_dim, shape

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "batch 1"]:
        """Logits that the examples (batch, *shape) are real. Raises ShapeError: examples of another shape."""
        check_shape(x, self.shape, "discriminator")
        return self.discriminator(x)

    def draw_noise(self, count: int, generator: torch.Generator | None = None) -> Float[Tensor, "count latent_dim"]:
        """Noise for so many examples, where the net is; from torch's own generator unless another is given.

        Drawn on the CPU where a generator of the CPU is given, so that a seed means the same noise on every device.
        """
        like = next(self.generator.parameters())
        where = like.device if generator is None else generator.device
        return torch.randn(count, self.latent_dim, generator=generator, device=where).to(like)

    def make(self, count: int) -> Float[Tensor, "count *shape"]:
        """Examples of the generator from fresh noise."""
        return self.generator(self.draw_noise(count))

    def sample(self, count: int, seed: int = 0, steps: int = 1000) -> Float[Tensor, "count *shape"]:
        """Make examples in evaluation mode; the same noise for a seed on every device, `steps` without effect."""
        if count < 1:
            raise ConfigError("count", expected="an integer >= 1", got=str(count))
        noise = self.draw_noise(count, torch.Generator().manual_seed(seed))
        with evaluating(self), torch.no_grad():
            return torch.cat([self.generator(part) for part in noise.split(1000)])


def dense_gan(
    shape: tuple[int, ...], latent_dim: int, hidden: Sequence[int], ends: tuple[Tensor, Tensor] | None = None
) -> GAN:
    """A pair of multilayer perceptrons, the discriminator with `hidden` reversed; no `ends`: any numbers."""
    numbers = math.prod(shape)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        mlp=MLP((latent_dim, *hidden, numbers), "relu"), example=nn.Unflatten(1, shape)
    )
    if ends is not None:
        layers["within"] = ScaledSigmoid(*ends)
    return GAN(nn.Sequential(layers), MLP((numbers, *reversed(hidden), 1), "leaky_relu"), latent_dim, shape)


def dcgan(shape: tuple[int, int, int], latent_dim: int, width: int, ends: tuple[Tensor, Tensor]) -> GAN:
    """A pair of convolutional nets for images (channels, height, width) of sides that are multiples of 4 (ShapeError).

    Args:
        width: maps of the larger layer; the smaller one has twice as many.
        ends: smallest and largest value of a pixel, one number a channel (channels, 1, 1).
    """
    channels, height, columns = shape
    check_quarters(shape, "gan")
    if min(latent_dim, width) < 1:
        raise ConfigError("net", expected="latent_dim and width >= 1", got=f"latent_dim {latent_dim}, width {width}")
    rows, cells = height // 4, columns // 4
    generator = nn.Sequential(
        OrderedDict(
            [
                ("linear", nn.Linear(latent_dim, 2 * width * rows * cells, bias=False)),
                ("maps", nn.Unflatten(1, (2 * width, rows, cells))),
                ("norm1", nn.BatchNorm2d(2 * width)),
                ("relu1", nn.ReLU()),
                ("double1", nn.ConvTranspose2d(2 * width, width, KERNEL, stride=2, padding=1, bias=False)),
                ("norm2", nn.BatchNorm2d(width)),
                ("relu2", nn.ReLU()),
                ("double2", nn.ConvTranspose2d(width, channels, KERNEL, stride=2, padding=1)),
                ("within", ScaledSigmoid(*ends)),
            ]
        )
    )
    discriminator = nn.Sequential(
        OrderedDict(
            [
                ("conv1", nn.Conv2d(channels, width, KERNEL, stride=2, padding=1)),
                ("leaky1", nn.LeakyReLU(LEAK)),
                ("conv2", nn.Conv2d(width, 2 * width, KERNEL, stride=2, padding=1)),
                ("leaky2", nn.LeakyReLU(LEAK)),
                ("flatten", nn.Flatten()),
                ("logit", nn.Linear(2 * width * rows * cells, 1)),
            ]
        )
    )
    for layer in (*generator, *discriminator):
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            initialize_(layer.weight, "normal", gain=DCGAN_GAIN)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return GAN(generator, discriminator, latent_dim, shape)
