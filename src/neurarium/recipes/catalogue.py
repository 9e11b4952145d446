"""All recipes by name."""

from collections.abc import Callable, Mapping

from neurarium.recipes.convolutional import lenet5, lenet5_1998, lenet5_fashion
from neurarium.recipes.feedforward import mlp, mlp_fashion
from neurarium.training.recipe import Recipe

RECIPES: Mapping[str, Callable[[], Recipe]] = {
    "lenet5": lenet5,
    "lenet5-fashion": lenet5_fashion,
    "lenet5-1998": lenet5_1998,
    "mlp": mlp,
    "mlp-fashion": mlp_fashion,
}
