import dataclasses

import pytest

from neurarium.learning.augmentation import Augmentation
from neurarium.recipes.catalog import RECIPES
from neurarium.record.schema import Field, Schema, image_schema
from neurarium.training.recipe import Recipe, fitted

MLP = RECIPES["mlp"]()
ROWS = Schema({"x": Field((4,))}, {"kind": Field((), categories=("a", "b"))})
SERIES = Schema({"x": Field((None, 4), axis="time")}, ROWS.targets)


@pytest.mark.parametrize("schema", [ROWS, SERIES])
def test_shifts_of_the_catalog_are_left_out_where_there_are_no_images(schema: Schema) -> None:
    recipe, said = fitted(MLP, RECIPES["mlp"], schema)
    assert recipe == dataclasses.replace(MLP, augmentation=Augmentation())
    recipe.augmentation.check(schema)
    assert "augmentation.shift" in said[0]
    assert "mlp" in said[0]


def test_images_keep_them() -> None:
    assert fitted(MLP, RECIPES["mlp"], image_schema((3, 20, 30))) == (MLP, ())


@pytest.mark.parametrize(
    "own",
    [
        dataclasses.replace(MLP, augmentation=Augmentation(shift=2)),
        dataclasses.replace(MLP, name="mine"),
        RECIPES["least-squares"](),
    ],
)
def test_what_the_user_has_set_and_recipes_without_any_stay(own: Recipe) -> None:
    assert fitted(own, RECIPES.get(own.name), ROWS) == (own, ())


@pytest.mark.parametrize(("schema", "kept"), [(ROWS, Augmentation(noise=0.1)), (SERIES, Augmentation())])
def test_noise_stays_with_rows_of_numbers(schema: Schema, kept: Augmentation) -> None:
    found, dropped = Augmentation(flip=True, noise=0.1).fitting(schema)
    assert found == kept
    assert dropped == (("flip",) if kept.noise else ("flip", "noise"))
