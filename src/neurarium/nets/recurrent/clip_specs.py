"""Nets of clips as a recipe names them (no torch)."""

from dataclasses import dataclass
from typing import ClassVar

from neurarium.checks import ConfigError
from neurarium.nets.refusals import check_at_least_one, check_dropout, other_input
from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Field, Schema


@dataclass(frozen=True)
class ConvLSTMSpec(NetSpec):
    """Convolutional LSTM. Raises ConfigError: sizes that no net can have."""

    summary: ClassVar[str] = "convolutional LSTM: classifies a clip, or continues it where frames are to be predicted"
    figures: ClassVar[tuple[str, ...]] = ("continuations",)

    hidden: tuple[int, ...] = (32,)
    """Channels of the state of each layer, from the clip upwards."""
    kernel: int = 3
    """Side of the kernels, odd: how far what is remembered moves in a step, in patches."""
    patch: int = 4
    """Side of the patches that become the channels of one place; it divides the sides of the frames."""
    dropout: float = 0.0
    """Probability of dropping one of the numbers before the output of a classifier, at least 0 and below 1."""

    def __post_init__(self) -> None:
        """Refuse what no net can be."""
        check_at_least_one(self, "kernel", "patch")
        check_dropout(self.dropout)
        check_layers("hidden", self.hidden)
        if self.kernel % 2 == 0:
            raise ConfigError("net.kernel", expected="an odd number", got=str(self.kernel))

    @classmethod
    def example(cls) -> Schema:
        """Clips of 5 frames of 12 x 12 pixels, in 4 classes."""
        return example_clips()

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for clips; targets that are frames of the same size it predicts, others by class or number."""
        from neurarium.nets.recurrent.conv_lstm_net import ConvLSTMClassifier, ConvLSTMForecaster

        shape, target = clip_shape(schema, "conv-lstm"), schema.target
        if len(target.shape) == 4 and not target.is_ragged and target.fixed_shape[2:] == shape[2:]:
            ahead, following, *_ = target.fixed_shape
            return ConvLSTMForecaster(shape, ahead, following, self.hidden, self.kernel, self.patch)
        return ConvLSTMClassifier(shape, schema.outputs, self.hidden, self.kernel, self.patch, self.dropout)


@dataclass(frozen=True)
class VideoNetSpec(NetSpec):
    """3-D convolutional net. Raises ConfigError: no channel, or a probability out of range."""

    summary: ClassVar[str] = "3-D convolutional net: kernels over time, height and width of a clip"

    channels: tuple[int, ...] = (16, 32, 64)
    """Channels of each layer, from the clip upwards."""
    dropout: float = 0.0
    """Probability of dropping one of the numbers before the output, at least 0 and below 1."""

    def __post_init__(self) -> None:
        """Refuse what no net can be."""
        check_dropout(self.dropout)
        check_layers("channels", self.channels)

    @classmethod
    def example(cls) -> Schema:
        """Clips of 5 frames of 12 x 12 pixels, in 4 classes."""
        return example_clips()

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for clips."""
        from neurarium.nets.convolutional.video_net import VideoNet

        return VideoNet(clip_shape(schema, "conv3d"), schema.outputs, self.channels, self.dropout)


def example_clips() -> Schema:
    """Clips of 5 frames of 12 x 12 pixels, in 4 classes."""
    return Schema({"clip": Field((5, 1, 12, 12))}, {"label": Field((), tuple("1234"))})


def clip_shape(schema: Schema, net: str) -> tuple[int, int, int, int]:
    """Frames, channels, height and width. Raises ShapeError: the examples are no clips of one length and size."""
    field = schema.input
    if not schema.is_dense or len(field.shape) != 4:
        raise other_input(net, "clips of one shape (frames, channels, height, width)", schema)
    frames, channels, height, width = field.fixed_shape
    return frames, channels, height, width


def check_layers(name: str, sizes: tuple[int, ...]) -> None:
    """Refuse no layer, and one without channels. Raises ConfigError: names the field."""
    if not sizes or min(sizes) < 1:
        raise ConfigError(f"net.{name}", expected="integers >= 1, one a layer", got=str(sizes))
