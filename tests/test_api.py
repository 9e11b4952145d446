"""Data of one's own with a recipe of the catalogue, by the verbs of Python and of the command line."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import neurarium
from neurarium.checks import DataError
from neurarium.cli.main import main
from neurarium.training.folder import read_recipe


def flowers(seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    kind = random.integers(0, 2, 120)
    columns = {"petal": kind + random.normal(0, 0.3, 120), "leaf": random.normal(0, 1, 120)}
    return pd.DataFrame(columns | {"kind": np.array(["rose", "daisy"])[kind]})


def test_a_recipe_of_pictures_learns_a_frame_and_says_what_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    plan = neurarium.recipe("mlp")
    run = neurarium.train(plan, data=flowers(), target="kind", out=folder)
    assert "without augmentation.shift of the recipe mlp" in " ".join(capsys.readouterr().out.split())
    assert not run.recipe.augmentation.active
    assert run.predict(np.array([[1.0, 0.0], [0.0, 0.0]])).labels == ("daisy", "rose")
    # the folder knows that its data had no name, and no verb takes others for them
    assert read_recipe(folder).data == "custom"
    assert main(["evaluate", str(folder)]) == 2
    assert "--data FILE" in capsys.readouterr().err
    with pytest.raises(DataError, match="given to this run in memory"):
        neurarium.resume(folder, epochs=41, progress=False)
    again = neurarium.resume(folder, data=flowers(), target="kind", epochs=41, progress=False)
    assert again.recipe.epochs == 41


def test_a_data_set_of_the_catalogue_keeps_its_name(tmp_path: Path) -> None:
    data = neurarium.load_data("iris")
    run = neurarium.train("mlp", data=data, out=tmp_path / "run", progress=False)
    assert run.recipe.data == "iris"
    assert main(["evaluate", str(tmp_path / "run")]) == 0
