"""Data sets of images in folders, one sub-folder a class.

    FOLDER/cat/*.png  FOLDER/dog/*.jpg                   divided 80/10/10
    FOLDER/train/cat/*  FOLDER/test/cat/*  (val/ too)    divided as the folders say

All images are brought to one shape: gray where every one is gray, else red-green-blue; of the commonest size among
the training images, of several the largest.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from neurarium.checks import DataError
from neurarium.data.arrays import input_fields
from neurarium.data.assemble import Part, Parts, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.image_file import SUFFIXES, image_shape_of, is_image_file, read_image
from neurarium.data.labels import by_name, class_fields
from neurarium.data.stream import Array, Streamed
from neurarium.data.table import Table
from neurarium.record.schema import Schema

_PART_FOLDERS: dict[Part, tuple[str, ...]] = {
    "train": ("train",),
    "validation": ("val", "validation", "dev", "development"),
    "test": ("test",),
}
_STREAM_BYTES = 2 << 30
_PIECE = 64  # images decoded by a thread at a time


def load(folder: Path, name: str, limit_bytes: int = _STREAM_BYTES, whole: bool = False) -> Dataset:
    """Return the data set of a folder with one sub-folder of images a class.

    Args:
        folder: laid out as this file says; hidden files and files that are no images are passed over.
        limit_bytes: images that take more when decoded are read from the disk in every epoch (`Streamed`).
        whole: as in `assemble`.
    Raises DataError: no images, no classes, an empty class, or an image that cannot be read.
    """
    roots = part_folders(folder)
    listed = {part: _listed(root) for part, root in roots.items()}
    classes = by_name(listed["train"])
    for part, members in listed.items():
        for label in members.keys() - set(classes):
            raise _empty(roots["train"] / label, f"none, while there are some in {roots[part] / label}")
    files = {
        part: [(path, classes.index(label)) for label in classes for path in members.get(label, [])]
        for part, members in listed.items()
    }
    shape, resized = _common_shape({part: [path for path, _ in found] for part, found in files.items()})
    schema = Schema(input_fields(shape), class_fields(classes))
    streams = {part: _streamed(found, shape, schema) for part, found in files.items()}
    large = sum(map(len, streams.values())) * math.prod(shape) > limit_bytes
    parts: Parts = streams if large else {part: _in_memory(stream) for part, stream in streams.items()}
    provenance = f"{folder}" + (f"; {resized} images resized to {shape[2]} x {shape[1]}" if resized else "")
    return assemble(name, parts, provenance=provenance, subject=str(folder), whole=whole)


def is_class(path: Path) -> bool:
    """Whether a path is a folder that may stand for a class."""
    return path.is_dir() and not path.name.startswith((".", "__"))


def part_folders(folder: Path) -> dict[Part, Path]:
    """Return the folder of each part; the folder itself for training where it has no train/ with classes in it."""
    if not ((folder / "train").is_dir() and any(map(is_class, (folder / "train").iterdir()))):
        return {"train": folder}
    candidates = ((part, folder / name) for part, names in _PART_FOLDERS.items() for name in names)
    return {part: path for part, path in candidates if path.is_dir()}


def _listed(root: Path) -> dict[str, list[Path]]:
    """Return the images of each class, by name."""
    listed = {
        sub.name: sorted(filter(is_image_file, sub.iterdir())) for sub in sorted(filter(is_class, root.iterdir()))
    }
    if not any(listed.values()):
        direct = sum(map(is_image_file, root.iterdir()))
        got = f"{direct} images, none of them in a sub-folder" if direct else "no images"
        expected = f"one sub-folder of images ({', '.join(SUFFIXES)}) a class"
        remedy = "put the images of each class into a sub-folder that bears its name"
        raise DataError(str(root), expected=expected, got=got, remedy=remedy)
    for label, paths in listed.items():
        if not paths:
            raise _empty(root / label, "none")
    return listed


def _empty(path: Path, got: str) -> DataError:
    remedy = "add images or remove the folder"
    return DataError(str(path), expected="images of this class", got=f"an empty class: {got}", remedy=remedy)


def _common_shape(paths: Mapping[Part, Sequence[Path]]) -> tuple[tuple[int, int, int], int]:
    """Return the shape to which all are brought, and how many have another size."""
    shapes = {part: [image_shape_of(path) for path in members] for part, members in paths.items()}
    every = [shape for members in shapes.values() for shape in members]
    sizes = Counter((height, width) for _, height, width in shapes["train"])
    height, width = max(sizes, key=lambda size: (sizes[size], size[0] * size[1], size))
    channels = max(channels for channels, _, _ in every)
    return (channels, height, width), sum(shape[1:] != (height, width) for shape in every)


def _streamed(files: Sequence[tuple[Path, int]], shape: tuple[int, int, int], schema: Schema) -> Streamed:
    paths = [path for path, _ in files]
    numbers = np.array([number for _, number in files], dtype=np.int64)

    def read(index: Array) -> tuple[Array, Array]:
        images = [read_image(paths[k], *shape) for k in index]
        return np.stack(images) if images else np.empty((0, *shape), dtype=np.uint8), numbers[index]

    return Streamed(read, len(paths), torch.from_numpy(numbers), schema)


def _in_memory(stream: Streamed) -> Table:
    return Table((torch.cat(list(stream.pieces("image", _PIECE))),), (stream.targets,), stream.schema)
