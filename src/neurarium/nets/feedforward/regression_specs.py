"""Regression models and random features as a recipe names them (no torch).

Least squares, ridge and softmax regression are one net, `linear`: they differ in loss and penalty, which a recipe
names (`loss`, `optimizer.l2`).
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from neurarium.checks import ConfigError
from neurarium.nets.spec import Module, NetSpec
from neurarium.record.schema import Schema


@dataclass(frozen=True)
class LinearSpec(NetSpec):
    """Affine map: least squares, ridge or softmax regression, as the loss says."""

    summary: ClassVar[str] = "affine map: least squares and ridge (squared-error), softmax regression (cross-entropy)"

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net; an example of any shape is flattened."""
        from neurarium.nets.feedforward.regression import LinearModel

        return LinearModel(schema.dense("linear").size, schema.outputs)


@dataclass(frozen=True)
class LogisticSpec(NetSpec):
    """Log-odds against the first class: logistic regression, with one row of weights for two classes."""

    summary: ClassVar[str] = "logistic regression: log-odds against the first class, one row of weights for two classes"

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net; an example of any shape is flattened."""
        from neurarium.nets.feedforward.regression import LogisticModel

        if not schema.target.categories:
            raise ConfigError(
                "net logistic", expected="classes to tell apart", got="numbers", remedy="take linear or mlp"
            )
        return LogisticModel(schema.dense("logistic").size, schema.outputs)


@dataclass(frozen=True)
class RandomFeaturesSpec(NetSpec):
    """Two-layer net whose inner layer stays as it was drawn."""

    summary: ClassVar[str] = "random features: a frozen random inner layer (ReLU or Fourier), only the outer one learns"

    features: int = 4000
    """Units of the inner layer."""
    unit: Literal["relu", "fourier"] = "relu"
    """What an inner unit computes: max(0, z), or the cosine of z."""
    width: float = 0.3
    """Scale of the inputs over which the features change, in units of the square root of their number; about 0.3 for
    relu, 0.8 for fourier."""

    def build(self, schema: Schema, backbone: Module | None = None) -> Module:
        """Make the net; an example of any shape is flattened."""
        from neurarium.nets.feedforward.random_features import RandomFeatureModel

        return RandomFeatureModel(
            schema.dense("random-features").size, self.features, schema.outputs, self.unit, self.width
        )
