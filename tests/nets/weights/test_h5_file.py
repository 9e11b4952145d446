from pathlib import Path

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, DataError
from neurarium.nets.weights.h5_file import read_h5

h5py = pytest.importorskip("h5py")


def test_arrays_by_their_path(tmp_path: Path) -> None:
    kernel = np.arange(24, dtype=np.float32).reshape(2, 3, 1, 4)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["c1/c1/kernel:0"] = kernel
        file["c1/c1/bias:0"] = np.ones(4, dtype=np.float64)
        file["optimizer/vars/0"] = np.zeros(3)
        file["names"] = np.array([b"c1"])
    read = read_h5(tmp_path / "w.h5")
    assert set(read) == {"c1/c1/kernel:0", "c1/c1/bias:0"}
    assert torch.equal(read["c1/c1/kernel:0"], torch.from_numpy(kernel))
    assert read["c1/c1/bias:0"].dtype == torch.float64


def test_nothing_to_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.attrs["empty"] = True
    with pytest.raises(DataError, match="without any"):
        read_h5(tmp_path / "w.h5")
    with pytest.raises(DataError, match="no such file"):
        read_h5(tmp_path / "none.h5")
    whole = (tmp_path / "w.h5").read_bytes()
    (tmp_path / "half.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="a whole HDF5 file"):
        read_h5(tmp_path / "half.h5")


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ConfigError, match="pip install h5py"):
        read_h5(tmp_path / "w.h5")
