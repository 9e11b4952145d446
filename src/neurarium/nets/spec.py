"""What a recipe says about a net: plain values that print, parse and compare (no torch)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from neurarium.checks import ConfigError

if TYPE_CHECKING:
    import torch


Purpose = Literal["prediction", "reconstruction", "density", "generation", "recall"]


@dataclass(frozen=True)
class NetSpec:
    """The choices a user has about a net, all with defaults; everything else follows from the data.

    A subclass adds fields and `build`, enters `nets.catalogue.NETS`, and imports torch only inside `build`.
    """

    summary: ClassVar[str] = ""
    """One line for `neurarium list`."""
    purpose: ClassVar[Purpose] = "prediction"
    """What the net is for: by it reports and scores are chosen."""

    def build(self, shape: tuple[int, ...], outputs: int) -> "torch.nn.Module":
        """Make the net with fresh weights drawn from torch's default generator.

        Args:
            shape: shape of one example without the batch, such as (1, 28, 28) or (13,).
            outputs: number of logits: classes to tell apart.

        Returns:
            A module from (batch, *shape) to logits (batch, outputs).

        Raises:
            ShapeError: the net cannot take examples of this shape.
            ConfigError: a field holds a value that cannot be used.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class ScaledSpec(NetSpec):
    """A net that must know the units of its inputs: it draws, stores or damages values of a known range."""

    def build(
        self,
        shape: tuple[int, ...],
        outputs: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> "torch.nn.Module":
        """Make the net; see `NetSpec.build`.

        Args:
            shape: of one example.
            outputs: number of classes, for nets that look at labels.
            mean, std: by which the examples were standardised, one number a channel or feature, in the units of the
                source; none: they come from 0 to 1.
        """
        raise NotImplementedError


def check_span(span: Sequence[float]) -> None:
    """Refuse a span of values, smallest and largest, that has no length.

    Raises:
        ConfigError: says what came.
    """
    if len(span) != 2 or not -math.inf < span[0] < span[1] < math.inf:
        raise ConfigError("net.span", expected="two numbers, the smaller first", got=str(span))
