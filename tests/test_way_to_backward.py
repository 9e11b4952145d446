"""How far it is from `train` to the gradient: what a reader has to go through."""

import dataclasses
import sys
from pathlib import Path
from types import FrameType

import pytest
import torch

import neurarium
from neurarium.recipes.catalog import RECIPES

SOURCE = str(Path(neurarium.__file__).parent)


class ArrivedError(Exception):
    """The first backward pass is about to begin."""


MOST_FRAMES, MOST_FILES = 11, 52


@pytest.mark.parametrize("name", ["mlp", "lenet5"])
def test_few_frames_and_files_lie_before_the_first_backward(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("first", "counted"):  # the first time, modules are loaded on the way
        frames, files = counted(name, tmp_path / part, monkeypatch)
    assert frames[-1].endswith(":train")
    assert len(frames) <= MOST_FRAMES, frames
    assert len(files) <= MOST_FILES, sorted(files)


def counted(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], set[str]]:
    """Frames of the library between `train` and `backward`, and files of which a function was called until then."""
    frames: list[str] = []
    files: set[str] = set()

    def arrive(*_: object, **__: object) -> None:
        sys.setprofile(None)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename.startswith(SOURCE):
                frames.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}")
            frame = frame.f_back
        raise ArrivedError

    def called(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(SOURCE) and frame.f_code.co_name != "<module>":
            files.add(frame.f_code.co_filename)

    plan = dataclasses.replace(RECIPES[name](), threads=1, device="cpu")
    monkeypatch.setattr(torch.Tensor, "backward", arrive)
    sys.setprofile(called)
    try:
        with pytest.raises(ArrivedError):
            neurarium.train(plan, out=folder, progress=False)
    finally:
        sys.setprofile(None)
    return frames, files
