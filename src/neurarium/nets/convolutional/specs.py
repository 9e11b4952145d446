"""Convolutional nets as a recipe names them (no torch)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from neurarium.checks import ShapeError
from neurarium.nets.spec import NetSpec

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class LeNet5Spec(NetSpec):
    """LeNet-5 with max pooling and a linear output layer."""

    summary: ClassVar[str] = "LeNet-5 as used today: two convolutions, max pooling, three linear layers"

    activation: str = "relu"
    """Non-linearity after each layer but the last: relu, tanh, sigmoid, gelu, silu, ..."""

    def build(self, shape: tuple[int, ...], outputs: int) -> "torch.nn.Module":
        """Make the net for images of `shape` (channels, height, width)."""
        from neurarium.nets.convolutional.lenet import LeNet5

        channels, height, width = image_shape(shape, "lenet5")
        return LeNet5(channels=channels, size=(height, width), outputs=outputs, activation=self.activation)


@dataclass(frozen=True)
class LeNet1998Spec(NetSpec):
    """LeNet-5 as printed in 1998."""

    summary: ClassVar[str] = "LeNet-5 as printed in 1998: connection table, trained subsampling, digit-shaped codes"

    def build(self, shape: tuple[int, ...], outputs: int) -> "torch.nn.Module":
        """Make the net for images of `shape` (channels, height, width)."""
        from neurarium.nets.convolutional.lenet_1998 import LeNet1998

        channels, height, width = image_shape(shape, "lenet5-1998")
        return LeNet1998(channels=channels, size=(height, width), outputs=outputs)


def image_shape(shape: tuple[int, ...], net: str) -> tuple[int, int, int]:
    """Return channels, height and width of the examples of a net of images.

    Raises:
        ShapeError: the examples are not images.
    """
    if len(shape) != 3:
        raise ShapeError(
            f"{net} input",
            expected="images, each of shape (channels, height, width)",
            got=f"examples of shape {shape}",
            remedy="give images, or choose the net mlp for vectors",
        )
    channels, height, width = shape
    return channels, height, width
