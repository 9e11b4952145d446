"""Cut at any file that is written or line that is recorded, a run is resumed to the folder that it would have left."""

import builtins
import dataclasses
import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from neurarium import api
from neurarium.checks import RunError, StorageError
from neurarium.data.dataset import Dataset
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record import run_record
from neurarium.record.run_record import epochs_of, read_record
from neurarium.record.sealed import read_settings
from neurarium.report import page, plotting
from neurarium.training.checkpoint import load_newest
from neurarium.training.folder import is_finished, is_run, is_whole, read_recipe
from neurarium.training.recipe import Checkpoints, Recipe

pytestmark = pytest.mark.usefixtures("undrawn")

RECIPE = Recipe(
    name="t", net=MLPSpec(hidden=(4,), dropout=0.3), epochs=2, batch_size=40, threads=1, device="cpu",
    checkpoints=Checkpoints(seconds=1e9, steps=2),
)  # fmt: skip


class Moments:
    """Something happens at the n-th file that is put in its place, or line that is recorded; none: they are counted."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int | None, happens: Callable[[], None] = lambda: None) -> None:
        self.at, self.happens, self.seen = at, happens, 0
        replace, real_open = os.replace, builtins.open

        def put(source: Any, target: Any) -> None:
            self.one_more()
            replace(source, target)

        def opened(*arguments: Any, **named: Any) -> Any:
            file = real_open(*arguments, **named)
            moments = self

            class Recorded:
                def write(self, line: bytes) -> int:
                    moments.one_more()
                    return int(file.write(line))

                def close(self) -> None:
                    file.close()

            return Recorded()

        patch.setattr(os, "replace", put)
        patch.setattr(run_record, "open", opened, raising=False)

    def one_more(self) -> None:
        self.seen += 1
        if self.seen == self.at:
            self.happens()


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn plays no part here, that it is written does."""
    monkeypatch.setattr(plotting, "png", lambda figure: b"image")
    monkeypatch.setattr(page, "report_page", lambda folder: "page")


def train(folder: Path, data: Dataset) -> None:
    api.train(RECIPE, data=data, out=folder, progress=False)


def go_on(folder: Path, data: Dataset) -> None:
    """What a user does after a cut."""
    if not is_run(folder):  # nothing has been written that would be lost
        train(folder, data)
    elif not is_whole(folder):
        api.resume(folder, data=data, progress=False)


def left(folder: Path) -> dict[str, Any]:
    """What a run left, without the times at which it did, and without the checksums of settings that it had before."""
    entries = epochs_of(read_record(folder / "record.jsonl"))
    epochs = [{k: v for k, v in entry.items() if k != "seconds"} for entry in entries]
    found: dict[str, Any] = {"epochs": epochs, "recipe": read_recipe(folder)}
    for path in folder.rglob("*"):
        timed = path.name in ("record.jsonl", "config.toml") or path.parent.name == "checkpoints"
        found[str(path.relative_to(folder))] = None if timed or path.is_dir() else path.read_bytes()
    found["config.toml"] = read_settings(folder / "config.toml")[0]
    checkpoint, damaged = load_newest(folder / "checkpoints")
    assert checkpoint is not None
    assert damaged == []
    return found | {f"tensor {n}": t.tolist() for n, t in checkpoint.tensors.items() if not n.startswith("rng/")}


def interrupt() -> None:
    raise KeyboardInterrupt


def fill_up() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


WAYS: dict[Callable[[], None], tuple[type[BaseException] | None, str]] = {
    interrupt: (KeyboardInterrupt, "neurarium resume"),
    fill_up: (StorageError, "the disk is full"),
    press_ctrl_c: (None, ""),
}


def stopped(folder: Path, data: Dataset) -> BaseException | None:
    """Train, and return what stopped it."""
    try:
        train(folder, data)
    except (KeyboardInterrupt, StorageError) as stop:
        return stop
    return None


@pytest.mark.parametrize("last", [4, pytest.param(None, marks=pytest.mark.more)], ids=["last", "all"])
@pytest.mark.parametrize("happens", WAYS)
def test_cut_at_any_write_it_is_made_whole(
    happens: Callable[[], None], last: int | None, vectors: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        moments = Moments(patch, None)
        train(tmp_path / "whole", vectors)
    expected = left(tmp_path / "whole")
    assert moments.seen > 20
    for at in range(1, moments.seen + 1)[-last if last else None :]:
        folder = tmp_path / str(at) / "whole"
        with monkeypatch.context() as patch:
            Moments(patch, at, happens)
            said = stopped(folder, vectors)
        kind, words = WAYS[happens]
        assert kind is None or isinstance(said, kind)  # nothing is passed over, nothing else is raised
        assert words in str(said) or not is_run(folder)
        if happens is press_ctrl_c and is_finished(folder):
            assert is_whole(folder)  # the first Ctrl-C waits for what is being written
        torch.manual_seed(at)
        go_on(folder, vectors)
        assert left(folder) == expected, at


def test_a_report_is_made_anew(vectors: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    train(folder, vectors)
    expected = left(folder)
    for name in ("report.html", "scores.json", "confusion.png", "layers.json"):
        (folder / name).unlink()
    api.remake_report(folder, data=vectors)
    assert left(folder) == expected
    with pytest.raises(ValueError, match=r"neurarium report .* anew"):
        api.resume(folder, data=vectors)


def test_results_of_weights_that_change_do_not_stay(
    vectors: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "r"
    train(folder, vectors)
    with monkeypatch.context() as patch:
        Moments(patch, 4, interrupt)
        with pytest.raises(KeyboardInterrupt):
            api.resume(folder, data=vectors, epochs=4, progress=False)
    assert not is_finished(folder)
    assert not (folder / "scores.json").exists()
    api.resume(folder, data=vectors, progress=False)
    longer = tmp_path / "longer" / "r"
    api.train(dataclasses.replace(RECIPE, epochs=4), data=vectors, out=longer, progress=False)
    assert left(folder) == left(longer)


def test_a_resume_that_is_refused_changes_nothing(vectors: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    train(folder, vectors)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="all 1 done"):
        api.resume(folder, data=vectors, epochs=1)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_what_killed_writers_left_is_removed(vectors: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    train(folder, vectors)
    expected = left(folder)
    for name in (".config.toml.x.part", "checkpoints/.step.x.part", ".report.html.x.part"):
        (folder / name).write_bytes(b"half")
    (folder / "report.html").unlink()
    api.resume(folder, data=vectors)
    assert left(folder) == expected


def test_a_damaged_record_is_refused_before_anything_is_removed(vectors: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    train(folder, vectors)
    record = folder / "record.jsonl"
    record.write_text("{" + record.read_text()[1:].replace("step", "stop"))
    with pytest.raises(RunError, match=r"record\.jsonl"):
        api.resume(folder, data=vectors, epochs=4, progress=False)
    assert is_whole(folder)
