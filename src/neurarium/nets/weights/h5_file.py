"""Weights in HDF5 (.h5, .weights.h5), as Keras writes them; needs the package h5py."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurarium.checks import ConfigError, DataError


def read_h5(path: str | Path) -> dict[str, Tensor]:
    """Read every array of numbers in an HDF5 file.

    Returns: Tensors by their path in the file ("block1_conv1/block1_conv1/kernel:0"), as they lie there: Keras has
    other layouts and names than torch, which `converting.from_keras` converts. Optimizer states are left out.
    Raises DataError: not there, damaged, no HDF5 file or one without numbers; ConfigError: h5py is not installed.
    """
    try:
        import h5py  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"weights in {path}", expected="the package h5py", got="none", remedy="pip install h5py"
        ) from error
    tensors: dict[str, Tensor] = {}

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiub" and not name.startswith("optimizer"):
            tensors[name] = torch.from_numpy(np.array(item, order="C"))

    try:
        with h5py.File(path, "r") as file:
            file.visititems(take)
    except (OSError, RuntimeError, KeyError) as error:  # h5py reports damage inside a file in several ways
        reason = "no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise DataError(str(path), expected="a whole HDF5 file", got=reason, remedy="check the path") from error
    if not tensors:
        raise DataError(str(path), expected="arrays of weights", got="an HDF5 file without any")
    return tensors
