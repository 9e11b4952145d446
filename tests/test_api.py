"""Data of one's own with a recipe of the catalog, by the verbs of Python and of the command line."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import neurarium
from neurarium.checks import DataError, ShapeError, UserError
from neurarium.cli.main import main
from neurarium.recipes.catalog import RECIPES
from neurarium.tasks.table import TASKS
from neurarium.training.folder import read_recipe
from neurarium.training.session import build_session

from .conftest import make_series
from .contract import few

pytestmark = pytest.mark.usefixtures("undrawn")


def own(name: str) -> str:
    """The task that a recipe's net is made for."""
    task = RECIPES[name]().net.task
    return "classification" if task == "supervised" else task


def flowers(seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    kind = random.integers(0, 2, 120)
    columns = {"petal": kind + random.normal(0, 0.3, 120), "leaf": random.normal(0, 1, 120)}
    return pd.DataFrame(columns | {"kind": np.array(["rose", "daisy"])[kind]})


def test_a_recipe_of_pictures_learns_a_frame_and_says_what_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    plan = dataclasses.replace(neurarium.recipe("mlp"), epochs=8)
    run = neurarium.train(plan, data=flowers(), target="kind", out=folder)
    assert "without augmentation.shift of the recipe mlp" in " ".join(capsys.readouterr().err.split())
    assert not run.recipe.augmentation.active
    assert run.predict(np.array([[1.0, 0.0], [0.0, 0.0]])).labels == ("daisy", "rose")
    # the folder knows that its data had no name, and no verb takes others for them
    assert read_recipe(folder).data == "custom"
    assert main(["evaluate", str(folder)]) == 2
    assert "--data FILE" in capsys.readouterr().err
    with pytest.raises(DataError, match="given to this run in memory"):
        neurarium.resume(folder, epochs=9, progress=False)
    again = neurarium.resume(folder, data=flowers(), target="kind", epochs=9, progress=False)
    assert again.recipe.epochs == 9


def test_a_data_set_of_the_catalog_keeps_its_name(tmp_path: Path) -> None:
    data = neurarium.load_data("iris")
    plan = dataclasses.replace(neurarium.recipe("mlp"), epochs=1)
    run = neurarium.train(plan, data=data, out=tmp_path / "run", progress=False)
    assert run.recipe.data == "iris"
    assert main(["evaluate", str(tmp_path / "run")]) == 0


def test_a_recipe_on_another_takes_rows_and_refuses_before_a_folder_is_made(tmp_path: Path) -> None:
    plan = dataclasses.replace(neurarium.recipe("bottleneck-features"), epochs=1)
    run = neurarium.train(plan, data=flowers(), target="kind", out=tmp_path / "rows", progress=False)
    assert not read_recipe(run.folder / "pretrained").augmentation.active
    # the recipe below asks for images of another number of classes than a series has
    with pytest.raises(UserError):
        neurarium.train(plan, data=make_series(), out=tmp_path / "series", progress=False)
    assert not (tmp_path / "series").exists()


@pytest.mark.parametrize(
    ("name", "task"),
    [(name, task) for name in ("perceptron", "hopfield", "gan", "rbm", "mlp") for task in TASKS if task != own(name)],
)
def test_a_task_that_a_net_cannot_answer_is_refused_before_a_folder_is_made(
    name: str, task: str, tmp_path: Path
) -> None:
    plan = dataclasses.replace(neurarium.recipe(name), task=task, pretrained="", epochs=1)
    data = few(plan, (20, 5, 5))
    try:
        build_session(plan, data)
    except UserError:
        return  # and else it goes to its end, scores and report with it
    neurarium.train(plan, data=data, out=tmp_path / "run", progress=False)


def test_a_loss_without_a_gradient_is_refused(tmp_path: Path) -> None:
    def cut_off(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return (outputs.detach() - targets).square().mean()

    data = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    with pytest.raises(ShapeError, match="loss: expected a tensor that depends on the net's parameters"):
        neurarium.train("mlp", data=(data, data[:, :1]), loss=cut_off, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_bad_item_deep_in_a_data_set_with_named_classes_is_found_beforehand(tmp_path: Path) -> None:
    class Items(torch.utils.data.Dataset):
        classes = ("no", "yes")

        def __len__(self) -> int:
            return 300

        def __getitem__(self, k: int) -> tuple[torch.Tensor, int]:
            return torch.zeros(6 if k != 270 else 5), k % 2

    with pytest.raises(DataError):
        neurarium.train("mlp", data=Items(), out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_data_sets_of_ones_own_have_a_door() -> None:
    data = neurarium.dataset_from(flowers(), target="kind")
    assert data.schema.classes == ("daisy", "rose")
