"""Read idx files, the format of MNIST and its successors, plain or gzipped.

    bytes 0-1   zero
    byte  2     type of the numbers (0x08: unsigned 8-bit, ...)
    byte  3     number of axes d
    4 d bytes   length of each axis, 32-bit, big-endian
    the rest    the numbers, last axis fastest, big-endian

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", 1998.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurarium.checks import DataError
from neurarium.data.reading import reading

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_AGAIN = "fetch the file again"


def read_idx(path: Path, axes: int) -> npt.NDArray[Any]:
    """Return the numbers of an idx file, gzipped or not, of so many axes: 3 for images, 1 for labels.

    Raises DataError: no such file, damaged or truncated, not idx, or another number of axes.
    """
    content = _unpacked(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES:
        kinds = "an idx file (first bytes 00 00, a type from 08 to 0e, the number of axes)"
        got = f"first bytes {content[:4].hex(' ') or 'none: the file is empty'}"
        raise DataError(str(path), expected=kinds, got=got, remedy=_AGAIN)
    if content[3] != axes:
        remedy = "give the images file where images belong and the labels file where labels belong"
        raise DataError(str(path), expected=f"{axes} axes", got=f"{content[3]}", remedy=remedy)
    begin = 4 + 4 * axes
    if len(content) < begin:
        raise DataError(str(path), expected=f"a header of {begin} bytes", got=f"{len(content)} bytes", remedy=_AGAIN)
    shape = struct.unpack(f">{axes}I", content[4:begin])
    kind = np.dtype(_TYPES[content[2]])
    size = math.prod(shape) * kind.itemsize
    if len(content) - begin != size:
        said, got = f"{size} bytes of numbers for shape {shape}, as its header says", f"{len(content) - begin}"
        remedy = f"the file is truncated or damaged: {_AGAIN}"
        raise DataError(str(path), expected=said, got=got, remedy=remedy)
    numbers = np.frombuffer(content, kind, offset=begin).reshape(shape)
    return numbers.astype(kind.newbyteorder("="), copy=False)


def _unpacked(path: Path) -> bytearray:
    with reading(path, "an idx file"):
        content = path.read_bytes()
    try:
        # A bytearray, so that the array over it is writable and becomes a tensor without another copy.
        return bytearray(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(str(path), expected="a whole gzip file", got=str(error), remedy=_AGAIN) from error
