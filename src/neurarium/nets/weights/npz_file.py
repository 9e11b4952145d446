"""Weights in NumPy's .npz: arrays by name. No pickle in it is read."""

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from neurarium.checks import DataError


def is_npz(path: str | Path) -> bool:
    """Whether a file is a zip archive of .npy files, and so none that torch wrote."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def read_npz(path: str | Path) -> dict[str, Tensor]:
    """Read the arrays of numbers in an .npz file.

    Raises:
        DataError: not there, damaged, or without numbers; an array of objects, which would take a pickle.
    """
    try:
        with Path(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        remedy = "write it anew with numpy.savez, numbers only"
        raise DataError(str(path), expected="a whole .npz file of numbers", got=str(error), remedy=remedy) from error
    tensors = {name: torch.from_numpy(np.array(x, order="C")) for name, x in arrays.items() if x.dtype.kind in "fiub"}
    if not tensors:
        raise DataError(str(path), expected="arrays of weights", got="an .npz file without any")
    return tensors
