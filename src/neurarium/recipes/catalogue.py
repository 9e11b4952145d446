"""All recipes by name."""

from collections.abc import Callable, Mapping

from neurarium.recipes.bottleneck import bottleneck_features, bottleneck_mlp
from neurarium.recipes.convolutional import lenet5, lenet5_1998, lenet5_fashion, neocognitron
from neurarium.recipes.distillation import distilled_mlp, small_mlp
from neurarium.recipes.feedforward import mlp, mlp_fashion
from neurarium.recipes.regression import least_squares, logistic, random_features, ridge, softmax
from neurarium.training.recipe import Recipe

RECIPES: Mapping[str, Callable[[], Recipe]] = {
    "lenet5": lenet5,
    "lenet5-fashion": lenet5_fashion,
    "lenet5-1998": lenet5_1998,
    "mlp": mlp,
    "mlp-fashion": mlp_fashion,
    "small-mlp": small_mlp,
    "distilled-mlp": distilled_mlp,
    "bottleneck-mlp": bottleneck_mlp,
    "bottleneck-features": bottleneck_features,
    "least-squares": least_squares,
    "ridge": ridge,
    "logistic": logistic,
    "softmax": softmax,
    "random-features": random_features,
    "neocognitron": neocognitron,
}
