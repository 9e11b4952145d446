"""`neurarium show NAME|RUN`: the net, layer by layer."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from neurarium.cli.parse import parse

if TYPE_CHECKING:
    from torch import nn

_DEFAULT_SHAPE = (1, 28, 28)


def run(arguments: Sequence[str]) -> int:
    """Print the layers of a net."""
    return parse(show, "show", arguments)


def show(name: tyro.conf.Positional[str], /, shape: tuple[int, ...] = _DEFAULT_SHAPE, classes: int = 10) -> int:
    """Show layers, output shapes, parameters, multiply-adds and receptive field.

    Args:
        name: a recipe, a net or a run folder.
        shape: shape of one example, for a recipe or a net.
        classes: number of classes, for a recipe or a net.
    """
    from rich.console import Console

    from neurarium.nets.summary import summarise
    from neurarium.report.tables import layers_table

    net, shape = _find(name, shape, classes)
    Console().print(layers_table(summarise(net, shape)))
    return 0


def _find(name: str, shape: tuple[int, ...], classes: int) -> "tuple[nn.Module, tuple[int, ...]]":
    from neurarium import api
    from neurarium.checks import choose
    from neurarium.nets.catalogue import NETS
    from neurarium.nets.convolutional.deep_specs import LARGE
    from neurarium.recipes.catalogue import RECIPES
    from neurarium.training.recipe import Recipe

    if (Path(name) / "config.toml").exists():
        trained = api.load(name)
        return trained.net, trained.shape
    plans = {recipe: make() for recipe, make in RECIPES.items()}
    specs = {net: kind() for net, kind in NETS.items()} | LARGE
    plans |= {net: Recipe(name=net, net=spec) for net, spec in specs.items() if net not in plans}
    plan = choose(name, plans, subject="recipe, net or run folder")
    return api.fresh_net(plan, shape, tuple(map(str, range(classes)))), shape
