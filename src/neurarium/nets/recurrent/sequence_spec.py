"""What specs of nets of sequences have in common: how tokens come in and how answers come out (no torch)."""

from dataclasses import dataclass
from typing import Literal

from neurarium.checks import ConfigError
from neurarium.nets.refusals import check_at_least_one, check_dropout, other_input
from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Field, Schema

Pooling = Literal["last", "mean", "max"]


@dataclass(frozen=True)
class SequenceSpec(NetSpec):
    """Choices about what stands around an encoder of sequences; a subclass adds its own and `encoder`.

    Raises ConfigError: a size below 1, or a probability out of range.
    """

    embedding_dim: int = 32
    """Numbers in the vector of a token, where the data are tokens."""
    pooling: Pooling = "last"
    """How steps become one answer: the last one's features, or mean or maximum over time; not looked at where each
    step has an answer."""
    dropout: float = 0.0
    """Probability of dropping one of the numbers between two layers while training, at least 0 and below 1."""

    def __post_init__(self) -> None:
        """Refuse what no net can be."""
        check_at_least_one(self, "embedding_dim")
        check_dropout(self.dropout)
        if self.pooling not in ("last", "mean", "max"):
            raise ConfigError("net.pooling", expected="last, mean or max", got=str(self.pooling))

    @classmethod
    def example(cls) -> Schema:
        """Series of 12 numbers a step, in 9 classes."""
        return Schema({"series": Field((None, 12), axis="time")}, {"label": Field((), tuple("123456789"))})

    def encoder(self, features: int) -> Module:
        """Make the encoder of steps of so many numbers."""
        raise NotImplementedError

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net for one series of numbers or one row of tokens, of any length or of one.

        It answers each step where the target has an entry for each or is a transcript, else the whole.
        """
        from neurarium.nets.recurrent.sequence_net import SequenceNet

        field, name = schema.input, type(self).__name__.removesuffix("Spec").lower()
        tokens = bool(field.categories)
        if len(schema.inputs) > 1 or len(field.shape) != (1 if tokens else 2) or None in field.shape[1:]:
            raise other_input(name, "one series of numbers (time, features), or one row of tokens", schema)
        width = self.embedding_dim if tokens else int(field.shape[1] or 0)
        each = answers_each_step(schema)
        return SequenceNet(
            self.encoder(width),
            len(field.categories) if tokens else width,
            int(schema.target.shape[1] or 0) if each and not schema.target.categories else schema.outputs,
            pooling="none" if each else self.pooling,
            embedding_dim=self.embedding_dim if tokens else 0,
            dropout=self.dropout,
        )


def answers_each_step(schema: Schema) -> bool:
    """Whether the target has a category or a row of numbers for each step of the input, or is a transcript of it."""
    field, target = schema.input, schema.target
    if target.is_transcript:
        return True
    along = bool(target.shape) and (target.shape[0], target.axis) == (field.shape[0], field.axis)
    return along and len(target.shape) == (1 if target.categories else 2)
