"""Hopfield networks as a recipe names them (no torch)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from neurarium.checks import ConfigError
from neurarium.nets.spec import Purpose, ScaledSpec, check_span

if TYPE_CHECKING:
    import torch

Storage = Literal["hebbian", "pseudo-inverse", "storkey", "dense", "modern"]

# Share of the span by which a value that lies on the threshold may miss it by rounding, when it is standardised.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class HopfieldSpec(ScaledSpec):
    """Associative memory: it stores pictures of -1 and +1 and recalls them from damaged ones.

    Raises:
        ConfigError: a number out of its range, or a constant that the kind of storage would ignore.
    """

    summary: ClassVar[str] = "Hopfield network: stores pictures of -1 and +1, recalls them from damaged ones"
    purpose: ClassVar[Purpose] = "recall"

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
    """Share of the span above which a value becomes +1; all others become -1."""

    span: tuple[float, ...] = (0.0, 255.0)
    """Smallest and largest value of the data, in the units of the source."""

    flip: float = 0.25
    """Share of the units turned round before a recall is measured."""

    def __post_init__(self) -> None:
        """Refuse what no memory can be, and what would be ignored."""
        checks = {
            "patterns": (self.patterns >= 1, "a whole number >= 1"),
            "storage": (self.storage in get_args(Storage), f"one of {', '.join(get_args(Storage))}"),
            "order": (self.order is None or self.order >= 2, "a whole number >= 2, or none"),
            "beta": (0 < self.beta < math.inf, "a finite number above 0"),
            "threshold": (0 <= self.threshold < 1, "a share in [0, 1)"),
            "flip": (0 <= self.flip <= 1, "a share in [0, 1]"),
        }
        for name, (right, expected) in checks.items():
            if not right:
                raise ConfigError(f"net.{name}", expected=expected, got=str(getattr(self, name)))
        check_span(self.span)
        for name, neutral, user in (("order", None, "dense"), ("beta", 0.25, "modern")):
            value = getattr(self, name)
            if value != neutral and self.storage != user:
                raise ConfigError(
                    f"net.{name}",
                    expected=f"{str(neutral).lower()}, as only the {user} memory uses it",
                    got=f"{value} with the storage {self.storage}",
                )

    def build(
        self,
        shape: tuple[int, ...],
        outputs: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> "torch.nn.Module":
        """Make the net, its memory empty; it has a unit a feature and answers in the shape of the examples.

        Args:
            shape: of one example.
            outputs: not needed.
            mean, std: by which the inputs were standardised, one number a channel or feature, in the units of
                `span`; none: inputs come from 0 to 1.
        """
        import torch

        from neurarium.nets.connectionist.associative_memory import AssociativeMemory

        share = self.threshold + _ROUNDING
        if mean is None or std is None:
            level = torch.full(shape, share)
        else:
            low, high = self.span
            cut = low + share * (high - low)
            numbers = torch.tensor([(cut - m) / s for m, s in zip(mean, std, strict=True)])
            level = numbers.view(-1, *[1] * (len(shape) - 1)).expand(shape).contiguous()
        return AssociativeMemory(level, self.patterns, self.storage, self.order, self.beta)
