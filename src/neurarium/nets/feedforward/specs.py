"""Feed-forward nets as a recipe names them (no torch)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Schema


@dataclass(frozen=True)
class MLPSpec(NetSpec):
    """Multilayer perceptron."""

    summary: ClassVar[str] = "multilayer perceptron: fully connected layers of any width, depth and activation"
    laws: ClassVar[tuple[str, ...]] = ("batch", "hidden units")

    hidden: tuple[int, ...] = (256, 256)
    """Units in each hidden layer, from the input upwards; empty for a linear classifier."""
    activation: str = "relu"
    """Non-linearity after each hidden layer: relu, tanh, sigmoid, gelu, silu, ..."""
    dropout: float = 0.0
    """Probability of dropping a hidden unit while training, at least 0 and below 1."""
    init: str = "he"
    """Distribution of the initial weights: normal, uniform, lecun, xavier, he, orthogonal, lecun-uniform, xavier-normal
    or he-uniform."""
    norm: Literal["none", "batch", "layer", "group", "weight"] = "none"
    """Normalization between each hidden layer and its non-linearity; batch needs at least two examples at a time."""

    @property
    def batch_statistics(self) -> bool:  # type: ignore[override]
        """Whether it normalizes by the batch."""
        return self.norm == "batch"

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net; an example of any shape is flattened."""
        from neurarium.nets.feedforward.mlp import MLP

        sizes = (schema.dense("mlp").size, *self.hidden, schema.outputs)
        return MLP(sizes, self.activation, self.dropout, self.init, self.norm)
