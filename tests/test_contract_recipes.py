"""What every recipe must do, whatever it is: one suite over the whole catalogue.

The data that a recipe names may not be on this machine: it learns here from a small stand-in of the same shape.
"""

import dataclasses
import tomllib

import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.data.catalogue import SOURCES
from neurarium.data.dataset import Dataset
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.early_stopping import EarlyStopping
from neurarium.learning.schedules import Schedule
from neurarium.recipes.catalogue import RECIPES
from neurarium.record.config import write_toml
from neurarium.record.events import EpochEnded, Stepped, Stopped
from neurarium.training.recipe import Recipe, recipe_from_plain, recipe_to_plain
from neurarium.training.session import Session, prepare
from neurarium.training.source import Source

from .conftest import make_toy

# fewer examples than pixels: the solution of least norm, with a warning
pytestmark = pytest.mark.filterwarnings("ignore::neurarium.learning.least_squares.SingularDesignWarning")

SHAPES = {
    "mnist-5k": (1, 28, 28),
    "fashion-mnist": (1, 28, 28),
    "mnist": (1, 28, 28),
    "breast-cancer": (30,),
    "digits": (1, 8, 8),
}
CLASSES = {"breast-cancer": 2}


@pytest.fixture(params=RECIPES)
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return dataclasses.replace(RECIPES[request.param](), threads=1, device="cpu")


@pytest.fixture
def stand_in(recipe: Recipe) -> Dataset:
    return make_toy(SHAPES[recipe.data], CLASSES.get(recipe.data, 10), (64, 20, 20))


def convex(recipe: Recipe) -> bool:
    """Whether the optimum is the same whatever the seed: no feature is drawn."""
    return recipe.optimiser.name == "closed-form" and recipe.name != "random-features"


def begin(recipe: Recipe, data: Dataset) -> Session:
    """A session in memory; what a recipe stands on has learnt for an epoch."""
    if not recipe.source:
        return prepare(recipe, data)
    origin = dataclasses.replace(RECIPES[recipe.source](), threads=1, device="cpu", epochs=1)
    below = begin(origin, data)
    list(below.events())
    return prepare(recipe, data, source=Source(origin.name, below.net, data.shape, data.classes, data.scaling))


def test_says_what_it_is_in_a_line(recipe: Recipe) -> None:
    line = (RECIPES[recipe.name].__doc__ or "").splitlines()[0]
    assert 10 < len(line) < 100
    assert line.endswith(".")


def test_bears_its_name_and_names_known_data(recipe: Recipe) -> None:
    assert recipe.name in RECIPES
    assert recipe.data in SOURCES


def test_survives_toml(recipe: Recipe) -> None:
    assert recipe_from_plain(tomllib.loads(write_toml(recipe_to_plain(recipe)))) == recipe


def test_learns_and_counts(recipe: Recipe, stand_in: Dataset) -> None:
    session = begin(dataclasses.replace(recipe, epochs=2), stand_in)
    before = {name: tensor.clone() for name, tensor in session.net.state_dict().items()}
    events = list(session.events())
    assert isinstance(events[-1], Stopped)
    assert len([e for e in events if isinstance(e, EpochEnded)]) == 2
    steps = [e for e in events if isinstance(e, Stepped)]
    assert [e.step for e in steps] == list(range(1, len(steps) + 1))
    assert all(e.gradient_norm > 0 for e in steps)
    trained = {name: p for name, p in session.net.named_parameters() if p.requires_grad}
    assert all(not torch.equal(before[name], parameter) for name, parameter in trained.items())


def test_same_seed_same_weights(recipe: Recipe, stand_in: Dataset) -> None:
    weights = []
    for seed in (0, 0, 1):
        session = begin(dataclasses.replace(recipe, epochs=1, seed=seed), stand_in)
        list(session.events())
        weights.append(torch.cat([p.detach().flatten() for p in session.net.parameters()]))
    assert torch.equal(weights[0], weights[1])
    if not convex(recipe):
        assert not torch.equal(weights[0], weights[2])


def test_overfits_one_batch(recipe: Recipe) -> None:
    """The net of the recipe, with its own optimiser, learns 20 pictures by heart."""
    data = make_toy(SHAPES[recipe.data], CLASSES.get(recipe.data, 10), (20, 0, 0), seed=3)
    by_heart = {"schedule": Schedule(), "early_stopping": EarlyStopping(), "augmentation": Augmentation()}
    plan = dataclasses.replace(recipe, epochs=150, batch_size=20, **by_heart)
    if recipe.objective.name == "distillation":  # a teacher that knows other pictures would be in the way
        plan = dataclasses.replace(plan, source="", objective=recipe.objective.without_teacher())
    session = begin(plan, data)
    best = min(e.train["error"] for e in session.events() if isinstance(e, EpochEnded))
    assert best == 0


def test_bfloat16_and_accumulation_run(recipe: Recipe, stand_in: Dataset) -> None:
    if recipe.optimiser.name == "closed-form":  # a step over whole epochs, in float64, follows neither
        with pytest.raises(ConfigError, match="closed form"):
            begin(dataclasses.replace(recipe, precision="bfloat16"), stand_in)
        return
    plan = dataclasses.replace(recipe, epochs=1, precision="bfloat16", accumulate=2, clip_norm=1.0)
    ends = [e for e in begin(plan, stand_in).events() if isinstance(e, EpochEnded)]
    assert len(ends) == 1
    assert ends[0].train["objective"] < 20 * recipe.objective.temperature**2
