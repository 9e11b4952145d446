from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from neurarium.checks import DataError
from neurarium.data.catalog import load
from neurarium.data.clip_folder import clips_below, holds_clips, is_clip
from neurarium.data.predict_inputs import read_inputs


def frames(count: int = 3, height: int = 4, width: int = 6, seed: int = 0) -> np.ndarray:
    """Gray levels that a GIF keeps as they are."""
    return np.random.RandomState(seed).choice([0, 80, 160, 255], (count, height, width)).astype(np.uint8)


def gif(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *others = map(Image.fromarray, pixels)
    first.save(path, save_all=True, append_images=others)


def folder(path: Path, pixels: np.ndarray) -> None:
    path.mkdir(parents=True)
    for number, frame in enumerate(pixels, 8):  # 8, 9, 10, ...: by number, not by name
        Image.fromarray(frame).save(path / f"frame{number}.png")


def both(root: Path, count: int = 3) -> dict[str, list[np.ndarray]]:
    """Two classes, one of animations and one of folders."""
    made = {label: [frames(seed=10 * k + n) for n in range(count)] for k, label in enumerate(("nod", "wave"))}
    for k, pixels in enumerate(made["nod"]):
        gif(root / "nod" / f"{k}.gif", pixels)
    for k, pixels in enumerate(made["wave"]):
        folder(root / "wave" / f"clip{k}", pixels)
    return made


def test_animations_and_folders_of_frames_are_clips(tmp_path: Path) -> None:
    made = both(tmp_path, 10)
    data = load(str(tmp_path))
    assert data.counts() == {"train": 16, "validation": 2, "test": 2}
    assert data.schema.input.shape == (3, 1, 4, 6)
    assert data.schema.classes == ("nod", "wave")
    for part in data.parts().values():
        for clip, label in zip(torch.cat(list(part.pieces("clip"))), part.target("label").tolist(), strict=True):
            assert any((clip[:, 0].numpy() == pixels).all() for pixels in made[data.schema.classes[label]])


def test_parts_are_as_the_folders_say_and_color_is_kept(tmp_path: Path) -> None:
    for part, count in (("train", 4), ("val", 2), ("test", 1)):
        both(tmp_path / part, count)
    red = np.zeros((3, 4, 6, 3), dtype=np.uint8) + np.array([250, 0, 0], dtype=np.uint8)
    folder(tmp_path / "train" / "wave" / "red", red)
    data = load(str(tmp_path))
    assert data.counts() == {"train": 9, "validation": 4, "test": 2}
    assert data.schema.input.shape == (3, 3, 4, 6)
    assert any((clip[:, 0] == 250).all() for clip in torch.cat(list(data.train.pieces("clip"))))


def test_pictures_that_do_not_move_are_pictures(tmp_path: Path) -> None:
    for label in ("a", "b"):
        for k in range(2):
            gif(tmp_path / label / f"{k}.gif", frames(1, seed=k))
    assert not holds_clips(tmp_path)
    assert load(str(tmp_path)).schema.input.is_image
    assert not is_clip(tmp_path / "a" / "0.gif")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda root: gif(root / "wave" / "x.gif", frames(4)), "a clip of 3 frames of 4 x 6 pixels.* got 4 frames"),
        (lambda root: folder(root / "wave" / "x", frames(3, 5)), "got 3 frames of 5 x 6"),
        (lambda root: gif(root / "wave" / "x.gif", frames(1)), r"x\.gif: .* got an image that does not move"),
        (lambda root: (root / "wave" / "x").mkdir(), "got an empty folder"),
        (lambda root: (root / "yawn").mkdir(), "yawn: .* got no clips"),
        (lambda root: (root / "wave" / "x.gif").write_bytes(b"GIF89a nothing"), "cannot be decoded"),
        (lambda root: Image.fromarray(frames(1, 9)[0]).save(root / "wave" / "clip0" / "z.png"), "bring all frames"),
        (lambda root: (root / "wave" / "clip0" / "frame9.png").write_bytes(b"no"), r"frame9\.png: .*cannot be decoded"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, spoil, says: str) -> None:
    both(tmp_path)
    spoil(tmp_path)
    with pytest.raises(DataError, match=says):
        load(str(tmp_path))


def test_a_class_without_training_clips_is_named(tmp_path: Path) -> None:
    both(tmp_path / "train")
    gif(tmp_path / "test" / "yawn" / "a.gif", frames())
    with pytest.raises(DataError, match="test: expected one of the classes nod, wave, got 'yawn'"):
        load(str(tmp_path))


def test_clips_to_judge_are_found_in_files_and_folders(tmp_path: Path) -> None:
    made = both(tmp_path)
    schema = load(str(tmp_path)).schema
    paths = [tmp_path / "nod" / "1.gif", tmp_path / "wave" / "clip2", tmp_path / "nod"]
    names, examples, _ = read_inputs(paths, schema)
    assert [Path(name).name for name in names] == ["1.gif", "clip2", "0.gif", "1.gif", "2.gif"]
    found = torch.cat(list(examples.pieces("clip")))
    assert (found[0, :, 0].numpy() == made["nod"][1]).all()
    assert (found[1, :, 0].numpy() == made["wave"][2]).all()
    assert len(clips_below(tmp_path)) == 6
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: expected an animated GIF"):
        read_inputs([tmp_path / "empty"], schema)
    gif(tmp_path / "long.gif", frames(5))
    with pytest.raises(DataError, match="got 5 frames"):
        read_inputs([tmp_path / "long.gif"], schema)
