"""What a net can do that writes a row of tokens: say the next at the same cost always, show what it looked at."""

from abc import ABC, abstractmethod
from typing import Any, TypeAlias

from jaxtyping import Float, Int
from torch import Tensor

State: TypeAlias = tuple[Any, ...]


class StepDecoder(ABC):
    """Writes a target token by token, from a source that it has read once.

    Law: what `say` answers is what the net called as net(source, target, source_lengths) answers at that place.
    """

    @abstractmethod
    def begin(self, source: Tensor, *lengths: Tensor) -> State:
        """Read the source; the state before the first token, a row of every tensor a row of the source."""

    @abstractmethod
    def say(self, tokens: Int[Tensor, "rows"], state: State) -> tuple[Float[Tensor, "rows vocabulary"], State]:
        """Logits of the token after one more of each row, and the state after it; the old state stays as it was."""


class Aligning(ABC):
    """May look back at its source while it writes."""

    @property
    @abstractmethod
    def has_attention(self) -> bool:
        """Whether it does."""

    @abstractmethod
    def alignments(
        self,
        source: Int[Tensor, "batch source"],
        target: Int[Tensor, "batch target"],
        source_lengths: Int[Tensor, "batch"],
    ) -> Float[Tensor, "batch target source"]:
        """How much is looked at each place of the source while the token after each place of the target is said.

        Rows sum to 1. Raises ConfigError: it has no attention.
        """
