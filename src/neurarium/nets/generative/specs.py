"""Auto-encoders and adversarial nets as a recipe names them (no torch)."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from neurarium.checks import ConfigError
from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Field, Schema

if TYPE_CHECKING:
    from neurarium.nets.generative.corruption import Corruption


@dataclass(frozen=True)
class AdversarialSpec(NetSpec):
    """What every adversarial pair has; not a net by itself."""

    task: ClassVar[str] = "generation"
    rule: ClassVar[str] = "adversarial"
    figures: ClassVar[tuple[str, ...]] = ("samples",)

    latent_dim: int = 64
    """Numbers of noise from which an example is made."""
    loss: Literal["non-saturating", "saturating", "least-squares"] = "non-saturating"
    """What the two players make small."""
    penalty: float = 0.1
    """Weight gamma of the gradient penalty at the real examples (R1); 0 for none."""
    discriminator_rate: float = 1.0
    """Learning rate of the discriminator as a multiple of the generator's, which is the optimizer's."""

    def __post_init__(self) -> None:
        """Refuse what no pair can be. Raises ConfigError: no noise, a penalty below 0, or a rate not above 0."""
        if self.latent_dim < 1:
            raise ConfigError("net.latent_dim", expected="an integer >= 1", got=str(self.latent_dim))
        if not 0 <= self.penalty < math.inf:
            raise ConfigError("net.penalty", expected="a number >= 0", got=str(self.penalty))
        if not 0 < self.discriminator_rate < math.inf:
            raise ConfigError("net.discriminator_rate", expected="a number > 0", got=str(self.discriminator_rate))


@dataclass(frozen=True)
class GANSpec(AdversarialSpec):
    """A generator and a discriminator, both multilayer perceptrons."""

    summary: ClassVar[str] = "generative adversarial net: two multilayer perceptrons, for points and small images"

    hidden: tuple[int, ...] = (128, 128)
    """Units in each hidden layer of the generator; the discriminator has them in reverse order."""

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the pair; images are made within their value range (DataError: none known), vectors of any numbers."""
        from neurarium.nets.generative.gan import dense_gan
        from neurarium.nets.parts.value_range import scaled_range

        field = schema.dense("gan")
        ends = scaled_range(field, "gan") if field.is_image else None
        return dense_gan(field.fixed_shape, self.latent_dim, self.hidden, ends)


@dataclass(frozen=True)
class DCGANSpec(AdversarialSpec):
    """A generator and a discriminator of convolutions."""

    summary: ClassVar[str] = "deep convolutional generative adversarial net, for images of about 28 x 28"
    batch_statistics: ClassVar[bool] = True

    channels: int = 64
    """Channels of the larger convolutional layer; the smaller one has twice as many."""

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the pair for images. Raises ShapeError: sides no multiples of 4; DataError: no known value range."""
        from neurarium.nets.generative.gan import dcgan
        from neurarium.nets.parts.value_range import scaled_range

        shape = schema.image("dcgan", instead="gan")
        return dcgan(shape, self.latent_dim, self.channels, scaled_range(schema.input, "dcgan"))


@dataclass(frozen=True)
class _AutoencoderSpec(NetSpec):
    """What both auto-encoders have. Raises ConfigError: no code, or noise out of range."""

    task: ClassVar[str] = "reconstruction"
    figures: ClassVar[tuple[str, ...]] = ("reconstructions",)

    latent_dim: int = 32
    """Numbers of the code."""
    activation: str = "relu"
    """Non-linearity of the hidden layers: relu, tanh, sigmoid, gelu, silu, ..."""
    corruption: Literal["none", "gaussian", "masking", "salt-and-pepper"] = "none"
    """Damage done to the examples in training, so that the net learns to denoise them."""
    amount: float = 0.25
    """Fraction of the numbers that masking and salt-and-pepper hit; standard deviation of gaussian noise as a fraction
    of the value range; in [0, 1]. Without noise it has no effect."""

    def __post_init__(self) -> None:
        if self.latent_dim < 1:
            raise ConfigError("net.latent_dim", expected="an integer >= 1", got=str(self.latent_dim))
        if not 0 <= self.amount <= 1:
            raise ConfigError("net.amount", expected="a number in [0, 1]", got=str(self.amount))

    def make_corruption(self, field: Field, net: str) -> "Corruption | None":
        """Make the layer that damages examples, none without noise. Raises DataError: no known value range."""
        if self.corruption == "none":
            return None
        from neurarium.nets.generative.corruption import Corruption
        from neurarium.nets.parts.value_range import scaled_range

        return Corruption(self.corruption, self.amount, *scaled_range(field, net))


@dataclass(frozen=True)
class AutoencoderSpec(_AutoencoderSpec):
    """Fully connected auto-encoder; denoising with a noise."""

    summary: ClassVar[str] = "auto-encoder of fully connected layers: through a narrow code and back; also denoising"
    laws: ClassVar[tuple[str, ...]] = ("batch", "hidden units")

    hidden: tuple[int, ...] = (256, 128)
    """Units of the encoder's hidden layers, the decoder has them reversed; empty for a linear auto-encoder (PCA)."""

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net, which answers in the examples' shape. Raises DataError: noise, but no known value range."""
        from neurarium.nets.generative.autoencoder import dense_autoencoder

        field = schema.dense("autoencoder")
        noise = self.make_corruption(field, "autoencoder")
        return dense_autoencoder(field.fixed_shape, self.hidden, self.latent_dim, self.activation, noise)


@dataclass(frozen=True)
class ConvolutionalAutoencoderSpec(_AutoencoderSpec):
    """Convolutional auto-encoder; denoising with a noise."""

    summary: ClassVar[str] = "convolutional auto-encoder, for images of about 28 x 28; also denoising"

    channels: int = 32
    """Channels of the larger convolutional layer; the smaller one has twice as many."""

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for images. Raises ShapeError: sides no multiples of 4; DataError: noise, no value range."""
        from neurarium.nets.generative.autoencoder import convolutional_autoencoder

        shape = schema.image("convolutional-autoencoder", instead="autoencoder")
        noise = self.make_corruption(schema.input, "convolutional-autoencoder")
        return convolutional_autoencoder(shape, self.channels, self.latent_dim, self.activation, noise)
