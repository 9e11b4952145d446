"""Nets of linear recurrences as a recipe names them (no torch)."""

import math
from dataclasses import dataclass
from typing import ClassVar

from neurarium.checks import ConfigError
from neurarium.nets.recurrent.sequence_spec import SequenceSpec
from neurarium.nets.refusals import check_at_least_one
from neurarium.nets.spec import Module


@dataclass(frozen=True)
class LinearRecurrenceSpec(SequenceSpec):
    """Blocks of a linear recurrence and a gated linear unit. Raises ConfigError: a size below 1."""

    laws: ClassVar[tuple[str, ...]] = ("batch", "causality", "streaming")

    width: int = 64
    """Numbers between two blocks, at least 2."""
    states: int = 64
    """Numbers of each block that are carried from step to step."""
    layers: int = 2
    """Blocks: norm, recurrence, gated linear unit, skip."""

    def __post_init__(self) -> None:
        """Refuse what no net can be."""
        super().__post_init__()
        check_at_least_one(self, "width", "states", "layers")
        if self.width < 2:
            raise ConfigError("net.width", expected="an integer >= 2, as layer norm leaves nothing of one", got="1")

    def recurrence(self, features: int) -> Module:
        """Make the recurrence of a block, of rows of so many numbers."""
        raise NotImplementedError

    def encoder(self, features: int) -> Module:
        """Make the stack of blocks."""
        from neurarium.nets.recurrent.recurrent_block import RecurrentStack

        return RecurrentStack(features, self.width, self.layers, self.recurrence, self.dropout)


@dataclass(frozen=True)
class GatedMeanSpec(LinearRecurrenceSpec):
    """Stack of units whose state is a running mean. Raises ConfigError: a size below 1, or a memory below 2 steps."""

    longest: int = 2
    """Steps that units remember at first: from 2 to about so many, at least 2."""

    def __post_init__(self) -> None:
        """Refuse what no net can be."""
        super().__post_init__()
        if self.longest < 2:
            raise ConfigError("net.longest", expected="an integer >= 2", got=str(self.longest))


@dataclass(frozen=True)
class MinGRUSpec(GatedMeanSpec):
    """Stack of minGRU. Raises ConfigError: a size below 1, or a memory below 2 steps."""

    summary: ClassVar[str] = "minGRU: gates that see the input alone, states by a parallel scan, in residual blocks"

    def recurrence(self, features: int) -> Module:
        """Make a minGRU."""
        from neurarium.nets.recurrent.min_gru import MinGRU

        return MinGRU(features, self.states, self.longest)


@dataclass(frozen=True)
class MinLSTMSpec(GatedMeanSpec):
    """Stack of minLSTM. Raises ConfigError: a size below 1, or a memory below 2 steps."""

    summary: ClassVar[str] = (
        "minLSTM: two gates that see the input alone, states by a parallel scan, in residual blocks"
    )

    def recurrence(self, features: int) -> Module:
        """Make a minLSTM."""
        from neurarium.nets.recurrent.min_lstm import MinLSTM

        return MinLSTM(features, self.states, self.longest)


@dataclass(frozen=True)
class LRUSpec(LinearRecurrenceSpec):
    """Stack of LRU. Raises ConfigError: a size below 1, or no ring."""

    summary: ClassVar[str] = (
        "LRU: complex diagonal linear systems, stable always, by a parallel scan, in residual blocks"
    )

    smallest: float = 0.0
    """Least modulus of an eigenvalue at first."""
    largest: float = 1.0
    """Greatest modulus of an eigenvalue at first, at most 1."""
    largest_phase: float = 2 * math.pi
    """Greatest phase of an eigenvalue at first: small where slow changes matter."""

    def __post_init__(self) -> None:
        """Refuse what no net can be."""
        super().__post_init__()
        if not 0 <= self.smallest < self.largest <= 1:
            raise ConfigError(
                "net.smallest", expected="0 <= smallest < largest <= 1", got=f"{self.smallest:g} and {self.largest:g}"
            )
        if not self.largest_phase > 0:
            raise ConfigError("net.largest_phase", expected="a number > 0", got=f"{self.largest_phase:g}")

    def recurrence(self, features: int) -> Module:
        """Make an LRU."""
        from neurarium.nets.recurrent.lru import LRU

        return LRU(
            features, self.states, smallest=self.smallest, largest=self.largest, largest_phase=self.largest_phase
        )
