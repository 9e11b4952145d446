"""State dicts that `torch.save` wrote (.pt, .pth), in the zip format of today and in the one before 2020."""

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile

import torch
from torch import Tensor

from neurarium.checks import DataError

# What torch.load stumbles over in a damaged file: its own checks, then the reader of pickles and the functions that it
# calls with arguments that have become others. Found by some 10,000 damaged files (tests/nets/weights).
_DAMAGE = (
    UnpicklingError, RuntimeError, ValueError, EOFError, LookupError, TypeError, AttributeError, AssertionError,
    ArithmeticError, MemoryError, struct.error, zlib.error, BadZipFile,
)  # fmt: skip
_REMEDY = "save the net's weights anew: torch.save(net.state_dict(), path), or as .safetensors"


def read_torch(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a file that `torch.save` wrote; no code that it names is run.

    `path`: holds a state dict, or dicts around one; names are joined with dots ("model_state.lstm.weight_hh_l0").
    Returns: Tensors by name, on the CPU, in the file's order; plain values beside them are left out.
    Raises DataError: not there, damaged, another kind of file, or one with objects of other classes, such as a whole
    module instead of its weights.
    """
    try:
        # not memory-mapped: that fails where the zip file is compressed, and the numbers are soon copied into a net
        tree = torch.load(path, map_location="cpu", weights_only=True)
        tensors = dict(_flattened(tree))
    except OSError as error:
        raise DataError(str(path), expected="a file of weights", got=error.strerror or str(error)) from error
    except _DAMAGE as error:
        raise DataError(
            str(path), expected="a whole state dict as torch.save writes it", got=_reason(error), remedy=_REMEDY
        ) from error
    if not tensors:
        got = f"a {type(tree).__name__} without tensors"
        raise DataError(str(path), expected="a state dict, tensors by name", got=got, remedy=_REMEDY)
    return tensors


def _flattened(node: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    if isinstance(node, Tensor):
        yield prefix or "tensor", node.detach()
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _flattened(value, f"{prefix}.{name}" if prefix else str(name))


def _reason(error: Exception) -> str:
    """What was wrong, without torch's advice to run the file's code after all."""
    named = re.search(r"GLOBAL (\S+)", str(error))
    if named:
        return f"an object of {named[1]}, which would take code that the file names"
    if isinstance(error, UnpicklingError):
        return "another kind of file, or a damaged one"
    return str(error).split(". ")[0] or "a file that breaks off"
