from pathlib import Path

import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.nets.weights.npz_file import is_npz, read_npz
from neurarium.nets.weights.reading import read_weights

X = np.arange(6.0, dtype=np.float32).reshape(2, 3)


def test_arrays_by_name_told_from_what_torch_writes(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    with path.open("wb") as file:
        np.savez(file, x=X, transposed=np.asfortranarray(X), name=np.array("a net"))
    assert is_npz(path)
    found = read_weights(path)
    assert list(found) == ["x", "transposed"]
    torch.testing.assert_close(found["transposed"], torch.from_numpy(X))
    torch.save({"x": found["x"]}, path)
    assert not is_npz(path)


def test_no_pickle_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "objects.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="allow_pickle=False"):
        read_weights(tmp_path / "objects.npz")


def test_damaged_and_without_numbers(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    np.savez(path, x=X)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match=r"a whole \.npz file of numbers"):
        read_npz(path)
    np.savez(path, name=np.array("a net"))
    with pytest.raises(DataError, match=r"an \.npz file without any"):
        read_npz(path)
