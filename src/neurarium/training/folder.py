"""What lies in a run folder, read back piece by piece: the recipe and the weights."""

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from neurarium.checks import RunError
from neurarium.record.files import storage_errors
from neurarium.record.sealed import digest, read_settings
from neurarium.training.checkpoint import Checkpoint, load_checkpoint, load_newest, under
from neurarium.training.data_info import FILE as DATA_FILE
from neurarium.training.data_info import read_data_info
from neurarium.training.recipe import Recipe, recipe_from_plain

RECIPE_FILE = "config.toml"


def is_run(folder: str | Path) -> bool:
    """Whether a run has been started in a folder."""
    return (Path(folder) / RECIPE_FILE).exists()


def is_finished(folder: str | Path) -> bool:
    """Whether a run has come to its end: its final weights are the last that it writes."""
    return (Path(folder) / "weights.json").exists()


def is_whole(folder: str | Path) -> bool:
    """Whether a finished run has its report, too: that page is the last file of all."""
    return is_finished(folder) and (Path(folder) / "report.html").exists()


def remove_results(folder: str | Path) -> None:
    """Remove what is made of weights that are about to change; checkpoints stay. Raises StorageError: it cannot be."""
    with storage_errors(folder):
        for name in ("report.html", "scores.json", "trace.json", "trace.png", "weights.json"):
            (Path(folder) / name).unlink(missing_ok=True)


def read_recipe(folder: str | Path, changes: dict[str, Any] | None = None) -> Recipe:
    """Read the recipe of a run folder, with `changes` laid over it. Raises RunError: no run there."""
    if not is_run(folder):
        got = "no such folder" if not Path(folder).exists() else "a folder without config.toml"
        raise RunError(str(folder), expected="a run folder", got=got, remedy="see `ls runs` for the runs there are")
    recipe = recipe_from_plain(read_settings(Path(folder) / RECIPE_FILE)[0])
    return recipe_from_plain(changes, base=recipe) if changes else recipe


def load_weights(net: nn.Module, folder: str | Path) -> tuple[str, ...]:
    """Give a net the weights of a run; return a notice for everything that was passed over.

    Raises RunError: there are no weights yet, all are damaged, or they are those of another net.
    """
    state, notices = read_weights(folder)
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        raise RunError(
            str(folder),
            expected="weights of the net in config.toml",
            got=str(error).splitlines()[-1].strip(),
            remedy="restore config.toml, or pass the module that was trained",
        ) from error
    return notices


def read_weights(folder: str | Path) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Read the final weights of a run, or else the best ones of its newest checkpoint.

    Returns the net's state, and a notice for everything that was passed over.
    Raises RunError: there are no weights yet, or all are damaged.
    """
    folder = Path(folder)
    try:
        final = load_checkpoint(folder / "weights")
    except RunError as error:
        checkpoint, damaged = load_newest(folder / "checkpoints")
        if checkpoint is None:
            got, remedy = "one without weights yet", f"neurarium resume {folder}"
            raise RunError(str(folder), expected="a trained run", got=got, remedy=remedy) from error
        check_origin(checkpoint, folder)
        reason = str(error) if is_finished(folder) else "the run is not over"
        # as the end of the run would choose
        restored = read_recipe(folder).early_stopping.restore_best
        best, last = under("best/", checkpoint.tensors), under("net/", checkpoint.tensors)
        state, which = (best, "best") if restored and best else (last, "last")
        return state, (*damaged, f"{reason}: using the {which} weights of the newest checkpoint")
    check_origin(final, folder)
    return final.tensors, ()


def origin_of(folder: str | Path) -> dict[str, tuple[str, ...]]:
    """The checksums of a run's recipe, as it is and as it was before it was resumed with another, and of its schema."""
    info = read_data_info(folder)
    return {RECIPE_FILE: read_settings(Path(folder) / RECIPE_FILE)[1], DATA_FILE: (digest(info.to_plain()),)}


def check_origin(checkpoint: Checkpoint, folder: str | Path) -> None:
    """Raise RunError where weights were learned by another recipe or schema than those that lie beside them."""
    for name, known in origin_of(folder).items():
        claimed = checkpoint.origin.get(name, "none")
        if claimed not in known:
            raise RunError(
                str(Path(folder) / name),
                expected=f"the file by which the weights beside it were learned (checksum {claimed[:12]})",
                got=f"another one (checksum {known[0][:12]})",
                remedy="restore it from where the weights came from, or train anew",
            )
