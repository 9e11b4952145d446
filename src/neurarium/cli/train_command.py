"""`neurarium train NAME`: every field of the recipe can be overridden."""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from neurarium.checks import ConfigError, choose
from neurarium.cli.parse import parse
from neurarium.recipes.catalog import RECIPES
from neurarium.record.config import read_toml
from neurarium.training.recipe import OwnNet, Recipe, recipe_from_plain

USAGE = """usage: neurarium train NAME [options]
       neurarium train [NAME] --config FILE.toml [options]
       neurarium train NAME --help      every option of this recipe

recipes:"""


@dataclasses.dataclass(frozen=True)
class Train:
    """Train a recipe; every setting can be changed."""

    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    out: Path | None = None
    """Run folder; none: runs/NAME-1, runs/NAME-2 and so on."""
    config: Path | None = None
    """TOML file of settings laid over the recipe (a run's config.toml reproduces it)."""
    quiet: bool = False
    """Show no progress."""


def run(arguments: Sequence[str]) -> int:
    """Train and say how well it went."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        _usage()
        return 0 if arguments else 2
    plan, rest = find_recipe(arguments)
    order = parse(Train, f"train {plan.name}", rest, default=Train(recipe=plan))

    # torch is loaded only now: help and mistakes in the options answer at once
    from rich.console import Console

    from neurarium import api
    from neurarium.cli.outcome import tell_outcome

    trained = api.train(order.recipe, out=order.out, console=Console(quiet=order.quiet))
    return tell_outcome(trained)


def find_recipe(arguments: Sequence[str]) -> tuple[Recipe, list[str]]:
    """Find the recipe that the name and the `--config` file give, and the options that remain.

    Raises ConfigError: no such recipe or file, or a file that names no net where no recipe is named.
    """
    rest = list(arguments)
    plan = None
    if not rest[0].startswith("-"):
        plan = choose(rest.pop(0), RECIPES, subject="recipe")()
    peek = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    peek.add_argument("--config")
    config = peek.parse_known_args(rest)[0].config
    if config is not None:
        plan = recipe_from_plain(read_toml(config), base=plan)
    if plan is None or isinstance(plan.net, OwnNet):
        raise ConfigError(
            "recipe",
            expected=f"one of {', '.join(RECIPES)}",
            got="no name and no net",
            remedy="neurarium train lenet5, or a --config file with a [net] table",
        )
    return plan, rest


def _usage() -> None:
    print(USAGE)
    width = max(18, *(len(name) + 1 for name in RECIPES))
    for name, make in RECIPES.items():
        print(f"  {name:<{width}}{(make.__doc__ or '').splitlines()[0]}")
