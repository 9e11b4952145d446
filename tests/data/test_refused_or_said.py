"""What every source that can hold it does with a name given twice, and with a class of a single example."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

import neurarium
from neurarium.checks import DataError
from neurarium.data.catalog import load
from neurarium.data.dataset import Dataset
from neurarium.data.own import dataset_from
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.run_record import read_record
from neurarium.training.recipe import Recipe

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(31, 3))
Y = np.array([*("cat", "dog") * 15, "owl"])
NUMBERS = np.unique(Y, return_inverse=True)[1]


def frame(names: str = "abc", target: str = "kind") -> pd.DataFrame:
    table = pd.DataFrame(X, columns=list(names))
    table.insert(3, target, Y, allow_duplicates=True)
    return table


def in_csv(folder: Path) -> Dataset:
    frame().to_csv(folder / "t.csv", index=False)
    return load(str(folder / "t.csv"))


def in_npz(folder: Path) -> Dataset:
    np.savez(folder / "t.npz", x=X, y=Y)
    return load(str(folder / "t.npz"))


def in_a_folder(folder: Path) -> Dataset:
    for k, kind in enumerate(Y):
        (folder / "p" / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(RANDOM.integers(0, 256, (4, 4)).astype(np.uint8)).save(folder / "p" / kind / f"{k}.png")
    return load(str(folder / "p"))


def in_a_loader(folder: Path) -> Dataset:
    items = TensorDataset(torch.from_numpy(X).float(), torch.from_numpy(NUMBERS))
    return dataset_from(DataLoader(items, batch_size=8)).dataset


SOURCES: dict[str, Callable[[Path], Dataset]] = {
    "csv": in_csv,
    "npz": in_npz,
    "images": in_a_folder,
    "loader": in_a_loader,
    "arrays": lambda folder: dataset_from((X, Y)).dataset,
    "frame": lambda folder: dataset_from(frame(), target="kind").dataset,
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_class_of_a_single_example_is_said(tmp_path: Path, source: str) -> None:
    data = SOURCES[source](tmp_path)
    plan = Recipe(name="t", net=MLPSpec(hidden=(2,)), epochs=1, batch_size=16, threads=1)
    list(neurarium.api.sessions.start(plan, tmp_path / "r", data).events())
    said = [entry["message"] for entry in read_record(tmp_path / "r" / "record.jsonl") if entry["event"] == "notice"]
    (line,) = (line for line in said if "single training example" in line)
    assert repr(str(NUMBERS[-1]) if source == "loader" else "owl") in line
    assert "cat" not in line


def test_classes_of_several_examples_need_no_words(vectors: Dataset) -> None:
    session = neurarium.api.sessions.build_session(Recipe(name="t", net=MLPSpec(hidden=(2,)), threads=1), vectors)
    assert session.notices == []


def csv_of(folder: Path) -> Any:
    frame("aba").to_csv(folder / "t.csv", index=False)
    return load(str(folder / "t.csv"))


def npz_of(folder: Path) -> Any:
    np.savez(folder / "t.npz", x=X, X=X, y=Y)
    return load(str(folder / "t.npz"))


TWICE: dict[str, Callable[[Path], Any]] = {
    "csv": csv_of,
    "npz": npz_of,
    "frame": lambda folder: dataset_from(frame("aba"), target="kind"),
    "frame, target": lambda folder: dataset_from(frame(target="a"), target="a"),
    "pair": lambda folder: dataset_from((frame("aba").iloc[:, :3], Y)),
    "pair, targets": lambda folder: dataset_from((X, pd.DataFrame(X[:, :2], columns=["p", "p"]))),
}


@pytest.mark.parametrize("source", TWICE)
def test_a_name_that_is_there_twice_is_refused(tmp_path: Path, source: str) -> None:
    with pytest.raises(DataError, match=r"differ, got .*; re(name|move)"):
        TWICE[source](tmp_path)
