"""Nets of series whose memory is a delay line, as a recipe names them (no torch)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from neurarium.checks import ConfigError
from neurarium.nets.recurrent.sequence_spec import SequenceSpec
from neurarium.nets.refusals import check_at_least_one
from neurarium.nets.spec import Module


@dataclass(frozen=True)
class TDNNSpec(SequenceSpec):
    """Time-delay neural network. Raises ConfigError: taps, dilations or layers that no net can have."""

    summary: ClassVar[str] = "time-delay neural network: units see a few earlier steps, a dilated convolution over time"
    laws: ClassVar[tuple[str, ...]] = ("batch", "causality", "streaming")

    hidden: tuple[int, ...] = (64, 64)
    """Units in each layer, from the input upwards."""
    dilations: tuple[int, ...] = (1, 2)
    """How many steps apart the taps of each layer lie."""
    taps: int = 3
    """Steps that a unit sees of the layer below."""
    look_ahead: int = 0
    """How many of the taps lie ahead; a net that looks ahead cannot go step by step."""
    activation: str = "relu"
    """Non-linearity of each layer: relu, tanh, sigmoid, gelu, silu, ..."""

    def __post_init__(self) -> None:
        """Refuse what no net can be."""
        super().__post_init__()
        check_at_least_one(self, "taps")
        if not 0 <= self.look_ahead < self.taps:
            raise ConfigError("net.look_ahead", expected=f"0 to {self.taps - 1} of the taps", got=str(self.look_ahead))
        for name, numbers in (("hidden", self.hidden), ("dilations", self.dilations)):
            if not numbers or min(numbers) < 1:
                raise ConfigError(f"net.{name}", expected="integers >= 1, one a layer", got=str(numbers))
        if len(self.hidden) != len(self.dilations):
            raise ConfigError(
                "net.dilations", expected=f"one a layer, {len(self.hidden)}", got=f"{len(self.dilations)} numbers"
            )

    def encoder(self, features: int) -> Module:
        """Layers of taps."""
        from neurarium.nets.recurrent.tdnn import tdnn

        return tdnn(features, self.hidden, self.dilations, self.taps, self.look_ahead, self.activation, self.dropout)


@dataclass(frozen=True)
class FSMNSpec(SequenceSpec):
    """Feedforward sequential memory network. Raises ConfigError: sizes, taps or strides that no net can have."""

    summary: ClassVar[str] = "feedforward sequential memory network: each layer with a filter over time as its memory"
    laws: ClassVar[tuple[str, ...]] = ("batch", "causality", "streaming")

    memory: Literal["scalar", "vectorized", "compact", "deep"] = "vectorized"
    """What a memory's tap is: a number, or one for each feature; over a narrow projection (compact), and with skip
    connections from memory to memory (deep)."""
    hidden: int = 64
    """Units of each layer."""
    layers: int = 2
    """How many layers, each with a memory."""
    projection: int = 32
    """Features of a memory over a projection."""
    look_back: int = 8
    """Steps that a memory sums besides the present one."""
    look_ahead: int = 0
    """Later steps that it sums; a net that looks ahead cannot go step by step."""
    back_stride: int = 1
    """How far apart the steps behind lie."""
    ahead_stride: int = 1
    """How far apart the steps ahead lie."""
    activation: str = "relu"
    """Non-linearity of each layer: relu, tanh, sigmoid, gelu, silu, ..."""

    def __post_init__(self) -> None:
        """Refuse what no net can be."""
        super().__post_init__()
        check_at_least_one(self, "hidden", "layers", "projection", "back_stride", "ahead_stride")
        for name in ("look_back", "look_ahead"):
            if getattr(self, name) < 0:
                raise ConfigError(f"net.{name}", expected="an integer >= 0", got=str(getattr(self, name)))
        kinds = ("scalar", "vectorized", "compact", "deep")
        if self.memory not in kinds:
            raise ConfigError("net.memory", expected=", ".join(kinds), got=str(self.memory))

    def encoder(self, features: int) -> Module:
        """Layers with memories."""
        from neurarium.nets.recurrent.compact_fsmn import CompactFSMNLayer
        from neurarium.nets.recurrent.encoder import CausalStack, EncoderStack
        from neurarium.nets.recurrent.fsmn import FSMNLayer, MemoryBlock

        narrow, layers = self.memory in ("compact", "deep"), list[Module]()
        for _ in range(self.layers):
            block = MemoryBlock(
                self.projection if narrow else self.hidden,
                self.look_back,
                self.look_ahead,
                self.back_stride,
                self.ahead_stride,
                scalar=self.memory == "scalar",
            )
            layer: CompactFSMNLayer | FSMNLayer = (
                CompactFSMNLayer(features, self.hidden, block, self.memory == "deep", self.activation)
                if narrow
                else FSMNLayer(features, block, self.activation)
            )
            layers.append(layer)
            features = layer.features
        return EncoderStack(layers, self.dropout) if self.look_ahead else CausalStack(layers, self.dropout)
