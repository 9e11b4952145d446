"""What the recipes of deep nets promise beyond the contract of every recipe."""

import dataclasses
import subprocess
import sys

import pytest
from torch import nn

from neurarium.recipes import deep
from neurarium.recipes.catalog import RECIPES
from neurarium.record.schema import image_schema
from neurarium.training.recipe import Recipe


def layers(recipe: Recipe) -> int:
    net = recipe.net.build(image_schema())
    return sum(isinstance(m, nn.Conv2d | nn.Linear) for m in net.modules())


@pytest.mark.parametrize(
    ("name", "count"), [("resnet20", 20), ("plain20", 20), ("resnet56", 56), ("plain56", 56), ("densenet40", 40)]
)
def test_has_as_many_layers_as_its_name_says(name: str, count: int) -> None:
    assert layers(RECIPES[name]()) == count


def test_plain_and_residual_nets_differ_in_the_net_alone() -> None:
    he = [RECIPES[name]() for name in ("resnet20", "plain20", "resnet56", "plain56")]
    alike = {repr(dataclasses.replace(recipe, name="same", net=he[0].net)) for recipe in he}
    assert len(alike) == 1
    assert len({repr(recipe.net) for recipe in he}) == 4


def test_settings_of_the_papers() -> None:
    resnet, densenet = deep.resnet20(), deep.densenet40()
    assert (resnet.optimizer.name, resnet.optimizer.lr, resnet.optimizer.l2) == ("momentum", 0.1, 1e-4)
    assert (resnet.optimizer.momentum, resnet.batch_size) == (0.9, 128)
    assert (densenet.optimizer.name, densenet.optimizer.lr, densenet.batch_size) == ("nesterov", 0.1, 64)
    assert resnet.augmentation.flip
    assert resnet.augmentation.shift > 0


def test_the_rate_rises_and_falls_to_nothing() -> None:
    factor = deep.resnet20().schedule.factor(1000)
    rates = [factor(step) for step in range(1000)]
    assert max(rates) == 1
    assert rates.index(1.0) == 99
    assert rates[0] < 0.02
    assert rates[-1] < 1e-4


def test_recipes_load_no_torch() -> None:
    code = "import sys, neurarium.recipes.deep as d; d.resnet20(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
