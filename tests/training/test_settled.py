import dataclasses

import pytest

from neurarium.checks import ConfigError
from neurarium.learning.objective import Objective
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.generative.specs import AutoencoderSpec, GANSpec
from neurarium.nets.spec import NetSpec
from neurarium.training.recipe import Recipe
from neurarium.training.settled import check_settings, settled


@pytest.mark.parametrize(
    ("spec", "objective"),
    [
        (MLPSpec(), "cross-entropy"),
        (AutoencoderSpec(), "reconstruction"),
        (RBMSpec(), "own"),
        (GANSpec(), "own"),
        (HopfieldSpec(), "own"),
    ],
)
def test_an_untouched_objective_becomes_the_nets(spec: NetSpec, objective: str) -> None:
    recipe = settled(Recipe(net=spec))
    assert recipe.objective.name == objective
    check_settings(recipe)
    assert settled(recipe) == recipe


@pytest.mark.parametrize("spec", [AutoencoderSpec(), RBMSpec(), GANSpec(), HopfieldSpec()])
def test_another_objective_is_refused(spec: NetSpec) -> None:
    recipe = Recipe(net=spec, objective=Objective("hinge"))
    with pytest.raises(ConfigError, match=r"objective: expected (own|reconstruction) and nothing more"):
        check_settings(settled(recipe))


def test_own_is_for_nets_with_a_rule_of_their_own() -> None:
    with pytest.raises(ConfigError, match="mlp has no learning rule of its own"):
        check_settings(Recipe(net=MLPSpec(), objective=Objective("own")))


def test_weighted_means_of_parts_do_not_add_up() -> None:
    recipe = Recipe(net=MLPSpec(), objective=Objective(balanced=True))
    check_settings(recipe)
    with pytest.raises(ConfigError, match="weighted classes"):
        check_settings(dataclasses.replace(recipe, accumulate=2))
