"""Read weights from a file of any usual kind, told by its first bytes and not by its name. No code in it is run."""

from collections.abc import Callable
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from neurarium.checks import DataError
from neurarium.nets.weights.h5_file import read_h5
from neurarium.nets.weights.npz_file import is_npz, read_npz
from neurarium.nets.weights.onnx_file import read_onnx
from neurarium.nets.weights.torch_file import read_torch


def _read_zip(path: Path) -> dict[str, Tensor]:
    return read_npz(path) if is_npz(path) else read_torch(path)


_BEGINNINGS: dict[bytes, Callable[[Path], dict[str, Tensor]]] = {
    b"\x89HDF\r\n\x1a\n": read_h5,
    b"PK\x03\x04": _read_zip,
    b"\x80\x02\x8a\x0a": read_torch,
}
KINDS = "state dicts of torch.save (.pt, .pth), safetensors, HDF5 (.h5), ONNX (.onnx) or NumPy's .npz"


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read tensors by name.

    `path`: a state dict of `torch.save`, safetensors, HDF5, ONNX or NumPy's .npz.
    Returns: Tensors as they lie in the file; `converting` gives them other names and layouts.
    Raises DataError: not there, damaged, or of none of these kinds; ConfigError: a package that the kind needs is not
    installed.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise DataError(
            str(path), expected="a file of weights", got=error.strerror or str(error), remedy="check the path"
        ) from error
    for beginning, read in _BEGINNINGS.items():
        if start.startswith(beginning):
            return read(path)
    if start[8:9] == b"{":  # 8 bytes of length, then a header in JSON
        return read_safetensors(path)
    if start[:1] == b"\x08":  # first field of an ONNX model: its version
        return read_onnx(path)
    begins = f"a file that begins with {start!r}" if start else "an empty file"
    raise DataError(str(path), expected=KINDS, got=begins, remedy="export the weights in one of these")


def read_safetensors(path: str | Path) -> dict[str, Tensor]:
    """Read a safetensors file. Raises DataError: not there or damaged."""
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise DataError(str(path), expected="a whole safetensors file", got=str(error)) from error
