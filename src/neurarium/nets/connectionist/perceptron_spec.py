"""The perceptron as a recipe names it (no torch)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from neurarium.checks import ConfigError
from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Schema, image_schema

Answers = Literal["last", "pocket", "averaged"]
ANSWERS: dict[str, str] = {
    "last": "weights after the last mistake",
    "pocket": "weights that were right for longest",
    "averaged": "mean of the weights over all examples seen",
}


@dataclass(frozen=True)
class PerceptronSpec(NetSpec):
    """Rosenblatt's perceptron, which learns from its mistakes alone; for two classes."""

    summary: ClassVar[str] = "perceptron: one threshold unit that learns from its mistakes; for two classes"
    rule: ClassVar[str] = "perceptron"
    figures: ClassVar[tuple[str, ...]] = ("hyperplane",)

    answers: Answers = "last"
    """Which weights answer: last, pocket (those that were right for longest) or averaged (over all examples seen)."""

    @classmethod
    def example(cls) -> Schema:
        """Two classes."""
        return image_schema(classes=2)

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net, its weights zero; an example is flattened. Raises ConfigError: other than two classes."""
        from neurarium.nets.connectionist.perceptron import Perceptron

        classes = len(schema.target.categories)
        if classes != 2:
            raise ConfigError(
                "net perceptron",
                expected="data of two classes",
                got=f"{classes} classes" if classes else "numbers to predict",
                remedy="choose two of them, or train logistic, mlp or another net instead",
            )
        return Perceptron(schema.dense("perceptron").size)
