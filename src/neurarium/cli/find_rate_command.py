"""`neurarium find-rate NAME`: which learning rates a recipe can take."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from neurarium.checks import ConfigError
from neurarium.cli.notices import tell
from neurarium.cli.parse import parse
from neurarium.cli.train_command import find_recipe
from neurarium.recipes.catalog import RECIPES
from neurarium.training.recipe import Recipe

if TYPE_CHECKING:
    from neurarium.training.pretrained import Pretrained

USAGE = """usage: neurarium find-rate NAME [--steps 100 --lowest 1e-6 --highest 10 --out find-rate.png]
       neurarium find-rate NAME --help      every option, those of the recipe too

recipes:"""


@dataclasses.dataclass(frozen=True)
class FindRate:
    """Let the learning rate rise exponentially through a few mini-batches, and advise one. No run is left."""

    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    steps: int = 100
    """Mini-batches at most."""
    lowest: float = 1e-6
    """First learning rate."""
    highest: float = 10.0
    """Last learning rate."""
    out: Path = Path("find-rate.png")
    """PNG file for the figure."""
    config: Path | None = None
    """TOML file of settings laid over the recipe."""


def run(arguments: Sequence[str]) -> int:
    """Sweep, say what is advised, draw the curve."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(USAGE, ", ".join(RECIPES))
        return 0 if arguments else 2
    plan, rest = find_recipe(arguments)
    order = parse(FindRate, f"find-rate {plan.name}", rest, default=FindRate(recipe=plan))

    from rich.console import Console

    from neurarium import api
    from neurarium.report.curves import save_figure
    from neurarium.report.rates import rates_figure, suggestions
    from neurarium.training.rate_finder import check_rate, find_rate
    from neurarium.training.recipe import fitted

    check_rate(order.recipe)
    data = api.data_of(order.recipe)
    plan, notices = fitted(order.recipe, RECIPES.get(order.recipe.name), data.schema)
    curve = find_rate(
        plan,
        data,
        pretrained=_pretrained_of(order.recipe),
        steps=order.steps,
        lowest=order.lowest,
        highest=order.highest,
    )
    console = Console(highlight=False, soft_wrap=True, markup=False)
    tell(notices)
    for line in suggestions(curve):
        console.print(line)
    save_figure(rates_figure(curve, f"Learning rates for {order.recipe.name}"), order.out)
    console.print(f"Figure: {order.out}")
    if curve.advised is not None:
        console.print(f"Use it: neurarium train {arguments[0]} --optimizer.lr {curve.advised:.2g}")
    return 0


def _pretrained_of(plan: Recipe) -> "Pretrained | None":
    """Read the run that a recipe stands on; a recipe's name stands for a run that there is not yet."""
    from neurarium.training.pretrained import read_pretrained

    if not plan.pretrained:
        return None
    if plan.pretrained in RECIPES:
        raise ConfigError(
            "pretrained",
            expected="a run folder",
            got=f"the recipe {plan.pretrained}",
            remedy=f"train it: neurarium train {plan.pretrained}; then pass --pretrained RUN",
        )
    return read_pretrained(plan.pretrained)
