"""Runs that nobody has trained: a net with first weights, the recipe, and what it knows of some data."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from neurarium.data.dataset import Dataset
from neurarium.nets.spec import NetSpec
from neurarium.record.sealed import seal
from neurarium.training.data_info import DataInfo
from neurarium.training.device import find_device
from neurarium.training.recipe import Recipe
from neurarium.training.run import Run

MakeRun = Callable[..., Run]


@pytest.fixture
def fresh(tmp_path: Path) -> MakeRun:
    """Makes a run of a spec on some data, in a folder with a record of as many errors as are given."""

    def make(
        spec: NetSpec,
        data: Dataset,
        errors: tuple[float, ...] = (0.5,),
        net: torch.nn.Module | None = None,
        **recipe: Any,
    ) -> Run:
        torch.manual_seed(0)
        net = net or spec.build(data.schema)
        lines = [{"event": "epoch", "train": {"error": error}, "best": False} for error in errors]
        (tmp_path / "record.jsonl").write_text("".join(json.dumps(seal(line)) + "\n" for line in lines))
        plan = Recipe(name="t", net=spec, device="cpu", **recipe)
        device_config = find_device("cpu")
        return Run(tmp_path, plan, DataInfo.of(data), device_config.place(net).eval(), device_config)

    return make
