"""Encoder and decoder as a recipe names them (no torch)."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from neurarium.checks import ConfigError, ShapeError, choose
from neurarium.nets.recurrent.recurrent_spec import CellName, RecurrentSpec
from neurarium.nets.refusals import check_at_least_one, check_dropout, other_input
from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Field, Schema

AttentionName = Literal["none", "additive", "multiplicative"]
_LETTERS = tuple("abcdefgh")


@dataclass(frozen=True)
class EncoderDecoderSpec(NetSpec):
    """Encoder and decoder of any recurrent cell, with or without attention.

    Raises ConfigError: a size below 1, an unknown cell or attention, or a probability out of range.
    """

    summary: ClassVar[str] = "encoder and decoder of any cell, with or without attention: tokens read, tokens written"
    task: ClassVar[str] = "translation"
    figures: ClassVar[tuple[str, ...]] = ("alignment",)

    embedding_dim: int = 32
    """Numbers in an embedding."""
    hidden: int = 64
    """Units of each layer, in each direction of the encoder, and numbers in the vector between the two nets."""
    cell: CellName = "gru"
    """What a step is."""
    layers: int = 1
    """Cells on top of each other, in either net."""
    bidirectional: bool = False
    """Whether the encoder reads backwards as well."""
    attention: AttentionName = "none"
    """How the decoder looks back at the source."""
    dropout: float = 0.0
    """Probability of dropping one of the numbers between layers and before the logits while training."""
    scheduled_sampling: float = 0.0
    """Probability that in training a token given to the decoder is one that it has said itself, from the second epoch
    on."""

    def __post_init__(self) -> None:
        """Refuse what no net can be."""
        check_at_least_one(self, "embedding_dim", "hidden", "layers")
        check_dropout(self.dropout)
        choose(self.cell, dict.fromkeys(get_args(CellName)), subject="net.cell")
        choose(self.attention, dict.fromkeys(get_args(AttentionName)), subject="net.attention")
        if not 0 <= self.scheduled_sampling <= 1:
            got = str(self.scheduled_sampling)
            raise ConfigError("net.scheduled_sampling", expected="a probability in [0, 1]", got=got)

    @classmethod
    def example(cls) -> Schema:
        """Rows of letters, and rows of letters between a start and an end."""
        target = Field((None,), ("<start>", "<end>", *_LETTERS), axis="target")
        return Schema({"source": Field((None,), _LETTERS, axis="source")}, {"target": target})

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for pairs of rows of tokens."""
        from neurarium.nets.recurrent.cells import CELLS
        from neurarium.nets.recurrent.encoder_decoder import EncoderDecoder

        if len(schema.inputs) > 1 or not is_row(schema.input):
            raise other_input("encoder-decoder", "one row of tokens of varying length", schema)
        if not is_row(schema.target):
            raise ShapeError(
                "target",
                expected="a row of tokens of varying length, for the net encoder-decoder",
                got=f"{schema.target.in_words()} of {len(schema.target.categories)} categories",
                remedy="choose a net for such targets (neurarium list)",
            )
        reading = RecurrentSpec(
            cell=self.cell,
            hidden=self.hidden,
            layers=self.layers,
            bidirectional=self.bidirectional,
            dropout=self.dropout,
        )
        lowest = self.embedding_dim + (self.hidden if self.attention == "none" else 0)
        return EncoderDecoder(
            len(schema.input.categories),
            len(schema.target.categories),
            reading.encoder(self.embedding_dim),
            [CELLS[self.cell](self.hidden if k else lowest, self.hidden) for k in range(self.layers)],
            embedding_dim=self.embedding_dim,
            context=self.hidden,
            attention=self.attention,
            dropout=self.dropout,
        )


def is_row(field: Field) -> bool:
    """Whether a field is a row of tokens, as long as it likes."""
    return field.shape == (None,) and bool(field.categories)
