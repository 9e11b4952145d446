"""Standard output holds the answer alone, whatever there is to be said beside it, in every command."""

import shutil
from pathlib import Path

import pytest

from neurarium.cli.main import COMMANDS

from .conftest import called

pytestmark = pytest.mark.usefixtures("undrawn")

DAMAGED = {
    "evaluate": ["evaluate", "r"],
    "predict": ["predict", "r", "x.csv"],
    "report": ["report", "r"],
    "show": ["show", "r"],
    "trace": ["trace", "r", "--out", "out"],
    "export": ["export", "r", "--to", "safetensors", "--out", "w.safetensors"],
}
# the shift of the recipe is not for rows of a table, and left out
OTHER = {
    "train": ["train", "mlp", "--data", "iris", "--net.hidden", "4", "--epochs", "1", "--threads", "1", "--quiet"],
    "resume": ["resume", "interrupted", "--quiet"],
    "sweep": ["sweep", "mlp", "--data", "iris", "--net.hidden", "4", "--epochs", "1", "--seeds", "1", "--quiet"],
    "find-rate": ["find-rate", "mlp", "--data", "iris", "--steps", "20"],
}
# nothing to note, but for `sample` and `translate`, whose runs are read as that of `predict`
WITHOUT = {"list", "compare", "sample", "translate"}


def test_every_command_is_looked_at() -> None:
    assert WITHOUT | DAMAGED.keys() | OTHER.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", DAMAGED)
def test_weights_that_were_passed_over_are_told_on_standard_error(flowers: Path, tmp_path: Path, name: str) -> None:
    """The newest checkpoint has the same weights: the answer is the same to the letter, the note is not in it."""
    said = []
    for damage in (False, True):
        folder = tmp_path / str(damage)
        shutil.copytree(flowers, folder / "r")
        (folder / "x.csv").write_text("5.1,3.5,1.4,0.2\n6.2,2.9,4.3,1.3\n")
        if damage:
            (folder / "r/weights.safetensors").write_bytes(b"damaged")
        result = called(folder, *DAMAGED[name])
        assert result.returncode == 0, result.stderr
        said.append(result)
    whole, damaged = said
    assert damaged.stdout == whole.stdout
    assert "checkpoint" not in whole.stderr
    assert "weights.safetensors: expected a whole checkpoint, got 7 bytes" in damaged.stderr
    assert "using the best weights of the newest checkpoint" in damaged.stderr


@pytest.mark.parametrize("name", OTHER)
def test_notices_of_learning_are_told_on_standard_error(flowers: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(flowers, tmp_path / "interrupted")
    words = "note: without augmentation.shift of the recipe mlp"
    if name == "resume":
        for file in ("weights.json", "best.json"):
            (tmp_path / "interrupted" / file).unlink()
        newest = max((tmp_path / "interrupted" / "checkpoints").glob("*.json"))
        shutil.copy(newest, newest.with_name(f"{newest.stem[:-1]}9.json"))
        newest.with_name(f"{newest.stem[:-1]}9.json").write_text("{")
        words = "note: passed over a damaged checkpoint"
    result = called(tmp_path, *OTHER[name])
    assert result.returncode == 0, result.stderr
    assert words in result.stderr
    assert "note" not in result.stdout
    assert "augmentation" not in result.stdout
