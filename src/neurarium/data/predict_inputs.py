"""Read what a trained net shall judge: pictures, folders of pictures, .npz or .csv files, in the source's units."""

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Shaped
from torch import Tensor

from neurarium.checks import DataError
from neurarium.data.arrays import as_inputs
from neurarium.data.csv_table import read_table
from neurarium.data.npz import INPUT_KEYS, first_key, read_arrays, stored_keys
from neurarium.data.picture import is_picture, read_picture
from neurarium.data.scaling import Kind

Inputs = Shaped[Tensor, "examples *shape"]


def read_inputs(
    paths: Sequence[str | Path], shape: tuple[int, ...], kind: Kind, outputs: Sequence[str] = ()
) -> tuple[list[str], Inputs]:
    """Return the examples in some files, one after the other.

    Args:
        paths: pictures; folders, of which all pictures are taken, those of sub-folders too; .npz files with
            one of the keys x, inputs, images, data, x_test; .csv files with or without the columns to be
            predicted, which are passed over.
        shape: of one example that the net takes: (channels, height, width) or (features,).
        kind: "images" or "vectors". Pictures are brought to `shape` in channels and size. Rows of .npz and
            .csv files must have as many numbers as `shape`.
        outputs: names of the numbers that the net predicts, so that a column of such a name in a .csv file is known
            for no feature wherever it stands.

    Returns:
        A name for each example (the picture's path, or file and row: "digits.npz[0]"), and the examples:
        bytes where every one is of bytes (pictures are: 0 to 255), else floats.

    Raises:
        DataError: no such file, one of another kind or a damaged one, or examples of another shape.
    """
    names: list[str] = []
    tensors: list[Inputs] = []
    for path in map(Path, paths):
        if path.is_dir() or is_picture(path):
            pictures = _pictures(path)
            if kind != "images":
                got, remedy = "pictures", "give a .csv or .npz file"
                raise DataError(str(path), expected=f"rows of {shape[0]} features", got=got, remedy=remedy)
            names += map(str, pictures)
            tensors += [torch.from_numpy(read_picture(picture, *shape).copy())[None] for picture in pictures]
        else:
            rows = _rows(path, shape, kind, outputs)
            names += [f"{path}[{k}]" for k in range(len(rows))]
            tensors.append(rows)
    if not names:
        got, remedy = "none", "name pictures, a folder of pictures, an .npz or a .csv file"
        raise DataError("inputs", expected="at least one example", got=got, remedy=remedy)
    return names, torch.cat(tensors)


def _pictures(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(filter(is_picture, path.rglob("*")))
    if not found:
        raise DataError(str(path), expected="pictures", got="a folder without any", remedy="check the path")
    return found


def _rows(path: Path, shape: tuple[int, ...], kind: Kind, outputs: Sequence[str]) -> Inputs:
    if path.suffix.lower() == ".csv":
        return read_table(path, math.prod(shape), outputs).features.view(-1, *shape)
    if path.suffix.lower() != ".npz":
        exists = f"a file named *{path.suffix}" if path.exists() else "no such file"
        expected = "a picture (png, jpg, bmp, gif), a folder of pictures, an .npz or a .csv file"
        raise DataError(str(path), expected=expected, got=exists, remedy="check the path")
    keys = stored_keys(path)
    key = first_key(keys, (*INPUT_KEYS, "x_test"))
    if key is None:
        expected, got = f"one of the keys {', '.join(INPUT_KEYS)}", ", ".join(keys.values()) or "none"
        remedy = "save with numpy.savez(path, x=inputs)"
        raise DataError(str(path), expected=expected, got=got, remedy=remedy)
    (array,) = read_arrays(path, [key])
    found, rows = as_inputs(array, f"{path}, {key}")
    flat = (math.prod(shape),)
    if tuple(rows.shape[1:]) != shape and not (found == "vectors" and tuple(rows.shape[1:]) == flat):
        remedy = f"save {kind} like those that the net learnt from"
        raise DataError(
            f"{path}, {key}", expected=f"rows of shape {shape}", got=f"{tuple(rows.shape[1:])}", remedy=remedy
        )
    return rows.view(-1, *shape)
