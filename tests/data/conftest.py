import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


@pytest.fixture(scope="session")
def write_idx() -> Callable[[Path, np.ndarray], Path]:
    def write(path: Path, array: np.ndarray) -> Path:
        head = bytes([0, 0, CODES[array.dtype.name], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        content = head + array.astype(array.dtype.newbyteorder(">")).tobytes()
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return path

    return write


@pytest.fixture
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Forty images of 5 x 4 pixels in the classes 0 to 3, ten of each."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 5, 4)).astype(np.uint8)
    return pixels, np.tile(np.arange(4, dtype=np.uint8), 10)
