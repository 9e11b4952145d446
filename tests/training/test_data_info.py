import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from neurarium.checks import RunError
from neurarium.data.assemble import assemble
from neurarium.data.dataset import Dataset
from neurarium.data.table import Table
from neurarium.record.schema import Field, Schema
from neurarium.record.sealed import write_json
from neurarium.training.data_info import DataInfo, read_data_info

from .. import conftest


def written(folder: Path, info: DataInfo) -> Path:
    write_json(folder / "data.json", info.to_plain())
    return folder


def test_classes(vectors: Dataset, tmp_path: Path) -> None:
    info = DataInfo.of(vectors)
    assert (info.name, info.schema.input.shape, info.schema.classes) == (
        "toy",
        (12,),
        ("class 0", "class 1", "class 2"),
    )
    assert info.counts == {"train": 90, "validation": 30, "test": 30}
    assert (info.provenance, info.license, info.fingerprint) == ("made for a test", "none", vectors.fingerprint())
    assert read_data_info(written(tmp_path, info)) == info


def test_numbers(tmp_path: Path) -> None:
    y = torch.tensor([[10.0, 1.0], [30.0, 3.0], [10.0, 3.0], [30.0, 1.0]])
    schema = Schema({"x": Field((2,))}, {"y": Field((2,), names=("price", "age"))})
    info = DataInfo.of(assemble("toy", {"train": Table((y,), (y,), schema)}, provenance="made up"))
    again = read_data_info(written(tmp_path, info))
    assert again == info
    target = again.schema.target
    assert (target.mean, target.std, again.schema.classes) == ((20.0, 2.0), (10.0, 1.0), ("price", "age"))
    assert again.schema.input.value_range == (1.0, 30.0)


@pytest.mark.parametrize("kind", ["series", "tokens", "windows", "pairs", "nodes", "graphs", "points", "molecules"])
def test_every_kind_of_data_reads_back(kind: str, tmp_path: Path) -> None:
    data = getattr(conftest, f"make_{kind}")()
    info = DataInfo.of(data)
    assert read_data_info(written(tmp_path, info)) == info
    assert info == DataInfo.of(replace(data))


def test_missing_and_damaged_descriptions(vectors: Dataset, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"data\.json: expected a run's description of its data, got No such file"):
        read_data_info(tmp_path)
    plain = DataInfo.of(vectors).to_plain()
    for damaged in ('{"name": ', "[]", json.dumps(plain)):
        (tmp_path / "data.json").write_text(damaged)
        with pytest.raises(RunError, match=r"data\.json: expected .* damaged"):
            read_data_info(tmp_path)
    for other in (
        {name: value for name, value in plain.items() if name != "counts"},
        {**plain, "schema": {"inputs": {}}},
        {**plain, "shape": [12]},
        {**plain, "schema": {"inputs": {"x": {"shape": [3], "std": [0.0, 1.0]}}, "targets": {}}},
    ):
        write_json(tmp_path / "data.json", other)
        with pytest.raises(
            RunError, match=r"data\.json: expected a description of data, got one of another version; train anew"
        ):
            read_data_info(tmp_path)
