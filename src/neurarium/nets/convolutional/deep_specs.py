"""The classic deep convolutional nets as a recipe names them (no torch)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Schema, image_schema

ResNetDepth = Literal[20, 32, 44, 56, 110, 18, 34, 50, 101, 152]

LARGE_IMAGES = image_schema((3, 224, 224), 1000)
"""What the forms for large images were published for."""


@dataclass(frozen=True)
class AlexNetSpec(NetSpec):
    """AlexNet for images of 63 pixels a side or more."""

    summary: ClassVar[str] = "AlexNet for large images: five convolutions, three linear layers, 61 million weights"

    dropout: float = 0.5
    """Probability of dropping an input of the two hidden linear layers while training."""

    @classmethod
    def example(cls) -> Schema:
        """Photographs of a thousand classes."""
        return LARGE_IMAGES

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for images."""
        from neurarium.nets.convolutional.alexnet import AlexNet

        channels, height, width = schema.image("alexnet")
        return AlexNet(channels, (height, width), schema.outputs, self.dropout)


@dataclass(frozen=True)
class SmallAlexNetSpec(NetSpec):
    """AlexNet for small images."""

    summary: ClassVar[str] = "AlexNet for small images: five convolutions, overlapping pooling, three linear layers"
    laws: ClassVar[tuple[str, ...]] = ("batch", "hidden units")

    width: int = 32
    """Maps of the first convolution; all other layers follow in AlexNet's proportions."""

    dropout: float = 0.5
    """Probability of dropping an input of the two hidden linear layers while training."""

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for images."""
        from neurarium.nets.convolutional.alexnet import SmallAlexNet

        channels, height, width = schema.image("alexnet-small")
        return SmallAlexNet(channels, (height, width), schema.outputs, self.width, self.dropout)


@dataclass(frozen=True)
class VGGSpec(NetSpec):
    """VGG for images of 32 pixels a side or more."""

    summary: ClassVar[str] = "VGG for large images: stages of 3 x 3 convolutions, three linear layers"
    sizes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        f"vgg{depth}{'-bn' * norm}": {"depth": depth, "batch_norm": norm}
        for norm in (False, True)
        for depth in (11, 13, 16, 19)
    }

    depth: Literal[11, 13, 16, 19] = 16
    """Number of convolutions and linear layers."""

    batch_norm: bool = False
    """Batch normalization between each convolution and its rectifier."""

    dropout: float = 0.5
    """Probability of dropping a unit of the two hidden linear layers while training."""

    @classmethod
    def example(cls) -> Schema:
        """Photographs of a thousand classes."""
        return LARGE_IMAGES

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for images."""
        from neurarium.nets.convolutional.vgg import VGG

        channels, height, width = schema.image("vgg")
        return VGG(self.depth, channels, (height, width), schema.outputs, self.batch_norm, self.dropout)


@dataclass(frozen=True)
class SmallVGGSpec(NetSpec):
    """VGG for small images."""

    summary: ClassVar[str] = "VGG for small images: three stages of two 3 x 3 convolutions, three linear layers"
    laws: ClassVar[tuple[str, ...]] = ("batch", "hidden units")
    batch_statistics: ClassVar[bool] = True

    width: int = 32
    """Maps of the first stage; the next have twice and four times as many."""

    batch_norm: bool = True
    """Batch normalization between each convolution and its rectifier."""

    dropout: float = 0.5
    """Probability of dropping a unit of the two hidden linear layers while training."""

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for images."""
        from neurarium.nets.convolutional.vgg import SmallVGG

        channels, height, width = schema.image("vgg-small")
        return SmallVGG(channels, (height, width), schema.outputs, self.width, self.batch_norm, self.dropout)


@dataclass(frozen=True)
class ResNetSpec(NetSpec):
    """Residual net."""

    summary: ClassVar[str] = "residual net: blocks that learn a change of their input, 20 to 152 layers"
    sizes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        f"resnet{depth}": {"depth": depth} for depth in (18, 34, 50, 101, 152)
    }
    batch_statistics: ClassVar[bool] = True

    depth: ResNetDepth = 20
    """Number of layers: 20, 32, 44, 56, 110 for small images; 18, 34, 50, 101, 152 for large ones."""

    shortcut: Literal["usual", "padded", "projection"] = "usual"
    """Where maps change: padded with zeros, a learned projection, or the usual: the first for small images."""

    zero_gamma: bool = False
    """Let every block begin as its shortcut: the last normalization of its branch begins at gamma = 0."""

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for images."""
        from neurarium.nets.convolutional.resnet import ResNet

        channels, height, width = schema.image("resnet")
        return ResNet(self.depth, channels, (height, width), schema.outputs, self.shortcut, self.zero_gamma)


@dataclass(frozen=True)
class PlainNetSpec(NetSpec):
    """The layers of a residual net without its shortcuts."""

    summary: ClassVar[str] = "plain net: the layers of a residual net without its shortcuts, to compare"
    batch_statistics: ClassVar[bool] = True

    depth: ResNetDepth = 20
    """Number of layers: 20, 32, 44, 56, 110 for small images; 18, 34, 50, 101, 152 for large ones."""

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for images."""
        from neurarium.nets.convolutional.resnet import ResNet

        channels, height, width = schema.image("plain")
        return ResNet(self.depth, channels, (height, width), schema.outputs, shortcut="none")


@dataclass(frozen=True)
class DenseNetSpec(NetSpec):
    """Densely connected net."""

    summary: ClassVar[str] = "densely connected net: every layer of a block reads the maps of all layers before it"
    sizes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        f"densenet{depth}": {"depth": depth} for depth in (121, 169, 201)
    }
    batch_statistics: ClassVar[bool] = True

    depth: Literal[40, 100, 121, 169, 201] = 40
    """Number of layers: 40 or 100 for small images, 121, 169 or 201 for large ones."""

    bottleneck: bool = True
    """Bottlenecks and compression, the BC form; without only for small images."""

    dropout: float = 0.0
    """Probability of dropping a number that a layer of a block makes, while training."""

    recompute: bool = False
    """Less memory for training and more time: compute the concatenations again on the way back."""

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for images."""
        from neurarium.nets.convolutional.densenet import DenseNet

        channels, height, width = schema.image("densenet")
        return DenseNet(
            self.depth,
            channels,
            (height, width),
            schema.outputs,
            bottleneck=self.bottleneck,
            dropout=self.dropout,
            recompute=self.recompute,
        )
