"""Residual multilayer perceptron as a recipe names it (no torch)."""

from dataclasses import dataclass
from typing import ClassVar

from neurarium.checks import ConfigError
from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Schema


@dataclass(frozen=True)
class ResidualMLPSpec(NetSpec):
    """Residual multilayer perceptron. Raises ConfigError: a size below 1."""

    summary: ClassVar[str] = "residual multilayer perceptron: x + (phi(Wx + b) - phi(0)), a hundred layers and more"

    width: int = 128
    """Units of every residual layer."""
    depth: int = 20
    """Number of residual layers."""
    activation: str = "relu"
    """Non-linearity of the branches: relu, tanh, sigmoid, gelu, silu, ..."""
    maps: int = 1
    """Linear maps in the branch of each layer, each followed by the activation."""
    init: str = "he"
    """Distribution of the first weights, as for the net mlp; each branch begins 1 / depth as large."""

    def __post_init__(self) -> None:
        for name in ("width", "depth", "maps"):
            if getattr(self, name) < 1:
                raise ConfigError(f"net.{name}", expected="an integer >= 1", got=str(getattr(self, name)))

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net; an example of any shape is flattened."""
        from neurarium.nets.feedforward.residual_mlp import ResidualMLP

        sizes = (schema.dense("residual-mlp").size, *[self.width] * self.depth, schema.outputs)
        return ResidualMLP(sizes, self.activation, self.maps, self.init)
