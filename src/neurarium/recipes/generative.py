"""Complete runs of nets that reconstruct examples or make new ones."""

from neurarium.learning.augmentation import Augmentation
from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.generative.specs import AutoencoderSpec, ConvolutionalAutoencoderSpec, DCGANSpec, GANSpec
from neurarium.training.recipe import Recipe


def autoencoder() -> Recipe:
    """784-512-256-32-256-512-784 on 5,000 real digits: images through 32 numbers and back."""
    return Recipe(
        name="autoencoder",
        net=AutoencoderSpec(hidden=(512, 256), latent_dim=32, activation="gelu"),
        optimizer=Optimizer("adam", lr=2e-3),
        schedule=Schedule("cosine", warmup=0.05),
        augmentation=Augmentation(shift=1),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=60,
    )


def denoising_autoencoder() -> Recipe:
    """Convolutional auto-encoder that denoises real digits with a quarter of their pixels lost."""
    return Recipe(
        name="denoising-autoencoder",
        net=ConvolutionalAutoencoderSpec(latent_dim=64, corruption="salt-and-pepper", amount=0.25),
        optimizer=Optimizer("adam", lr=2e-3),
        schedule=Schedule("cosine", warmup=0.05),
        early_stopping=EarlyStopping(monitor="loss"),
        epochs=20,
    )


def gan() -> Recipe:
    """Generator and discriminator of two hidden layers each, on a ring of 8 narrow Gaussians."""
    return Recipe(
        name="gan",
        net=GANSpec(latent_dim=2),
        data="ring-of-8",
        optimizer=Optimizer("adam", lr=2e-3, betas=(0.5, 0.9)),
        schedule=Schedule("cosine"),
        early_stopping=EarlyStopping(monitor="nothing"),
        epochs=100,
        batch_size=256,
    )


def dcgan() -> Recipe:
    """Convolutional generator and discriminator on 5,000 real digits, judged by LeNet-5."""
    return Recipe(
        name="dcgan",
        net=DCGANSpec(channels=32, penalty=0.01),
        pretrained="lenet5",
        optimizer=Optimizer("adam", lr=1e-3, betas=(0.5, 0.999)),
        schedule=Schedule("cosine"),
        early_stopping=EarlyStopping(monitor="nothing"),
        epochs=40,
        batch_size=64,
    )
