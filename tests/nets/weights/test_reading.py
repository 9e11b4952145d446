from pathlib import Path

import pytest
import safetensors.torch
import torch

from neurarium.checks import DataError
from neurarium.nets.weights.reading import read_safetensors, read_weights

X = torch.arange(6.0).reshape(2, 3)


def test_the_kind_is_told_by_content_and_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    torch.save({"x": X}, path)
    assert torch.equal(read_weights(path)["x"], X)
    torch.save({"x": X}, path, _use_new_zipfile_serialization=False)
    assert torch.equal(read_weights(path)["x"], X)
    safetensors.torch.save_file({"x": X}, path)
    assert torch.equal(read_weights(path)["x"], X)


def test_h5(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "weights", "w") as file:
        file["x"] = X.numpy()
    assert torch.equal(read_weights(tmp_path / "weights")["x"], X)


def test_onnx(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx.helper.make_graph([], "net", [], [], [onnx.numpy_helper.from_array(X.numpy(), "x")])
    (tmp_path / "weights").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    assert torch.equal(read_weights(tmp_path / "weights")["x"], X)


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "an empty file"), (b"<!DOCTYPE html><html>", "<!DOCTYPE html>"), (b"PK\x03\x04 no zip", "torch.save")],
)
def test_foreign_files_are_told_what_is_read(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"torch\.save") as caught:
        read_weights(path)
    assert said in str(caught.value)


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_weights(tmp_path / "none")
    with pytest.raises(DataError, match="Is a directory"):
        read_weights(tmp_path)


def test_damaged_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    safetensors.torch.save_file({"x": X}, path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DataError, match="a whole safetensors file"):
        read_weights(path)
    with pytest.raises(DataError, match="none"):
        read_safetensors(tmp_path / "none")
