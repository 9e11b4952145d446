from pathlib import Path

import pytest
import torch

from neurarium.checks import RunError
from neurarium.data.dataset import Dataset
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.training.folder import is_finished, is_run, load_weights, read_recipe, read_weights
from neurarium.training.recipe import Recipe
from neurarium.training.session import start

RECIPE = Recipe(name="t", net=MLPSpec(hidden=(4,)), epochs=1, batch_size=30, threads=1)


def test_a_run_is_there_before_it_is_finished(vectors: Dataset, tmp_path: Path) -> None:
    assert not is_run(tmp_path / "r")
    session = start(RECIPE, tmp_path / "r", vectors)
    assert is_run(tmp_path / "r")
    assert not is_finished(tmp_path / "r")
    with pytest.raises(RunError, match="without weights yet"):
        read_weights(tmp_path / "r")
    list(session.events())
    assert is_finished(tmp_path / "r")
    state, notices = read_weights(tmp_path / "r")
    assert notices == ()
    assert all(torch.equal(t, session.net.state_dict()[name]) for name, t in state.items())


def test_changes_are_laid_over_the_recipe(vectors: Dataset, tmp_path: Path) -> None:
    start(RECIPE, tmp_path / "r", vectors)
    assert read_recipe(tmp_path / "r") == RECIPE
    assert read_recipe(tmp_path / "r", {"epochs": 7}).epochs == 7


def test_weights_of_another_net(vectors: Dataset, tmp_path: Path) -> None:
    list(start(RECIPE, tmp_path / "r", vectors).events())
    with pytest.raises(RunError, match="size mismatch"):
        load_weights(MLPSpec(hidden=(5,)).build(vectors.schema), tmp_path / "r")
