"""Convolutional nets as a recipe names them (no torch)."""

from dataclasses import dataclass
from typing import ClassVar

from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Schema


@dataclass(frozen=True)
class LeNet5Spec(NetSpec):
    """LeNet-5 with max pooling and a linear output layer."""

    summary: ClassVar[str] = "LeNet-5 as used today: two convolutions, max pooling, three linear layers"
    laws: ClassVar[tuple[str, ...]] = ("batch", "hidden units", "shift of the features")

    activation: str = "relu"
    """Non-linearity after each layer but the last: relu, tanh, sigmoid, gelu, silu, ..."""

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for images."""
        from neurarium.nets.convolutional.lenet import LeNet5

        channels, height, width = schema.image("lenet5")
        return LeNet5(channels=channels, size=(height, width), outputs=schema.outputs, activation=self.activation)


@dataclass(frozen=True)
class LeNet1998Spec(NetSpec):
    """LeNet-5 as printed in 1998."""

    summary: ClassVar[str] = "LeNet-5 as printed in 1998: connection table, trained subsampling, digit-shaped codes"
    laws: ClassVar[tuple[str, ...]] = ("batch", "hidden units", "shift of the features")

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for images."""
        from neurarium.nets.convolutional.lenet_1998 import LeNet1998

        channels, height, width = schema.image("lenet5-1998")
        return LeNet1998(channels=channels, size=(height, width), outputs=schema.outputs)
