"""A run folder has one writer, and a run notices when its folder is another or gone."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurarium
from neurarium import api
from neurarium.checks import RunError
from neurarium.data.dataset import Dataset
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.lock import locked
from neurarium.record.sealed import read_settings, write_settings
from neurarium.sweeps.folder import state_of
from neurarium.sweeps.sweep import sweep
from neurarium.training.recipe import Checkpoints, Recipe
from neurarium.training.session import start

pytestmark = pytest.mark.usefixtures("undrawn")

OFTEN = Checkpoints(seconds=1e9, steps=1)
PLAN = Recipe(name="t", net=MLPSpec(hidden=(4,)), epochs=2, batch_size=30, threads=1, checkpoints=OFTEN)


def test_a_run_that_another_process_trains_is_not_resumed(vectors: Dataset, tmp_path: Path) -> None:
    start(PLAN, tmp_path / "r", vectors)
    before = {path: path.read_bytes() for path in (tmp_path / "r").iterdir() if path.is_file()}
    with locked(tmp_path / "r"), pytest.raises(RunError, match="another process"):
        neurarium.resume(tmp_path / "r", data=vectors, progress=False)
    assert all(path.read_bytes() == content for path, content in before.items())
    neurarium.resume(tmp_path / "r", data=vectors, progress=False)


def test_a_run_is_held_while_it_learns(vectors: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = []

    def watching(events: Iterator[object], console: object = None) -> Iterator[object]:
        for event in events:
            with pytest.raises(RunError, match="another process"), locked(tmp_path / "r"):
                pass
            refused.append(event)
            yield event

    monkeypatch.setattr(api, "shown", watching)
    neurarium.train(PLAN, data=vectors, out=tmp_path / "r")
    neurarium.resume(tmp_path / "r", data=vectors, epochs=3)
    assert len(refused) > 10


@pytest.mark.parametrize("what", ["removed", "renamed", "another"])
def test_a_folder_that_changes_under_a_run_is_noticed(vectors: Dataset, tmp_path: Path, what: str) -> None:
    folder = tmp_path / "r"
    events = start(PLAN, folder, vectors).events()
    for _ in range(4):
        next(events)
    if what == "removed":
        shutil.rmtree(folder)
    elif what == "renamed":
        folder.rename(tmp_path / "s")
    else:
        plain, _ = read_settings(folder / "config.toml")
        write_settings(folder / "config.toml", {**plain, "seed": 9})
    with pytest.raises(RunError, match="expected the run folder that this run began with") as caught:
        list(events)
    assert "removed or renamed" in caught.value.got or what == "another"
    assert folder.exists() == (what == "another")  # nothing half-made is left in its place


@pytest.mark.parametrize("name", ["config.toml", "data.json", "checkpoints"])
def test_a_sweep_moves_what_it_cannot_read_aside(
    vectors: Dataset, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = sweep(PLAN, {}, seeds=1, data=vectors, out=tmp_path / "s", progress=False)
    (run,) = (path for path in found.folder.iterdir() if path.is_dir())
    (run / "weights.json").unlink()
    (run / "notes.txt").write_text("mine")
    for path in (run / name).glob("*.json") if name == "checkpoints" else [run / name]:
        path.write_bytes(path.read_bytes()[:-70])
    assert state_of(run) == "unfinished"
    assert sweep(PLAN, {}, seeds=1, data=vectors, out=tmp_path / "s").complete
    (aside,) = (path for path in found.folder.iterdir() if path.is_dir() and path != run)
    assert (aside / "notes.txt").read_text() == "mine"
    assert (aside / "weights.safetensors").exists()
    assert not (run / "notes.txt").exists()
    said = capsys.readouterr()
    assert f"what was there lies in {aside}" in said.err
    assert name in said.err
    assert "aside" not in said.out


def test_a_sweep_is_not_done_twice_at_once(vectors: Dataset, tmp_path: Path) -> None:
    with locked(tmp_path / "s"), pytest.raises(RunError, match="another process"):
        sweep(PLAN, {}, seeds=1, data=vectors, out=tmp_path / "s", progress=False)
