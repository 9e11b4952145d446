"""Auto-encoders and adversarial nets as a recipe names them (no torch)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from neurarium.checks import ConfigError, DataError
from neurarium.nets.spec import Purpose, ScaledSpec, check_span

if TYPE_CHECKING:
    import torch

    from neurarium.nets.generative.corruption import Corruption

_SPAN = (0.0, 255.0)


def in_scale(
    span: Sequence[float], shape: tuple[int, ...], mean: Sequence[float] | None, std: Sequence[float] | None
) -> "tuple[torch.Tensor, torch.Tensor]":
    """The two ends of the values, as a net sees them.

        (low - mean) / std,  (high - mean) / std

    Args:
        span: smallest and largest value in the units of the source.
        shape: of one example.
        mean, std: by which the examples were standardised, one number a channel or feature; none: they come from 0
            to 1.

    Returns:
        One number a channel (channels, 1, 1) or feature (features,).
    """
    import torch

    if mean is None or std is None:
        return torch.zeros(shape[0], *[1] * (len(shape) - 1)), torch.ones(shape[0], *[1] * (len(shape) - 1))
    low, high = (
        torch.tensor([(end - m) / s for m, s in zip(mean, std, strict=True)]).view(-1, *[1] * (len(shape) - 1))
        for end in span
    )
    return low, high


@dataclass(frozen=True)
class AdversarialSpec(ScaledSpec):
    """What every adversarial pair has; not a net by itself.

    Raises:
        ConfigError: no noise, a penalty below 0, a rate not above 0, or a span without length.
    """

    purpose: ClassVar[Purpose] = "generation"

    noise: int = 64
    """Numbers of noise from which an example is made."""

    loss: Literal["non-saturating", "saturating", "least-squares"] = "non-saturating"
    """What the two players make small."""

    penalty: float = 0.1
    """Weight gamma of the gradient penalty at the real examples (R1); 0 for none."""

    discriminator_rate: float = 1.0
    """Learning rate of the discriminator as a multiple of the generator's, which is the optimiser's."""

    span: tuple[float, ...] = _SPAN
    """Smallest and largest value of a pixel in the units of the source."""

    def __post_init__(self) -> None:
        """Refuse what no pair can be."""
        if self.noise < 1:
            raise ConfigError("net.noise", expected="a whole number >= 1", got=str(self.noise))
        if not 0 <= self.penalty < math.inf:
            raise ConfigError("net.penalty", expected="a number >= 0", got=str(self.penalty))
        if not 0 < self.discriminator_rate < math.inf:
            raise ConfigError("net.discriminator_rate", expected="a number > 0", got=str(self.discriminator_rate))
        check_span(self.span)


@dataclass(frozen=True)
class GANSpec(AdversarialSpec):
    """A generator and a discriminator, both multilayer perceptrons."""

    summary: ClassVar[str] = "generative adversarial net: two multilayer perceptrons, for points and small pictures"

    hidden: tuple[int, ...] = (128, 128)
    """Units in each hidden layer of the generator; the discriminator has them in reverse order."""

    def build(
        self,
        shape: tuple[int, ...],
        outputs: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> "torch.nn.Module":
        """Make the pair; pictures are made within `span`, vectors of any numbers.

        Args:
            shape: of one example.
            outputs: not needed.
            mean, std: by which the examples were standardised; none: they come from 0 to 1.
        """
        from neurarium.nets.generative.gan import dense_gan

        ends = in_scale(self.span, shape, mean, std) if len(shape) == 3 else None
        return dense_gan(shape, self.noise, self.hidden, ends)


@dataclass(frozen=True)
class DCGANSpec(AdversarialSpec):
    """A generator and a discriminator of convolutions."""

    summary: ClassVar[str] = "deep convolutional generative adversarial net, for pictures of about 28 x 28"

    width: int = 64
    """Maps of the larger convolutional layer; the smaller one has twice as many."""

    def build(
        self,
        shape: tuple[int, ...],
        outputs: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> "torch.nn.Module":
        """Make the pair for pictures of `shape` (channels, height, width); see `GANSpec.build`.

        Raises:
            DataError: examples that are no pictures.
            ShapeError: sides that are no multiples of 4.
        """
        from neurarium.nets.generative.gan import dcgan

        channels, height, width = _pictures(shape, "dcgan", "gan")
        return dcgan((channels, height, width), self.noise, self.width, in_scale(self.span, shape, mean, std))


@dataclass(frozen=True)
class _AutoencoderSpec(ScaledSpec):
    """What both auto-encoders have.

    Raises:
        ConfigError: no code, noise out of range, or a span without length.
    """

    purpose: ClassVar[Purpose] = "reconstruction"

    code: int = 32
    """Numbers of the code."""

    activation: str = "relu"
    """Non-linearity of the hidden layers: relu, tanh, sigmoid, gelu, silu, ..."""

    noise: Literal["none", "gaussian", "masking", "salt-and-pepper"] = "none"
    """Damage done to the examples in training, so that the net learns to mend them."""

    amount: float = 0.25
    """Share of the numbers that masking and salt-and-pepper hit; standard deviation of gaussian noise as a share of
    the span; in [0, 1]. Without noise it has no effect."""

    span: tuple[float, ...] = _SPAN
    """Values, in the units of the source, that noise takes for black and white."""

    def __post_init__(self) -> None:
        """Refuse what no auto-encoder can be."""
        if self.code < 1:
            raise ConfigError("net.code", expected="a whole number >= 1", got=str(self.code))
        if not 0 <= self.amount <= 1:
            raise ConfigError("net.amount", expected="a number in [0, 1]", got=str(self.amount))
        check_span(self.span)

    def corruption(
        self, shape: tuple[int, ...], mean: Sequence[float] | None = None, std: Sequence[float] | None = None
    ) -> "Corruption | None":
        """Make the layer that damages examples; none where there is no noise. Arguments as for `build`."""
        if self.noise == "none":
            return None
        from neurarium.nets.generative.corruption import Corruption

        return Corruption(self.noise, self.amount, *in_scale(self.span, shape, mean, std))


@dataclass(frozen=True)
class AutoencoderSpec(_AutoencoderSpec):
    """Fully connected auto-encoder; denoising with a noise."""

    summary: ClassVar[str] = "auto-encoder of fully connected layers: through a narrow code and back; also denoising"

    hidden: tuple[int, ...] = (256, 128)
    """Units of the encoder's hidden layers, the decoder has them reversed; empty for a linear auto-encoder (PCA)."""

    def build(
        self,
        shape: tuple[int, ...],
        outputs: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> "torch.nn.Module":
        """Make the net: it answers with a reconstruction of `shape`, not with an output a class.

        Args:
            shape: of one example.
            outputs: not needed.
            mean, std: by which the examples were standardised, needed by noise alone; none: they come from 0 to 1.
        """
        from neurarium.nets.generative.autoencoder import dense_autoencoder

        noise = self.corruption(shape, mean, std)
        return dense_autoencoder(shape, self.hidden, self.code, self.activation, noise)


@dataclass(frozen=True)
class ConvolutionalAutoencoderSpec(_AutoencoderSpec):
    """Convolutional auto-encoder; denoising with a noise."""

    summary: ClassVar[str] = "convolutional auto-encoder, for pictures of about 28 x 28; also denoising"

    width: int = 32
    """Maps of the larger convolutional layer; the smaller one has twice as many."""

    def build(
        self,
        shape: tuple[int, ...],
        outputs: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> "torch.nn.Module":
        """Make the net for pictures of `shape` (channels, height, width); see `AutoencoderSpec.build`.

        Raises:
            DataError: examples that are no pictures.
            ShapeError: sides that are no multiples of 4.
        """
        from neurarium.nets.generative.autoencoder import convolutional_autoencoder

        pictures = _pictures(shape, "convolutional-autoencoder", "autoencoder")
        noise = self.corruption(shape, mean, std)
        return convolutional_autoencoder(pictures, self.width, self.code, self.activation, noise)


def _pictures(shape: tuple[int, ...], net: str, other: str) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise DataError(
            f"data for {net}",
            expected="pictures, each of shape (channels, height, width)",
            got=f"examples of shape {shape}",
            remedy=f"give pictures, or choose the net {other} for vectors",
        )
    channels, height, width = shape
    return channels, height, width
