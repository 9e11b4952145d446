"""The folder of a sweep: what was asked for, and a sub-folder for every run.

`sweep.toml` holds recipe, grid, seeds and way of training, and a note where nets or data are the user's own; each run's
sub-folder is an ordinary run folder, with `diverged.json` where learning met a number that is not finite. A sweep that
was killed reads from them what is done.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from neurarium.checks import ConfigError, RunError
from neurarium.record.config import read_toml, write_toml
from neurarium.record.files import write_atomic
from neurarium.sweeps.grid import Cell, Grid, expand
from neurarium.training.recipe import Recipe, recipe_from_plain, recipe_to_plain

OWN = "your own, pass it again"
"""What `sweep.toml` says of nets and data that are only at hand where they were made."""

Vmap = Literal["auto", "always", "never"]
State = Literal["new", "unfinished", "finished", "diverged"]


@dataclass(frozen=True)
class Request:
    """What a sweep was asked for.

    Attributes:
        seeds: runs of each cell; their seeds count on from the recipe's.
        vmap: whether the seeds of a cell are trained in one batched computation.
        own_net: whether a function of the user's makes the nets.
        own_data: beginning of the fingerprint of data that were given in memory; empty: the recipe names them.
    """

    recipe: Recipe
    grid: Grid
    seeds: int
    vmap: Vmap = "auto"
    own_net: bool = False
    own_data: str = ""

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise ConfigError("seeds", expected="an integer >= 1", got=str(self.seeds))
        if self.vmap not in ("auto", "always", "never"):
            raise ConfigError("vmap", expected="auto, always or never", got=repr(self.vmap))
        given = {"net": self.own_net, "data": bool(self.own_data), "data_folder": bool(self.own_data)}
        for field, values in self.grid.items():
            if given.get(field.partition(".")[0]):
                raise ConfigError(
                    field,
                    expected="no values, as the sweep was given a net or data of your own",
                    got=str(values),
                    remedy="leave one of the two out",
                )

    def cells(self) -> tuple[Cell, ...]:
        """The cells of the grid."""
        return expand(self.recipe, self.grid)

    def to_plain(self) -> dict[str, Any]:
        """Return the request as `sweep.toml` holds it."""
        axes = [{"field": field, "values": values} for field, values in self.grid.items()]
        notes = {"net": OWN} if self.own_net else {}
        notes |= {"data": OWN, "fingerprint": self.own_data} if self.own_data else {}
        plain = {"grid": axes, "recipe": recipe_to_plain(self.recipe)}
        return {"seeds": self.seeds, "vmap": self.vmap, **notes, **plain}


def write_request(folder: Path, request: Request) -> None:
    """Write `sweep.toml`, or see that the one that is there asks for the same.

    Raises RunError: the folder holds another sweep.
    """
    path = folder / "sweep.toml"
    if path.exists() and read_toml(path) != request.to_plain():
        raise RunError(
            str(folder),
            expected="a new folder, or one of the same sweep",
            got="another sweep",
            remedy=f"neurarium sweep {folder} goes on with that one; or name another --out",
        )
    if not path.exists():
        write_atomic(path, write_toml(request.to_plain()))


def read_request(folder: Path) -> Request:
    """Read what a sweep was asked for. Raises RunError: no sweep there."""
    path = folder / "sweep.toml"
    if not path.exists():
        raise RunError(str(folder), expected="the folder of a sweep", got="one without sweep.toml")
    plain = read_toml(path)
    try:
        grid = {axis["field"]: axis["values"] for axis in plain["grid"]}
        own = ("net" in plain, plain.get("fingerprint", ""))
        return Request(recipe_from_plain(plain["recipe"]), grid, plain["seeds"], plain["vmap"], *own)
    except (KeyError, TypeError) as error:
        raise RunError(str(path), expected="a sweep", got=f"a file without {error}", remedy="start it anew") from error


def run_folder(folder: Path, number: int, cell: Cell, seed: int) -> Path:
    """Where a run lies: the cell's number, so that no two are the same, and its name, for people.

    Example:
        >>> from neurarium.recipes.feedforward import mlp
        >>> run_folder(Path("s"), 3, Cell("sgd, lr=0.01", {}, mlp()), 0).name
        '03-sgd-lr=0.01-seed-0'
    """
    words = re.sub(r"[^A-Za-z0-9.=+-]+", "-", cell.name).strip("-.")[:60]
    return folder / f"{number:02d}-{words}-seed-{seed}"


def state_of(run: Path) -> State:
    """How far a run has come."""
    from neurarium.training.folder import is_finished, is_run  # torch comes with it, and help must not wait for that

    if (run / "diverged.json").exists():
        return "diverged"
    if is_finished(run):
        return "finished"
    return "unfinished" if is_run(run) else "new"


def mark_diverged(run: Path, message: str) -> None:
    """Note that a run met a number that is not finite."""
    write_atomic(run / "diverged.json", json.dumps({"message": message}, indent=1) + "\n")
