"""`neurarium sweep NAME --optimizer.name sgd,adam --seeds 5`: a grid of settings, several seeds each."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from neurarium.checks import ConfigError, choose
from neurarium.recipes.catalog import RECIPES
from neurarium.sweeps.folder import Vmap
from neurarium.sweeps.grid import Grid, expand, field_type, read_values
from neurarium.training.recipe import Recipe

_INTERRUPTED = 130

USAGE = """usage: neurarium sweep NAME [--FIELD VALUE,VALUE...]... [options]
       neurarium sweep FOLDER            go on with a sweep that was interrupted or killed

Trains every combination of the values with several seeds and compares the validation scores: a figure of means
with bands, a table, a report. The test split is not touched.

  neurarium sweep mlp --optimizer.name sgd,adam --optimizer.lr 1e-3,1e-2 --seeds 5 --epochs 5
  neurarium sweep mlp --net.hidden "64;128,64" --net.dropout 0,0.2

Values are separated by commas. A field that is itself a list takes its items with commas and its values with
semicolons: --net.hidden "64;128,64" is one layer of 64 units, then two layers of 128 and 64; an empty value is an
empty list. Nothing is written "none", switches are true or false.

options:
  --seeds N          runs of each cell, their seeds counted on from the recipe's (default 5)
  --out FOLDER       default sweeps/NAME-1, sweeps/NAME-2 and so on; one that holds this very sweep is gone on with
  --vmap WHEN    auto, always or never train the seeds of a cell in one batched computation (default auto: small
                     fully connected nets; with dropout a run is then one like the single run, not the same)
  --quiet            show no progress
"""


@dataclasses.dataclass(frozen=True)
class Order:
    """What a command line asks for."""

    recipe: Recipe
    grid: Grid
    seeds: int = 5
    out: Path | None = None
    vmap: Vmap = "auto"
    quiet: bool = False


def run(arguments: Sequence[str]) -> int:
    """Sweep, or go on with a sweep, and say what came out."""
    given = list(arguments)
    if not given or {"-h", "--help"} & set(given):
        _usage(given[0] if given and given[0] in RECIPES else "mlp")
        return 0 if given else 2
    folder = Path(given[0])
    if (folder / "sweep.toml").exists():
        quiet = given[1:] == ["--quiet"]
        if given[1:] and not quiet:
            raise ConfigError(str(folder), expected="no settings: it goes on as it was asked for", got=given[1])

        from rich.console import Console

        from neurarium.sweeps.sweep import resume_sweep

        return _tell(resume_sweep(folder, console=Console(quiet=quiet)))
    order = read_order(given)
    expand(order.recipe, order.grid)  # a mistake in the settings answers before torch is loaded

    from rich.console import Console

    from neurarium.sweeps.sweep import sweep

    found = sweep(
        order.recipe,
        order.grid,
        seeds=order.seeds,
        out=order.out,
        vmap=order.vmap,
        console=Console(quiet=order.quiet),
    )
    return _tell(found)


def read_order(arguments: Sequence[str]) -> Order:
    """Read a command line. Raises ConfigError: no such recipe, field or option, or a value that does not fit.

    Example:
        >>> read_order(["mlp", "--net.hidden", "64;128,64", "--batch-size=50"]).grid
        {'net.hidden': [[64], [128, 64]], 'batch_size': [50]}
    """
    name, *rest = arguments
    recipe = choose(name, RECIPES, subject="recipe")()
    grid: Grid = {}
    options: dict[str, Any] = {}
    while rest:
        key, _, value = rest.pop(0).partition("=")
        if not key.startswith("--"):
            raise ConfigError("command line", expected="options that begin with --", got=repr(key))
        field = key[2:].replace("-", "_")
        if field == "quiet":
            options["quiet"] = True
            continue
        if not _:
            if not rest or rest[0].startswith("--"):
                raise ConfigError(key, expected="a value", got="none", remedy="switches too: true,false")
            value = rest.pop(0)
        if field in ("seeds", "out", "vmap"):
            options[field] = _option(field, value)
        else:
            grid[field] = [*grid.get(field, []), *read_values(recipe, field, value)]
    return Order(recipe, grid, **options)


def _option(name: str, value: str) -> Any:
    if name == "seeds":
        if not value.isdecimal() or int(value) < 1:
            raise ConfigError("--seeds", expected="an integer >= 1", got=repr(value))
        return int(value)
    if name == "vmap":
        return choose(value, {word: word for word in get_args(Vmap)}, subject="--vmap")
    return Path(value)


def _tell(found: Any) -> int:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    console.print(found.table())
    print(f"Sweep folder: {found.folder}   (figure: {found.folder / 'sweep.png'}, page: report.html)")
    if not found.complete:
        print(f"Stopped and saved. Go on with: neurarium sweep {found.folder}")
        return _INTERRUPTED
    return 0


def _usage(name: str) -> None:
    print(USAGE)
    print(f"fields of the recipe {name}, with its values:")
    for field, value, hint in _fields(RECIPES[name]()):
        allowed = f"   ({', '.join(map(str, get_args(hint)))})" if get_origin(hint) is Literal else ""
        print(f"  --{field.replace('_', '-')} {value}{allowed}")
    print("\nrecipes: " + ", ".join(RECIPES))


def _fields(settings: Any, where: str = "", recipe: Recipe | None = None) -> list[tuple[str, str, Any]]:
    """Every field with its value and type, by dotted path."""
    recipe = recipe or settings
    found: list[tuple[str, str, Any]] = []
    for field in dataclasses.fields(settings):
        value, path = getattr(settings, field.name), f"{where}{field.name}"
        if dataclasses.is_dataclass(value):
            found += _fields(value, f"{path}.", recipe)
        elif path not in ("name", "seed"):
            shown = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            shown = shown.lower() if value is None or isinstance(value, bool) else shown
            found.append((path, shown, field_type(recipe, path)))
    return found
