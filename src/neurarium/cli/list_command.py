"""`neurarium list`: what there is."""

import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from textwrap import fill

from neurarium.cli.parse import parse


def run(arguments: Sequence[str]) -> int:
    """Print recipes, nets and data sets."""
    return parse(list_all, "list", arguments)


def list_all() -> int:
    """List recipes, nets and data sets."""
    from neurarium.data.catalog import SOURCES
    from neurarium.nets.catalog import NETS
    from neurarium.recipes.catalog import RECIPES

    recipes = {name: (make.__doc__ or "").splitlines()[0] for name, make in RECIPES.items()}
    _section("recipes  (neurarium train NAME)", recipes)
    _section("nets", {name: kind.summary for name, kind in NETS.items()})
    _section("their published sizes", {name: ", ".join(kind.sizes) for name, kind in NETS.items() if kind.sizes})
    sources = {name: line for name, (_, line) in SOURCES.items()}
    sources["a path"] = "an idx pair, .npz, .csv, or a folder with one sub-folder of images a class"
    _section("data sets  (--data NAME)", sources)
    return 0


def _section(title: str, rows: dict[str, str]) -> None:
    print(title)
    width = max(17, *(len(name) + 1 for name in rows))
    screen = get_terminal_size(fallback=(sys.maxsize, 0)).columns  # what is no screen gets a line each
    for name, line in rows.items():
        indented = " " * (width + 2)
        print(fill(f"  {name:<{width}}{line}", screen, subsequent_indent=indented, break_on_hyphens=False))
    print()
