"""Nets of series and of tokens as a recipe names them (no torch)."""

from dataclasses import dataclass
from typing import ClassVar

from neurarium.checks import ShapeError
from neurarium.nets.recurrent.encoder_decoder_spec import is_row
from neurarium.nets.refusals import check_at_least_one, check_dropout, other_input
from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Field, Schema

_LETTERS = tuple("abcdefgh")


@dataclass(frozen=True)
class PooledSeriesSpec(NetSpec):
    """Deep set of a series' steps. Raises ConfigError: no hidden unit, or a probability out of range."""

    summary: ClassVar[str] = "series in whatever order: each step through two layers, then mean and maximum over time"

    hidden: int = 64
    """Units of either layer that sees a step."""
    dropout: float = 0.0
    """Probability of dropping one of the pooled numbers while training, at least 0 and below 1."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "hidden")
        check_dropout(self.dropout)

    @classmethod
    def example(cls) -> Schema:
        """Series of 12 numbers a step, in 9 classes."""
        return Schema({"series": Field((None, 12), axis="time")}, {"label": Field((), tuple("123456789"))})

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for series of numbers; what is predicted is one class, or some numbers, of the whole series."""
        from neurarium.nets.recurrent.pooled_series import PooledSeries

        field = schema.input
        if len(schema.inputs) > 1 or not field.is_series:
            raise other_input("pooled-series", "one series of numbers, of shape (time, features)", schema)
        return PooledSeries(field.channels, self.hidden, schema.outputs, self.dropout)


@dataclass(frozen=True)
class BagOfTokensSpec(NetSpec):
    """Deep averaging network. Raises ConfigError: a size below 1."""

    summary: ClassVar[str] = "deep averaging network: tokens in whatever order, the mean of their embeddings"

    embedding_dim: int = 32
    """Numbers in an embedding."""
    hidden: int = 64
    """Units of the hidden layer."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "embedding_dim", "hidden")

    @classmethod
    def example(cls) -> Schema:
        """Rows of letters, in 4 classes."""
        return Schema({"tokens": Field((None,), _LETTERS, axis="tokens")}, {"label": Field((), tuple("1234"))})

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for rows of tokens of any length."""
        from neurarium.nets.recurrent.bag_of_tokens import BagOfTokens

        if len(schema.inputs) > 1 or not is_row(schema.input):
            raise other_input("bag-of-tokens", "one row of tokens of varying length", schema)
        return BagOfTokens(len(schema.input.categories), self.embedding_dim, self.hidden, schema.outputs)


@dataclass(frozen=True)
class NeuralLanguageModelSpec(NetSpec):
    """Neural probabilistic language model. Raises ConfigError: a size below 1."""

    summary: ClassVar[str] = "neural probabilistic language model: the next token from the last few, embedded"
    task: ClassVar[str] = "language-model"

    context: int = 8
    """Tokens that are seen."""
    embedding_dim: int = 24
    """Numbers in an embedding."""
    hidden: int = 128
    """Units of the hidden layer."""

    def __post_init__(self) -> None:
        check_at_least_one(self, "context", "embedding_dim", "hidden")

    @classmethod
    def example(cls) -> Schema:
        """Windows of 12 letters."""
        return Schema({"tokens": Field((12,), _LETTERS)}, {"next": Field((12,), _LETTERS)})

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for windows of a stream of tokens."""
        from neurarium.nets.recurrent.neural_language_model import NeuralLanguageModel

        field = schema.input
        if len(schema.inputs) > 1 or len(field.shape) != 1 or field.is_ragged or not field.categories:
            raise other_input("neural-language-model", "windows of a stream of tokens, of one length", schema)
        if schema.target.categories != field.categories:
            raise ShapeError(
                "target",
                expected=f"one of the {len(field.categories)} tokens of the input at every place",
                got=f"{len(schema.target.categories)} categories",
                remedy="give the same stream one place further on",
            )
        return NeuralLanguageModel(len(field.categories), self.context, self.embedding_dim, self.hidden)
