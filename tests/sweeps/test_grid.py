"""Expansion of a grid and the reading of values."""

import pytest

from neurarium.checks import ConfigError
from neurarium.recipes.feedforward import mlp
from neurarium.sweeps.grid import expand, listed, read_values


def test_product_with_the_last_field_fastest() -> None:
    cells = expand(mlp(), {"optimizer.name": ["sgd", "adam"], "optimizer.lr": [0.1, 0.2, 0.3], "epochs": 3})
    assert [(c.recipe.optimizer.name, c.recipe.optimizer.lr) for c in cells] == [
        (name, lr) for name in ("sgd", "adam") for lr in (0.1, 0.2, 0.3)
    ]
    assert {c.recipe.epochs for c in cells} == {3}
    assert cells[4].name == "adam, lr=0.2"
    assert cells[4].settings == {"optimizer.name": "adam", "optimizer.lr": 0.2, "epochs": 3}


def test_nothing_varied_is_one_cell() -> None:
    (cell,) = expand(mlp(), {"epochs": 3})
    assert (cell.name, cell.recipe.epochs) == ("mlp", 3)


def test_fields_of_one_last_name_are_told_apart() -> None:
    cells = expand(mlp(), {"schedule.patience": [1, 2], "early_stopping.patience": [3, None]})
    assert cells[1].name == "schedule.patience=1, early_stopping.patience=none"
    assert cells[1].recipe.early_stopping.patience is None


def test_lists_as_values() -> None:
    cells = expand(mlp(), {"net.hidden": [(64,), (128, 64), ()]})
    assert [c.recipe.net.hidden for c in cells] == [(64,), (128, 64), ()]  # type: ignore[attr-defined]
    assert [c.name for c in cells] == ["hidden=64", "hidden=128-64", "hidden=none"]
    (single,) = expand(mlp(), {"net.hidden": (64, 32)})
    assert single.recipe.net.hidden == (64, 32)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("field", "text", "values"),
    [
        ("optimizer.lr", "1e-3, 0.01", [1e-3, 0.01]),
        ("epochs", "3", [3]),
        ("net.hidden", "64;128,64", [[64], [128, 64]]),
        ("net.hidden", "64", [[64]]),
        ("net.hidden", ";64", [[], [64]]),
        ("augmentation.flip", "true,False", [True, False]),
        ("clip_norm", "none,1", ["none", 1.0]),
        ("optimizer.name", "sgd,adam", ["sgd", "adam"]),
        ("net.kind", "mlp,lenet5", ["mlp", "lenet5"]),
    ],
)
def test_values_from_text(field: str, text: str, values: list[object]) -> None:
    assert read_values(mlp(), field, text) == values


@pytest.mark.parametrize(
    ("grid", "says"),
    [
        ({"optimiser.lr": [1]}, "did you mean optimizer?"),
        ({"optimizer.rate": [1]}, "optimizer.rate"),
        ({"optimizer": ["sgd"]}, "optimizer.name"),
        ({"epochs.more": [1]}, "has no parts"),
        ({"optimizer.lr": ["a"]}, "optimizer.lr: expected a number, got 'a'"),
        ({"net.hidden": [[8.5]]}, "net.hidden"),
        ({"optimizer.name": ["sdg"]}, "did you mean sgd?"),
        ({"optimizer.lr": [0.1, -1.0]}, "optimizer.lr"),
        ({"seed": [1, 2]}, "--seeds"),
        ({"name": ["a"]}, "one value for the whole sweep"),
        ({"epochs": [3, 3]}, "3 twice"),
        ({"epochs": []}, "at least one value"),
    ],
)
def test_mistakes_are_named(grid: dict[str, list[object]], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        expand(mlp(), grid)
    assert says in str(caught.value)


def test_nothing_between_commas() -> None:
    with pytest.raises(ConfigError, match="separated by commas"):
        read_values(mlp(), "epochs", "3,,4")


def test_a_listed_grid_is_its_own() -> None:
    grid = listed(mlp(), {"net.hidden": [(64,), ()], "clip_norm": None})
    assert listed(mlp(), grid) == grid == {"net.hidden": [[64], []], "clip_norm": ["none"]}
