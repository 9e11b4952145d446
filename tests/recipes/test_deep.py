"""What the recipes of deep nets promise beyond the contract of every recipe."""

import dataclasses
import subprocess
import sys
import tomllib
from collections.abc import Callable

import pytest
import torch
from torch import nn

from neurarium.data.catalogue import SOURCES
from neurarium.recipes import deep
from neurarium.record.config import write_toml
from neurarium.record.events import EpochEnded, Stepped
from neurarium.training.recipe import Recipe, recipe_from_plain, recipe_to_plain
from neurarium.training.session import prepare

from ..conftest import make_toy

RECIPES = {
    "alexnet-small": deep.alexnet_small,
    "vgg-small": deep.vgg_small,
    "resnet20": deep.resnet20,
    "plain20": deep.plain20,
    "resnet56": deep.resnet56,
    "plain56": deep.plain56,
    "densenet40": deep.densenet40,
}


def layers(recipe: Recipe) -> int:
    net = recipe.net.build((1, 28, 28), 10)
    return sum(isinstance(m, nn.Conv2d | nn.Linear) for m in net.modules())


@pytest.mark.parametrize("name", RECIPES)
def test_is_whole(name: str) -> None:
    recipe = RECIPES[name]()
    assert recipe.name == name
    assert recipe.data in SOURCES
    assert recipe_from_plain(tomllib.loads(write_toml(recipe_to_plain(recipe)))) == recipe
    assert (RECIPES[name].__doc__ or "").splitlines()[0].endswith(".")


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
    assert (resnet.optimiser.name, resnet.optimiser.lr, resnet.optimiser.l2) == ("momentum", 0.1, 1e-4)
    assert (resnet.optimiser.momentum, resnet.batch_size) == (0.9, 128)
    assert (densenet.optimiser.name, densenet.optimiser.lr, densenet.batch_size) == ("nesterov", 0.1, 64)
    assert resnet.augmentation.flip
    assert resnet.augmentation.shift > 0


def test_the_rate_rises_and_falls_to_nothing() -> None:
    factor = deep.resnet20().schedule.factor(1000)
    rates = [factor(step) for step in range(1000)]
    assert max(rates) == 1
    assert rates.index(1.0) == 99
    assert rates[0] < 0.02
    assert rates[-1] < 1e-4


@pytest.mark.parametrize("make", [deep.alexnet_small, deep.vgg_small, deep.resnet20, deep.densenet40])
def test_learns(make: Callable[[], Recipe]) -> None:
    recipe = dataclasses.replace(make(), threads=1, device="cpu", epochs=2, batch_size=8)
    session = prepare(recipe, make_toy((1, 28, 28), 10, (16, 10, 0)))
    before = {name: p.detach().clone() for name, p in session.net.named_parameters()}
    events = list(session.events())
    assert sum(isinstance(e, EpochEnded) for e in events) == 2
    assert all(e.gradient_norm > 0 for e in events if isinstance(e, Stepped))
    assert all(not torch.equal(before[name], p) for name, p in session.net.named_parameters())


def test_recipes_load_no_torch() -> None:
    code = "import sys, neurarium.recipes.deep as d; d.resnet20(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
