"""Normalization: a unit's net input is measured by its mean and standard deviation, then given ones that are learned.

    y = beta + gamma (x - mean) / sqrt(variance + eps)

The kinds differ in what mean and variance are taken over, x being (batch, features, *positions):

| name | over | in evaluation | file |
|---|---|---|---|
| batch | batch and positions | running statistics of the training | `batch` |
| layer | all features of an example | the same as in training | `layer` |
| group | a group of features, with their positions | the same as in training | `group` |
| weight | nothing: the weight vector is normalized instead | the same as in training | `weight` |
"""

from collections.abc import Callable

from torch import nn

from neurarium.checks import choose
from neurarium.nets.parts.normalization.batch import BatchNorm
from neurarium.nets.parts.normalization.group import make_group_norm
from neurarium.nets.parts.normalization.layer import make_layer_norm

AFTER: dict[str, Callable[[int], nn.Module]] = {"batch": BatchNorm, "layer": make_layer_norm, "group": make_group_norm}
"""What stands after a layer; weight normalization, a parametrisation of the layer itself, is not among them."""


def normalization(name: str, features: int) -> nn.Module:
    """A fresh normalization, to stand after a layer. Raises ConfigError: none such, or it needs more features."""
    return choose(name, AFTER, "norm")(features)


__all__ = ["AFTER", "normalization"]
