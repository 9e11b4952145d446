"""Recurrent nets as a recipe names them (no torch)."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from neurarium.checks import choose
from neurarium.nets.recurrent.sequence_spec import SequenceSpec
from neurarium.nets.refusals import check_at_least_one
from neurarium.nets.spec import Module

CellName = Literal[
    "elman",
    "lstm",
    "gru",
    "lstm-printed-000",
    "lstm-printed-004",
    "layer-norm-elman",
    "layer-norm-lstm",
    "layer-norm-gru",
    "second-order",
    "several-states",
    "deep-transition",
]


@dataclass(frozen=True)
class RecurrentSpec(SequenceSpec):
    """Recurrent net of any cell. Raises ConfigError: a size below 1, an unknown cell, or a probability out of range."""

    summary: ClassVar[str] = "recurrent net of any cell: Elman, LSTM, GRU and their kin; stacked, in both directions"
    laws: ClassVar[tuple[str, ...]] = ("batch", "causality", "streaming")

    cell: CellName = "lstm"
    """What a step is."""
    hidden: int = 64
    """Numbers in the state of each layer, in each direction."""
    layers: int = 1
    """Cells on top of each other."""
    bidirectional: bool = False
    """Whether each layer reads backwards as well; then a step's answer depends on later ones."""
    learn_start: bool = False
    """Whether the state before the first step is learned; else it is zero."""

    def __post_init__(self) -> None:
        """Refuse what no net can be."""
        super().__post_init__()
        check_at_least_one(self, "hidden", "layers")
        choose(self.cell, dict.fromkeys(get_args(CellName)), subject="net.cell")

    def encoder(self, features: int) -> Module:
        """Make the layers."""
        from neurarium.nets.recurrent.bidirectional import Bidirectional
        from neurarium.nets.recurrent.cells import CELLS
        from neurarium.nets.recurrent.encoder import stacked

        layers: list[Module] = []
        for _ in range(self.layers):
            one, *other = (
                CELLS[self.cell](features, self.hidden, learn_start=self.learn_start)
                for _ in range(1 + self.bidirectional)
            )
            layers.append(Bidirectional(one, *other) if other else one)
            features = (1 + self.bidirectional) * self.hidden
        return stacked(layers, self.dropout)
