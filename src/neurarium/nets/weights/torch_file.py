"""State dicts that `torch.save` wrote (.pt, .pth), in the zip format of today and in the one before 2020.

Read by `pickle_tree`: no pickle is loaded, no code in the file can run.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neurarium.checks import DataError
from neurarium.nets.weights.pickle_tree import Foreign, Storage, StoredTensor, read_tree

MAGIC = 0x1950A86A20F9469CFC6C
"""First thing in a file of the old format."""
_DEEPEST = 4
# what damage anywhere in a zip file or a pickle leads to
_DAMAGE = (
    ValueError, LookupError, TypeError, ArithmeticError, RuntimeError, MemoryError, EOFError,
    struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
_REMEDY = "save the net's weights anew: torch.save(net.state_dict(), path), or as .safetensors"


def read_torch(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a file that `torch.save` wrote.

    Args:
        path: holds a state dict, or dicts around one; names are joined with dots ("model_state.lstm.weight_hh_l0").

    Returns:
        Tensors by name, on the CPU, in the file's order; what is no tensor is left out.

    Raises:
        DataError: not there, damaged, another kind of file, or one that holds a whole module instead of its weights.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            zipped = zipfile.is_zipfile(file)
            file.seek(0)
            tree = _from_zip(file) if zipped else _from_stream(file)
        tensors = dict(_flattened(tree))
    except OSError as error:
        raise DataError(str(path), expected="a file of weights", got=error.strerror or str(error)) from error
    except _DAMAGE as error:
        raise DataError(
            str(path), expected="a whole state dict as torch.save writes it", got=f"{error}", remedy=_REMEDY
        ) from error
    if not tensors:
        got = f"an object of {tree.name}" if isinstance(tree, Foreign) else f"a {type(tree).__name__} without tensors"
        raise DataError(str(path), expected="a state dict, tensors by name", got=got, remedy=_REMEDY)
    return tensors


def _from_zip(file: io.BufferedReader) -> Any:
    with zipfile.ZipFile(file) as archive:
        trees = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl")]
        if not trees:
            raise ValueError("a zip file without data.pkl")
        root = trees[0].removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("numbers of a big-endian machine")
        tree = read_tree(io.BytesIO(archive.read(trees[0])))
        # two tensors may share a storage, which is read once
        runs: dict[Storage, Tensor] = {}

        def numbers(storage: Storage) -> Tensor:
            if storage not in runs:
                runs[storage] = _numbers(archive.read(f"{root}data/{storage.key}"), storage)
            return runs[storage]

        return _resolved(tree, numbers)


def _from_stream(file: io.BufferedReader) -> Any:
    if read_tree(file) != MAGIC:
        raise ValueError("another kind of file")
    read_tree(file)
    system = read_tree(file)
    if not system["little_endian"]:
        raise ValueError("numbers of a big-endian machine")
    wanted: dict[str, Storage] = {}
    tree = read_tree(file, wanted)
    runs: dict[str, Tensor] = {}
    for key in read_tree(file):
        (count,) = struct.unpack("<q", file.read(8))
        storage = wanted[key]
        if count != storage.count:
            raise ValueError(f"{count} numbers where {storage.count} were announced")
        runs[key] = _numbers(file.read(count * storage.dtype.itemsize), storage)
    return _resolved(tree, lambda storage: runs[storage.key])


def _numbers(data: bytes, storage: Storage) -> Tensor:
    if len(data) != storage.count * storage.dtype.itemsize:
        raise ValueError(f"{len(data)} bytes for {storage.count} numbers of {storage.dtype}")
    return torch.frombuffer(bytearray(data), dtype=storage.dtype) if data else torch.empty(0, dtype=storage.dtype)


def _resolved(node: Any, numbers: Callable[[Storage], Tensor], depth: int = 0) -> Any:
    """Put the tensors in place; deeper dicts than a state dict needs are left out."""
    if isinstance(node, StoredTensor):
        return _cut(node, numbers(node.storage))
    if isinstance(node, dict) and depth < _DEEPEST:
        return {str(key): _resolved(value, numbers, depth + 1) for key, value in node.items()}
    return node


def _cut(tensor: StoredTensor, run: Tensor) -> Tensor:
    spans = [(n - 1) * step for n, step in zip(tensor.size, tensor.stride, strict=True)]
    count = torch.Size(tensor.size).numel()
    if min((*tensor.size, *tensor.stride, tensor.offset), default=0) < 0 or count > len(run):
        raise ValueError(f"a tensor of {tensor.size} cut from {len(run)} numbers")
    if count and tensor.offset + sum(spans) >= len(run):
        raise ValueError(f"a tensor of {tensor.size} that runs past its {len(run)} numbers")
    return torch.as_strided(run, tensor.size, tensor.stride, tensor.offset).clone(memory_format=torch.contiguous_format)


def _flattened(node: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    if isinstance(node, Tensor):
        yield prefix or "tensor", node
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _flattened(value, f"{prefix}.{name}" if prefix else name)
