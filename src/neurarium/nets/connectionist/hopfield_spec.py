"""Hopfield networks as a recipe names them (no torch)."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from neurarium.checks import ConfigError
from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Schema

Storage = Literal["hebbian", "pseudo-inverse", "storkey", "dense", "modern"]

# Fraction of the range by which a value that lies on the threshold may miss it by rounding, when it is standardized.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class HopfieldSpec(NetSpec):
    """Associative memory: it stores images of -1 and +1 and recalls them from damaged ones."""

    summary: ClassVar[str] = "Hopfield network: stores images of -1 and +1, recalls them from damaged ones"
    task: ClassVar[str] = "recall"
    rule: ClassVar[str] = "storage"
    figures: ClassVar[tuple[str, ...]] = ("recall",)

    patterns: int = 50
    """How many examples are stored: the first ones that come."""
    storage: Storage = "pseudo-inverse"
    """Rule by which patterns become a memory: hebbian, pseudo-inverse and storkey give classic nets, dense a dense
    associative memory, modern a continuous one."""
    order: int | None = None
    """Order of the dense memory's polynomial; none: exponential."""
    beta: float = 0.25
    """Inverse temperature of the modern memory."""
    threshold: float = 0.5
    """Fraction of the value range above which a value becomes +1; all others become -1."""
    flip: float = 0.25
    """Fraction of the units flipped before a recall is measured."""

    def __post_init__(self) -> None:
        """Refuse what no memory can be, and what the kind of storage would ignore. Raises ConfigError."""
        checks = {
            "patterns": (self.patterns >= 1, "an integer >= 1"),
            "storage": (self.storage in get_args(Storage), f"one of {', '.join(get_args(Storage))}"),
            "order": (self.order is None or self.order >= 2, "an integer >= 2, or none"),
            "beta": (0 < self.beta < math.inf, "a finite number above 0"),
            "threshold": (0 <= self.threshold < 1, "a fraction in [0, 1)"),
            "flip": (0 <= self.flip <= 1, "a fraction in [0, 1]"),
        }
        for name, (right, expected) in checks.items():
            if not right:
                raise ConfigError(f"net.{name}", expected=expected, got=str(getattr(self, name)))
        for name, neutral, user in (("order", None, "dense"), ("beta", 0.25, "modern")):
            value = getattr(self, name)
            if value != neutral and self.storage != user:
                raise ConfigError(
                    f"net.{name}",
                    expected=f"{str(neutral).lower()}, as only the {user} memory uses it",
                    got=f"{value} with the storage {self.storage}",
                )

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net, its memory empty. Raises DataError: inputs are standardized, but of no known range."""
        from neurarium.nets.connectionist.associative_memory import AssociativeMemory
        from neurarium.nets.parts.value_range import scaled, value_range

        field = schema.dense("hopfield")
        low, high = value_range(field, "hopfield")
        cut = low + (self.threshold + _ROUNDING) * (high - low)
        level = scaled(cut, field).expand(field.fixed_shape).contiguous()
        return AssociativeMemory(level, self.patterns, self.storage, self.order, self.beta)
