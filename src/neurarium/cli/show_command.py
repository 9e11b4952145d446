"""`neurarium show NAME|RUN`: the net, layer by layer."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from neurarium.cli.parse import parse

if TYPE_CHECKING:
    from torch import nn

    from neurarium.training.recipe import Recipe

_DEFAULT_SHAPE = (1, 28, 28)
_DEFAULT_CLASSES = 10


def run(arguments: Sequence[str]) -> int:
    """Print the layers of a net."""
    return parse(show, "show", arguments)


def show(name: tyro.conf.Positional[str], /, shape: tuple[int, ...] | None = None, classes: int | None = None) -> int:
    """Show layers, output shapes, parameters, multiply-adds and receptive field.

    Args:
        name: a recipe, a net or a run folder.
        shape: shape of one example; none: that of the recipe's data, and 1 28 28 for a net alone.
        classes: number of classes, or of numbers to predict; none: that of the recipe's data, and 10 for a net alone.
    """
    from rich.console import Console

    from neurarium.nets.summary import summarise
    from neurarium.report.tables import layers_table

    net, shape, remark = _find(name, shape, classes)
    console = Console(highlight=False)
    console.print(layers_table(summarise(net, shape)))
    if remark:
        console.print(remark, markup=False)
    return 0


def _find(
    name: str, shape: tuple[int, ...] | None, classes: int | None
) -> "tuple[nn.Module, tuple[int, ...], str | None]":
    """The net, the shape of an example, and a remark where that is not the one of the recipe's data."""
    from neurarium import api
    from neurarium.checks import DataError, choose
    from neurarium.nets.catalogue import NETS
    from neurarium.nets.convolutional.deep_specs import LARGE
    from neurarium.recipes.catalogue import RECIPES
    from neurarium.training.recipe import Recipe

    if (Path(name) / "config.toml").exists():
        trained = api.load(name)
        return trained.net, trained.shape, None
    plans = {recipe: make() for recipe, make in RECIPES.items()}
    specs = {net: kind() for net, kind in NETS.items()} | LARGE
    plans |= {net: Recipe(name=net, net=spec) for net, spec in specs.items() if net not in plans}
    plan = choose(name, plans, subject="recipe, net or run folder")
    missing = None
    if name in RECIPES and (shape is None or classes is None):
        try:
            data = api.data_of(plan)
            shape = data.shape if shape is None else shape
            classes = len(data.classes) if classes is None else classes
        except DataError as error:
            missing = error
    shape = _DEFAULT_SHAPE if shape is None else shape
    net, classes = _build(plan, shape, classes)
    if missing is None:
        return net, shape, None
    sizes = f"examples of {' x '.join(map(str, shape))} and {classes} classes"
    return net, shape, f"Shown for {sizes}, as {plan.data} cannot be read here: {missing}"


def _build(plan: "Recipe", shape: tuple[int, ...], classes: int | None) -> "tuple[nn.Module, int]":
    """The net and its classes: as many as are asked for, or else ten, or two for a net that takes no more."""
    from neurarium import api
    from neurarium.checks import ConfigError

    first, *others = (_DEFAULT_CLASSES, 2) if classes is None else (classes,)
    try:
        return api.fresh_net(plan, shape, tuple(map(str, range(first)))), first
    except ConfigError:
        for count in others:
            with contextlib.suppress(ConfigError):
                return api.fresh_net(plan, shape, tuple(map(str, range(count)))), count
        raise
