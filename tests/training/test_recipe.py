from dataclasses import replace

import pytest

from neurarium.checks import ConfigError
from neurarium.learning.fine_tuning import FineTuning
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.convolutional.deep_specs import ResNetSpec, VGGSpec
from neurarium.nets.convolutional.specs import LeNet5Spec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.config import write_toml
from neurarium.record.schema import image_schema
from neurarium.training.recipe import Checkpoints, OwnNet, Recipe, recipe_from_plain, recipe_to_plain


def test_round_trip_keeps_every_field() -> None:
    import tomllib

    recipe = Recipe(
        name="r",
        net=MLPSpec(hidden=(5, 6), activation="tanh", dropout=0.25),
        task="reconstruction",
        loss=Loss("distillation", temperature=2.0, alpha=0.5, class_weights=(1.0, 2.0)),
        optimizer=Optimizer("momentum", lr=0.5, momentum=0.8),
        fine_tuning=FineTuning(freeze_epochs=1, backbone_factor=0.5, layer_decay=0.9),
        epochs=3,
        max_units=100,
        clip_norm=1.5,
        threads=2,
        checkpoints=Checkpoints(seconds=1.0, steps=7, keep=3),
    )
    assert recipe_from_plain(tomllib.loads(write_toml(recipe_to_plain(recipe)))) == recipe


def test_none_is_carried_over_a_base_that_has_a_value() -> None:
    plain = recipe_to_plain(Recipe(clip_norm=None))
    assert recipe_from_plain(plain, base=Recipe(clip_norm=2.0)).clip_norm is None


def test_kind_of_net_changes_with_the_table() -> None:
    recipe = recipe_from_plain({"net": {"kind": "lenet5"}}, base=Recipe(net=MLPSpec()))
    assert recipe.net == LeNet5Spec()


def test_a_published_size_is_a_kind_of_net() -> None:
    recipe = recipe_from_plain({"net": {"kind": "resnet50"}}, base=Recipe(net=ResNetSpec(20, zero_gamma=True)))
    assert recipe.net == ResNetSpec(50)
    assert recipe_from_plain({"net": {"kind": "vgg16", "dropout": 0.0}}).net == VGGSpec(16, dropout=0.0)
    plain = recipe_to_plain(recipe)
    assert (plain["net"]["kind"], plain["net"]["depth"]) == ("resnet", 50)
    assert recipe_from_plain(plain, base=Recipe(net=ResNetSpec(20))) == recipe


def test_a_string_is_short_for_the_name_of_the_loss() -> None:
    assert recipe_from_plain({"loss": "hinge"}).loss == Loss("hinge")


def test_unknown_net() -> None:
    with pytest.raises(ConfigError, match="did you mean lenet5"):
        recipe_from_plain({"net": {"kind": "lenet"}})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("micro_batches", 0),
        ("micro_batches", 1000),
        ("threads", 0),
        ("max_units", 0),
        ("clip_norm", 0.0),
        ("clip_norm", float("nan")),
        ("seed", -1),
        ("name", "a/b"),
        ("name", ""),
        ("name", ".."),
    ],
)
def test_refuses(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=field):
        replace(Recipe(), **{field: value})


def test_own_net_cannot_be_rebuilt() -> None:
    with pytest.raises(ConfigError, match="pass it"):
        OwnNet().build(image_schema())
