"""From an estimator's parameters to the recipe of its run, and errors in the estimator's own words."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from neurarium.checks import ConfigError, NonFiniteError, ShapeError, choose
from neurarium.learning.loss import Loss
from neurarium.nets.catalog import named_specs
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Schema
from neurarium.tasks.table import task_name
from neurarium.training.recipe import Recipe, net_kind, recipe_from_plain

_UPDATES = 20  # an epoch, where batches of 8 to 200 examples allow it
_OWN_NAMES = {
    "net.hidden": "hidden_layer_sizes",
    "hidden": "hidden_layer_sizes",
    "net.activation": "activation",
    "optimizer.name": "optimizer",
    "optimizer.lr": "learning_rate_init",
    "optimizer.l2": "l2",
    "optimizer.weight_decay": "weight_decay",
    "early_stopping.patience": "n_iter_no_change",
    "early_stopping.min_delta": "tol",
    "epochs": "max_iter",
}


def recipe_of(parameters: Mapping[str, Any], examples: int, seed: int) -> Recipe:
    """Lay the parameters of an estimator out as a recipe.

    Raises ConfigError: an unknown name, a wrong type or a value out of range; under the parameter's own name.
    """
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in parameters.items()}
    early, size = plain["early_stopping"], plain["batch_size"]
    values: dict[str, Any] = {
        "optimizer": {
            "name": plain["optimizer"],
            "lr": plain["learning_rate_init"],
            "l2": plain["l2"],
            "weight_decay": plain["weight_decay"],
        },
        "early_stopping": {
            "patience": plain["n_iter_no_change"],
            "min_delta": plain["tol"],
            "monitor": "error" if early else "loss",
            "restore_best": bool(early),
        },
        "epochs": plain["max_iter"],
        "batch_size": auto_batch_size(examples) if isinstance(size, str) and size == "auto" else size,
        "device": plain["device"],
        "threads": plain["threads"],
        "seed": seed,
    }
    net = plain["net"]
    if isinstance(net, NetSpec):
        return recipe_from_plain(values, base=Recipe(name="estimator", net=net))
    if not isinstance(net, str):
        raise ConfigError("net", expected="the name of a net, or a spec such as MLPSpec()", got=repr(net))
    spec = choose(net, named_specs(), subject="net")
    values["net"] = {"kind": net}
    if isinstance(getattr(spec, "hidden", None), tuple):  # hidden layers of a size each, as sklearn's
        hidden = np.atleast_1d(plain["hidden_layer_sizes"]).tolist()
        values["net"] |= {"hidden": hidden, "activation": plain["activation"]}
    return recipe_from_plain(values, base=Recipe(name="estimator"))


def check_net(spec: NetSpec, schema: Schema) -> None:
    """Refuse a net that is for something else than predicting, or that wants what an estimator does not have.

    Raises ConfigError: says what would fit.
    """
    wanted = "classes" if schema.target.categories else "numbers"
    expected, but = f"a net that predicts {wanted}", ""
    predicts = task_name("auto", spec, Loss(), schema) in ("classification", "regression")
    if not spec.example().is_dense:
        expected += " from a row of numbers or an image"
    elif spec.needs:
        but = ", which stands on another run's net"
    elif predicts and spec.rule != "gradient":
        expected, but = f"{expected} and learns by the gradient", ", which has a learning rule of its own"
    elif predicts:
        return
    raise ConfigError("net", expected=expected, got=f"{net_kind(spec)}{but}", remedy="take mlp")


def auto_batch_size(examples: int) -> int:
    """Return the batch size that makes about 20 updates an epoch: from 8, for few examples, to 200.

    Example:
        >>> [auto_batch_size(n) for n in (30, 1000, 60_000)]
        [8, 50, 200]
    """
    return min(200, max(8, examples // _UPDATES))


def validation_size(fraction: Any, examples: int) -> int:
    """Return how many examples to hold out, at least one. Raises ConfigError: the fraction is not between 0 and 1."""
    if not isinstance(fraction, (int, float, np.number)) or not 0 < fraction < 1:
        raise ConfigError("validation_fraction", expected="a number between 0 and 1", got=repr(fraction))
    return max(1, round(fraction * examples))


@contextlib.contextmanager
def own_words(shape: tuple[int, ...]) -> Iterator[None]:
    """Let errors inside name the estimator's parameters and not the recipe's fields.

    `shape`: of the examples; where they are vectors, a net that cannot take them may want images.
    """
    try:
        yield
    except ConfigError as error:
        field, bracket, place = error.subject.partition("[")
        # "net perceptron", "outputs of the net logistic": what a net says of itself
        own = "net" if "net" in field.split() else _OWN_NAMES.get(field, field) + bracket + place
        raise ConfigError(own, expected=error.expected, got=error.got, remedy=error.remedy) from error
    except ShapeError as error:
        if len(shape) > 1:
            raise
        remedy = f"{error.remedy}, or say image_shape=(channels, height, width) if images lie flat in X"
        raise ShapeError(error.subject, expected=error.expected, got=error.got, remedy=remedy) from error
    except NonFiniteError as error:
        remedy = "lower learning_rate_init; if that does not help, look for enormous values in X"
        raise NonFiniteError(error.subject, expected=error.expected, got=error.got, remedy=remedy) from error
