"""`neurarium show NAME|RUN`: the net, layer by layer."""

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
    """The net, the shape of an example, and what a reader should know about where that comes from."""
    from neurarium import api
    from neurarium.checks import choose
    from neurarium.nets.catalogue import NETS
    from neurarium.nets.convolutional.deep_specs import LARGE
    from neurarium.recipes.catalogue import RECIPES
    from neurarium.training.recipe import Recipe

    if (Path(name) / "config.toml").exists():
        trained = api.load(name)
        return trained.net, trained.shape, None
    specs = {net: kind() for net, kind in NETS.items()} | LARGE
    plans = {net: Recipe(name=net, net=spec) for net, spec in specs.items()}
    plans |= {recipe: make() for recipe, make in RECIPES.items()}
    plan = choose(name, plans, subject="recipe, net or run folder")
    if shape is not None and classes is not None:
        return _build(plan, shape, classes), shape, None
    remark = None
    if name in RECIPES:
        known, remark = _of_data(plan)
        if known is not None:
            shape, classes = shape or known[0], classes or known[1]
    shape = shape or _DEFAULT_SHAPE
    return _build(plan, shape, classes), shape, remark
