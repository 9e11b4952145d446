"""Data sets of an idx file of images and one of labels: a user's own, or a named one that may be fetched."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Int64, Shaped
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.arrays import as_inputs, input_fields
from neurarium.data.assemble import Part, assemble
from neurarium.data.dataset import Dataset
from neurarium.data.idx import read_idx
from neurarium.data.labels import class_fields, encode
from neurarium.data.table import Table
from neurarium.record.files import cache_folder
from neurarium.record.schema import Schema

Pixels = Shaped[Tensor, "examples 1 height width"]
_IMAGES = re.compile(r"images([-.])idx3")


@dataclass(frozen=True)
class Named:
    """A published data set of four idx files in the layout of MNIST.

    Args:
        md5: checksum of each of the four gzipped files, by file name; training images and labels, then test.
        folders: names of folders in which others keep the files, beside `name`.
        system: where the operating system's package puts the files.
    """

    name: str
    url: str
    md5: dict[str, str]
    folders: tuple[str, ...]
    system: Path
    classes: tuple[str, ...]
    provenance: str
    license: str


def load_named(named: Named, folder: str | None = None) -> Dataset:
    """Return a named data set: 11/12 of its training images to learn from, 1/12 for validation; its test.

    The files are looked for in `folder` and nowhere else where that is given; else in `$NEURARIUM_DATA`, in the
    system's folder and in the cache (`$XDG_CACHE_HOME/neurarium` or `~/.cache/neurarium`), where they are put after
    they were fetched, once, and their checksums found right.
    Raises DataError: the files are not in `folder`, cannot be fetched, or are damaged.
    """
    home = _given(named, Path(os.path.expanduser(folder))) if folder else _find(named) or _fetch(named)
    paths = [_either(home / name) or home / name for name in named.md5]
    parts: dict[Part, Table] = {}
    files: tuple[tuple[Part, Path, Path], ...] = (("train", paths[0], paths[1]), ("test", paths[2], paths[3]))
    for part, images, labels in files:
        inputs, numbers = _read_pair(images, labels)
        if not np.isin(numbers, range(len(named.classes))).all():
            expected, got = f"labels from 0 to {len(named.classes) - 1}", f"{numbers.min()} to {numbers.max()}"
            raise DataError(str(labels), expected=expected, got=got, remedy="fetch the file again")
        parts[part] = _table(inputs, torch.from_numpy(numbers.astype(np.int64)), named.classes)
    provenance, held_out = f"{named.provenance} (from {home})", round(len(parts["train"]) / 12)
    return assemble(
        named.name, parts, provenance=provenance, license=named.license, subject=str(home), validation=held_out
    )


def load_pair(images: Path, name: str, whole: bool = False) -> Dataset:
    """Return the data set of a file of images and the file of labels beside it.

    The labels' file is named as the images' with `images-idx3` replaced by `labels-idx1`, gzipped or not. Where the
    name holds `train`, the files beside it with `t10k` or `test` instead are the test split. `whole`: as in `assemble`.
    Raises DataError: a file is missing or damaged, or there are more images than labels or fewer.
    """
    if not _IMAGES.search(images.name):
        expected = "a name with images-idx3, such as train-images-idx3-ubyte.gz"
        remedy = "give the images file of the pair; the labels file is found beside it"
        raise DataError(str(images), expected=expected, got=images.name, remedy=remedy)
    pairs: dict[Part, tuple[Path, Path]] = {"train": (images, _labels_beside(images))}
    if "train" in images.name:
        others = (_either(images.with_name(images.name.replace("train", word))) for word in ("t10k", "test"))
        if test := next(filter(None, others), None):
            pairs["test"] = test, _labels_beside(test)
    read = {part: _read_pair(*pair) for part, pair in pairs.items()}
    shapes = {part: tuple(inputs.shape[1:]) for part, (inputs, _) in read.items()}
    if shapes.get("test", shapes["train"]) != shapes["train"]:
        expected = f"images of {shapes['train']} as in training"
        remedy = "move the file elsewhere if it belongs to another data set"
        raise DataError(str(pairs["test"][0]), expected=expected, got=str(shapes["test"]), remedy=remedy)
    targets, classes = encode(np.concatenate([labels for _, labels in read.values()]), str(images))
    cut = torch.split(targets, [len(labels) for _, labels in read.values()])
    parts: dict[Part, Table] = {
        part: _table(inputs, numbers, classes) for (part, (inputs, _)), numbers in zip(read.items(), cut, strict=True)
    }
    return assemble(name, parts, provenance=str(images), subject=str(images), whole=whole)


def load_folder(folder: Path, name: str, whole: bool = False) -> Dataset:
    """Return the data set of the one idx pair (and its test split) in a folder; `whole`: as in `assemble`.

    Raises DataError: there are several pairs, or what is there cannot be read.
    """
    images = image_files(folder)
    chosen = [path for path in images if "train" in path.name] or images
    # The same file may lie there plain and gzipped.
    if len({path.name.removesuffix(".gz") for path in chosen}) > 1:
        expected, got = "one idx pair (and its test split)", f"several: {', '.join(path.name for path in chosen)}"
        raise DataError(str(folder), expected=expected, got=got, remedy="give one of these files instead of the folder")
    return load_pair(chosen[0], name, whole)


def image_files(folder: Path) -> list[Path]:
    """Return the idx files of images in a folder, by name."""
    return sorted(path for path in folder.iterdir() if _IMAGES.search(path.name) and path.is_file())


def _read_pair(images: Path, labels: Path) -> tuple[Pixels, npt.NDArray[Any]]:
    pixels, numbers = read_idx(images, 3), read_idx(labels, 1)
    if len(pixels) != len(numbers):
        expected, got = f"{len(pixels)} labels, one for each image in {images.name}", str(len(numbers))
        raise DataError(str(labels), expected=expected, got=got, remedy="take both files from the same data set")
    return as_inputs(pixels, str(images)), numbers


def _table(pixels: Pixels, numbers: Int64[Tensor, " examples"], classes: tuple[str, ...]) -> Table:
    return Table((pixels,), (numbers,), Schema(input_fields(tuple(pixels.shape[1:])), class_fields(classes)))


def _labels_beside(images: Path) -> Path:
    labels = images.with_name(_IMAGES.sub(r"labels\1idx1", images.name))
    if found := _either(labels):
        return found
    remedy = "put the labels file beside the images file"
    raise DataError(str(labels), expected=f"the labels of {images.name}", got="no such file", remedy=remedy)


def _either(path: Path) -> Path | None:
    """Return `path`, or the same with or without .gz, whichever is there."""
    other = path.with_suffix("") if path.suffix == ".gz" else path.with_name(path.name + ".gz")
    return next((candidate for candidate in (path, other) if candidate.is_file()), None)


def _given(named: Named, folder: Path) -> Path:
    if home := _within(named, folder, True):
        return home
    place, expected, got = str(folder), f"the files {', '.join(named.md5)} (or the same without .gz)", "not all of them"
    raise DataError(place, expected=expected, got=got, remedy="put them there, or name no folder to have them fetched")


def _find(named: Named) -> Path | None:
    """Return the first folder with all files, among those where they may lie without having been named."""
    cache = _within(named, cache_folder(), False)
    if root := os.environ.get("NEURARIUM_DATA"):
        return _within(named, Path(os.path.expanduser(root)), False) or _within(named, named.system, True) or cache
    return _within(named, named.system, True) or cache


def _within(named: Named, root: Path, given: bool) -> Path | None:
    """Return `root`, or the folder of the data set's name in it, if all files are there.

    MNIST and its successors share their file names: files in `root` itself are taken only where the user named it for
    this data set (`given`) or it bears the data set's name.
    """
    names = (named.name, *named.folders)
    own = given or root.name in names
    for home in ([root] if own else []) + [root / name for name in names]:
        if all(_either(home / file) for file in named.md5):
            return home
    return None


def _fetch(named: Named) -> Path:
    import pooch  # only who downloads should pay for it

    home = cache_folder() / named.name
    for file, md5 in named.md5.items():
        try:
            pooch.retrieve(named.url + file, known_hash=f"md5:{md5}", fname=file, path=home)
        except (OSError, ValueError) as error:
            got, remedy = _reason(error), f"fetch {', '.join(named.md5)} by hand and put them into {home}"
            raise DataError(named.name, expected=f"{named.url}{file} to be fetched", got=got, remedy=remedy) from error
    return home


def _reason(error: Exception) -> str:
    """Return the message of what lay at the bottom, shortened: requests wraps errors several times."""
    while error.__context__ is not None and isinstance(error.__context__, Exception):
        error = error.__context__
    return " ".join(str(error).split())[:200] or type(error).__name__
