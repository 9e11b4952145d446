import os
import random
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import nn

from neurarium.checks import DataError
from neurarium.nets.weights.torch_file import read_torch

FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old"])


def save(tree: object, path: Path, zipped: bool) -> Path:
    torch.save(tree, path, _use_new_zipfile_serialization=zipped)
    return path


@FORMATS
def test_state_dict_of_a_net(tmp_path: Path, zipped: bool) -> None:
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 2))
    read = read_torch(save(net.state_dict(), tmp_path / "w.pt", zipped))
    assert list(read) == list(net.state_dict())
    assert all(torch.equal(read[name], tensor) for name, tensor in net.state_dict().items())


@FORMATS
@pytest.mark.parametrize(
    "dtype",
    [
        torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8,
        torch.bool,
    ],
)  # fmt: skip
def test_every_dtype(tmp_path: Path, zipped: bool, dtype: torch.dtype) -> None:
    x = torch.tensor([[0, 1, 2], [3, 4, 100]]).to(dtype)
    read = read_torch(save({"x": x}, tmp_path / "w.pt", zipped))["x"]
    assert read.dtype == dtype
    assert torch.equal(read, x)


@FORMATS
def test_views_shared_storages_and_empty_tensors(tmp_path: Path, zipped: bool) -> None:
    whole = torch.arange(24.0).reshape(4, 6)
    tree = {"whole": whole, "turned": whole.T, "part": whole[1:3, 2:], "number": whole[3, 5], "none": torch.empty(0, 3)}
    read = read_torch(save(tree, tmp_path / "w.pt", zipped))
    assert all(torch.equal(read[name], tensor) for name, tensor in tree.items())


@FORMATS
def test_dicts_around_a_state_dict(tmp_path: Path, zipped: bool) -> None:
    tree = {"epoch": 3, "model_state": OrderedDict(w=torch.ones(2)), "optimizer": {"state": {0: {"m": torch.zeros(1)}}}}
    read = read_torch(save(tree, tmp_path / "w.pt", zipped))
    assert list(read) == ["model_state.w", "optimizer.state.0.m"]


@FORMATS
def test_parameters_are_tensors(tmp_path: Path, zipped: bool) -> None:
    read = read_torch(save({"w": nn.Parameter(torch.tensor([1.0, 2.0]))}, tmp_path / "w.pt", zipped))
    assert type(read["w"]) is torch.Tensor
    assert read["w"].tolist() == [1.0, 2.0]


@FORMATS
def test_a_whole_module_is_refused(tmp_path: Path, zipped: bool) -> None:
    with pytest.raises(
        DataError, match=r"expected a whole state dict.*torch\.nn\.modules\.linear\.Linear.*state_dict\(\)"
    ):
        read_torch(save(nn.Linear(2, 2), tmp_path / "w.pt", zipped))


class Touches:
    """Unpickled by Python it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@FORMATS
def test_code_in_a_file_is_refused_and_never_run(tmp_path: Path, zipped: bool) -> None:
    target = tmp_path / "made"
    path = save({"w": torch.ones(2), "x": Touches(target)}, tmp_path / "w.pt", zipped)
    with pytest.raises(DataError, match=r"an object of \w+\.mkdir, which would take code") as caught:
        read_torch(path)
    assert "weights_only" not in str(caught.value)  # torch's advice to run it after all
    assert not target.exists()
    torch.load(path, weights_only=False)
    assert target.exists()  # so that the test would have seen a call


@FORMATS
def test_nesting_without_end_is_refused(tmp_path: Path, zipped: bool) -> None:
    tree: dict[str, object] = {"w": torch.ones(2)}
    tree["self"] = tree
    with pytest.raises(DataError, match="recursion"):
        read_torch(save(tree, tmp_path / "w.pt", zipped))


@FORMATS
def test_no_tensors(tmp_path: Path, zipped: bool) -> None:
    with pytest.raises(DataError, match="a dict without tensors"):
        read_torch(save({"epoch": 3}, tmp_path / "w.pt", zipped))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_torch(tmp_path / "w.pt")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("count", [200, pytest.param(4000, marks=pytest.mark.more)])
def test_damage_behind_the_checksum_is_a_data_error(tmp_path: Path, count: int) -> None:
    """The pickle in the archive is damaged, and the archive's own checksum fits it."""
    tree = {"a": torch.ones(3, 2), "h": torch.zeros(2, dtype=torch.bfloat16), "s": torch.eye(3).to_sparse(), "n": 3}
    with zipfile.ZipFile(save(tree, tmp_path / "w.pt", True)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    draw, path, refused = random.Random(count), tmp_path / "damaged.pt", 0
    for _ in range(count):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                data = bytearray(content)
                if name.endswith("data.pkl"):
                    for _ in range(draw.randrange(1, 4)):
                        place = draw.randrange(len(data))
                        data[place : place + draw.randrange(3)] = draw.randbytes(draw.randrange(3))
                archive.writestr(name, data)
        try:
            read_torch(path)
        except DataError:
            refused += 1
    assert refused > count / 2


@FORMATS
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_damage_anywhere_is_a_data_error(tmp_path: Path, zipped: bool) -> None:
    whole = save({"a": torch.ones(3, 2), "b": {"c": torch.zeros(2)}}, tmp_path / "w.pt", zipped).read_bytes()
    draw, path = random.Random(0), tmp_path / "damaged.pt"
    for trial in range(200):
        data = bytearray(whole[: draw.randrange(len(whole))] if trial % 3 == 0 else whole)
        for _ in range(draw.randrange(1, 4)):
            if data:
                data[draw.randrange(len(data))] = draw.randrange(256)
        path.write_bytes(data)
        try:
            read_torch(path)
        except DataError as error:
            assert str(path) in error.subject  # noqa: PT017
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"torch\.save"):
        read_torch(path)
