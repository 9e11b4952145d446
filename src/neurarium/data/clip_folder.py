"""Data sets of clips in folders, one sub-folder a class; a clip is an animated GIF or a folder of frames.

    FOLDER/wave/a.gif  FOLDER/nod/b.gif                          divided 80/10/10
    FOLDER/wave/a/001.png  FOLDER/wave/a/002.png ...             a folder a clip, frames by number or else by name
    FOLDER/train/wave/*  FOLDER/test/wave/*  (val/ too)          divided as the folders say

All clips have as many frames, of one size. They are gray where all of them are, else red-green-blue.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from neurarium.checks import DataError
from neurarium.data.assemble import Part, Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.image_file import frame_count, image_shape_of, is_image_file, read_frames, read_image
from neurarium.data.image_folder import is_class, part_folders
from neurarium.data.labels import by_name, class_fields
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema

Shape = tuple[int, int, int, int]


def holds_clips(folder: Path) -> bool:
    """Whether the first entry of the folder's first class is a clip."""
    classes = sorted(filter(is_class, part_folders(folder)["train"].iterdir()))
    return any(is_clip(path) for path in (_entries(classes[0])[:1] if classes else ()))


def is_clip(path: Path) -> bool:
    """Whether a path is an animation, or a folder of images that are none. Raises DataError: a damaged one."""
    if path.is_dir():
        images = [] if path.name.startswith(".") else [entry for entry in path.iterdir() if is_image_file(entry)]
        return bool(images) and not any(map(_is_animation, images))
    return is_image_file(path) and _is_animation(path)


def _is_animation(image: Path) -> bool:
    return image.suffix.lower() == ".gif" and frame_count(image) > 1


def clips_below(path: Path) -> list[Path]:
    """The clip at a path, or all those below it."""
    return [path] if is_clip(path) else sorted(filter(is_clip, path.rglob("*")))


def clip_shape(path: Path) -> Shape:
    """Frames, channels, height and width of a clip. Raises DataError: damaged, or frames of several sizes."""
    if not path.is_dir():
        _, height, width = image_shape_of(path)
        pixels = read_frames(path, 3, height, width)  # a palette, and later frames, may hold colors or may not
        return len(pixels), 1 if (pixels == pixels[:, :1]).all() else 3, height, width
    shapes = {frame: image_shape_of(frame) for frame in _frames(path)}
    first, (_, height, width) = next(iter(shapes.items()))
    for frame, (_, other, wide) in shapes.items():
        if (other, wide) != (height, width):
            expected, got = f"a frame of {height} x {width} pixels, as {first.name} is", f"{other} x {wide}"
            raise DataError(str(frame), expected=expected, got=got, remedy="bring all frames to one size")
    return len(shapes), max(channels for channels, _, _ in shapes.values()), height, width


def read_clip(path: Path, shape: tuple[int, ...]) -> UInt8[np.ndarray, "time channels height width"]:
    """Return a clip as bytes, gray or in color as `shape` says.

    Raises DataError: a damaged one, or one of another length or size.
    """
    frames, _, height, width = shape
    found = clip_shape(path)
    if (found[0], *found[2:]) != (frames, height, width):
        raise DataError(
            str(path),
            expected=f"a clip of {frames} frames of {height} x {width} pixels, as the others are",
            got=f"{found[0]} frames of {found[2]} x {found[3]}",
            remedy="cut or scale the clips to one length and size, or leave this one out",
        )
    if path.is_dir():
        return np.stack([read_image(frame, *shape[1:]) for frame in _frames(path)])
    return read_frames(path, *shape[1:])


def load(folder: Path, name: str, *, whole: bool = False) -> Dataset:
    """Return the data set of a folder with one sub-folder of clips a class; `whole` as in `assemble`.

    Raises:
        DataError: something that is no clip among them, an empty class, clips of several lengths or sizes, or one that
            cannot be read.
    """
    listed: dict[Part, dict[str, list[Path]]] = {
        part: {sub.name: _clips(sub) for sub in sorted(filter(is_class, root.iterdir()))}
        for part, root in part_folders(folder).items()
    }
    classes = by_name(listed["train"])
    for part, members in listed.items():
        for label in members.keys() - set(classes):
            place, expected = f"{folder}, {part}", f"one of the classes {', '.join(classes)}"
            raise DataError(place, expected=expected, got=repr(label), remedy="add training clips of it")
    shapes = [clip_shape(path) for members in listed.values() for paths in members.values() for path in paths]
    frames, _, height, width = shapes[0]
    shape = (frames, max(channels for _, channels, _, _ in shapes), height, width)
    schema = Schema({"clip": Field(shape)}, class_fields(classes))
    parts: Parts = {part: _table(members, classes, shape, schema) for part, members in listed.items()}
    return assemble(name, parts, provenance=str(folder), subject=str(folder), whole=whole)


def _table(members: dict[str, list[Path]], classes: Sequence[str], shape: Shape, schema: Schema) -> Table:
    clips = [read_clip(path, shape) for label in classes for path in members.get(label, [])]
    labels = [k for k, label in enumerate(classes) for _ in members.get(label, [])]
    pixels = np.stack(clips) if clips else np.empty((0, *shape), dtype=np.uint8)
    return Table((torch.from_numpy(pixels),), (torch.tensor(labels, dtype=torch.int64),), schema)


def _entries(folder: Path) -> list[Path]:
    """What may be a clip: sub-folders, and files that are images."""
    return [path for path in sorted(folder.iterdir()) if is_class(path) or is_image_file(path)]


def _clips(folder: Path) -> list[Path]:
    entries = _entries(folder)
    wrong = next((path for path in entries if not is_clip(path)), folder if not entries else None)
    if wrong is not None:
        got = "no clips" if wrong == folder else "an empty folder" if wrong.is_dir() else "an image that does not move"
        expected = "an animated GIF or a folder of frames, as the first of the clips is"
        raise DataError(str(wrong), expected=expected, got=got, remedy="remove it, or add its frames")
    return entries


def _frames(folder: Path) -> list[Path]:
    """Images of a folder by the numbers in their names, 2 before 10."""
    parts = {path: re.split(r"(\d+)", path.name) for path in folder.iterdir() if is_image_file(path)}
    return sorted(parts, key=lambda path: [(int(s), "") if s.isdigit() else (-1, s) for s in parts[path]])
