"""The Neocognitron as a recipe names it (no torch)."""

import math
from dataclasses import dataclass
from typing import ClassVar

from neurarium.checks import ConfigError
from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Schema


@dataclass(frozen=True)
class NeocognitronSpec(NetSpec):
    """Neocognitron of two stages with a linear classifier, for images. Raises ConfigError: a number out of range."""

    summary: ClassVar[str] = "Neocognitron of 1980: oriented filters, cells that forgive shifts, a linear classifier"

    learned: int = 0
    """Planes of the second stage that teach themselves without labels; 0: fixed filters for ends, corners and lines."""
    presentations: int = 1000
    """Images that the learned planes see before they are fixed."""
    selectivity: tuple[float, ...] = (1.5, 1.0)
    """r of the two stages: cells answer where similarity to their feature is above r / (1 + r)."""

    def __post_init__(self) -> None:
        for name in ("learned", "presentations"):
            if getattr(self, name) < 0:
                raise ConfigError(f"net.{name}", expected="an integer >= 0", got=str(getattr(self, name)))
        if len(self.selectivity) != 2 or not all(0 < r < math.inf for r in self.selectivity):
            raise ConfigError("net.selectivity", expected="two numbers > 0", got=str(self.selectivity))

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for images. Raises ShapeError: no images, or images of less than 8 x 8 pixels."""
        from neurarium.nets.convolutional.neocognitron import Neocognitron

        channels, height, width = schema.image("neocognitron")
        first, second = self.selectivity
        return Neocognitron(
            channels, (height, width), schema.outputs, self.learned, self.presentations, (first, second)
        )
