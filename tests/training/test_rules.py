import math
from dataclasses import replace
from typing import Any, get_args

import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.data.batch import Batch
from neurarium.data.scaling import Scaling
from neurarium.learning.objective import Objective
from neurarium.learning.optimisers import Optimiser, OptimiserName
from neurarium.nets.catalogue import NETS
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.connectionist.perceptron_spec import PerceptronSpec
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.feedforward.features_spec import FeaturesSpec
from neurarium.nets.feedforward.regression_specs import LinearSpec, LogisticSpec, RandomFeaturesSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.generative.specs import AutoencoderSpec, DCGANSpec, GANSpec
from neurarium.nets.spec import NetSpec, ScaledSpec
from neurarium.training.adversarial_rule import AdversarialRule
from neurarium.training.closed_form_rule import ClosedFormRule
from neurarium.training.contrastive_rule import ContrastiveRule
from neurarium.training.device import Placement
from neurarium.training.explicit_rule import ExplicitRule
from neurarium.training.gradient_rule import GradientRule
from neurarium.training.hessian_free_rule import HessianFreeRule
from neurarium.training.perceptron_rule import PerceptronRule
from neurarium.training.recipe import OwnNet, Recipe
from neurarium.training.rule import LearningRule
from neurarium.training.rules import make_rule, own_rule
from neurarium.training.storage_rule import StorageRule

CPU = Placement(torch.device("cpu"))
OWN: dict[type[NetSpec], type] = {
    PerceptronSpec: PerceptronRule,
    HopfieldSpec: StorageRule,
    RBMSpec: ContrastiveRule,
    GANSpec: AdversarialRule,
    DCGANSpec: AdversarialRule,
}
SGD = Optimiser("sgd", lr=1.0)
OF_OWN = {spec: Objective("perceptron" if spec is PerceptronSpec else "own") for spec in OWN}


def build(spec: NetSpec, shape: tuple[int, ...] = (6,), outputs: int = 2) -> nn.Module:
    torch.manual_seed(0)
    if isinstance(spec, ScaledSpec):
        scaling = Scaling((100.0,) * shape[0], (50.0,) * shape[0])
        return spec.build(shape, outputs, scaling.mean, scaling.std)
    if isinstance(spec, FeaturesSpec):
        return spec.build(shape, outputs, build(MLPSpec(hidden=(5,)), shape))
    return spec.build(shape, outputs)


def rule_of(recipe: Recipe, shape: tuple[int, ...] = (6,), numbers: bool = False) -> LearningRule:
    criterion = recipe.objective.build(2, numbers=numbers)
    return make_rule(build(recipe.net, shape), recipe, CPU, criterion, 4 * recipe.epochs, 2)


@pytest.mark.parametrize("name", NETS)
def test_every_net_has_its_own_rule_or_follows_the_gradient(name: str) -> None:
    assert own_rule(NETS[name]()) is OWN.get(NETS[name])


def test_a_module_of_the_users_follows_the_gradient() -> None:
    assert own_rule(OwnNet()) is None
    recipe = Recipe(net=OwnNet())
    assert type(make_rule(nn.Linear(6, 2), recipe, CPU, Objective().build(), 1)) is GradientRule


@pytest.mark.parametrize("kind", OWN)
def test_rules_of_their_own_take_their_nets(kind: type[NetSpec]) -> None:
    shape = (1, 8, 8) if kind is DCGANSpec else (6,)
    rule = rule_of(Recipe(net=kind(), objective=OF_OWN[kind], optimiser=SGD), shape)
    assert type(rule) is OWN[kind]
    assert isinstance(rule, LearningRule)


@pytest.mark.parametrize(
    "spec", [MLPSpec(), LinearSpec(), LogisticSpec(), RandomFeaturesSpec(9), FeaturesSpec(), AutoencoderSpec()]
)
def test_all_others_follow_the_gradient_by_default(spec: NetSpec) -> None:
    name = "reconstruction" if isinstance(spec, AutoencoderSpec) else "cross-entropy"
    rule = rule_of(Recipe(net=spec, objective=Objective(name)))
    assert type(rule) is GradientRule
    assert isinstance(rule, LearningRule)


@pytest.mark.parametrize("name", get_args(OptimiserName))
@pytest.mark.parametrize("gradients", ["autograd", "explicit"])
def test_optimiser_and_gradients_choose_the_rule(name: OptimiserName, gradients: Any) -> None:
    net = LinearSpec() if gradients == "autograd" else MLPSpec(hidden=())
    recipe = Recipe(net=net, optimiser=Optimiser(name), gradients=gradients)
    own = {"hessian-free": HessianFreeRule, "closed-form": ClosedFormRule}
    if gradients == "explicit" and name in own:
        with pytest.raises(ConfigError, match=r"gradients: expected autograd.*got explicit"):
            rule_of(replace(recipe, net=LinearSpec()))
        return
    rule = rule_of(recipe)
    assert type(rule) is own.get(name, ExplicitRule if gradients == "explicit" else GradientRule)
    assert isinstance(rule, LearningRule)


IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "closed form": {"optimiser": Optimiser("closed-form")},
    "hessian-free": {"optimiser": Optimiser("hessian-free")},
    "explicit gradients": {"gradients": "explicit"},
    "compiled": {"compile": True},
}


@pytest.mark.parametrize("change", IMPOSSIBLE)
@pytest.mark.parametrize("kind", OWN)
def test_what_a_rule_of_its_own_cannot_follow(kind: type[NetSpec], change: str) -> None:
    recipe = Recipe(net=kind(), objective=OF_OWN[kind], optimiser=SGD)
    with pytest.raises(ConfigError):
        rule_of(replace(recipe, **IMPOSSIBLE[change]), (1, 8, 8) if kind is DCGANSpec else (6,))


@pytest.mark.parametrize("kind", OWN)
def test_a_net_of_another_kind_than_the_recipe_names(kind: type[NetSpec]) -> None:
    recipe = Recipe(net=kind(), objective=OF_OWN[kind], optimiser=SGD)
    with pytest.raises(ConfigError, match=r"net: expected \w+ .*got Linear"):
        make_rule(nn.Linear(6, 2), recipe, CPU, recipe.objective.build(), 4)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"net": MLPSpec(hidden=(3,)), "optimiser": Optimiser("closed-form")}, "only trainable layer is affine"),
        (
            {"objective": Objective("hinge"), "optimiser": Optimiser("closed-form")},
            "objective: expected one of squared",
        ),
        ({"objective": Objective("hinge"), "gradients": "explicit"}, "no layer rule is written for it"),
        ({"objective": Objective("reconstruction"), "gradients": "explicit"}, r"objective\.name"),
        ({"objective": Objective("own"), "gradients": "explicit"}, r"objective\.name"),
        ({"objective": Objective("own"), "optimiser": Optimiser("closed-form")}, "objective: expected one of squared"),
        ({"precision": "bfloat16", "optimiser": Optimiser("closed-form")}, "precision"),
        ({"clip_norm": 1.0, "optimiser": Optimiser("hessian-free")}, "clip_norm"),
        ({"net": MLPSpec(norm="batch"), "optimiser": Optimiser("hessian-free")}, "batch normalisation"),
    ],
)
def test_pairs_that_no_rule_can_learn(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        rule_of(replace(Recipe(net=LinearSpec()), **changes))


BATCH = Batch(torch.randn(8, 6, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 2)


def test_an_objective_that_does_not_suit_the_net_shows_at_the_first_step() -> None:
    with pytest.raises(ConfigError, match=r"no learning rule of its own, got own; --objective.name cross-entropy"):
        rule_of(Recipe(net=LinearSpec(), objective=Objective("own"))).step(BATCH, 0)
    with pytest.raises(ShapeError, match=r"reconstructions of the inputs \(8, 6\), got \(8, 2\); choose an auto-enc"):
        rule_of(Recipe(net=LinearSpec(), objective=Objective("reconstruction"))).step(BATCH, 0)


@pytest.mark.parametrize("changes", [{}, {"gradients": "explicit"}, {"optimiser": Optimiser("closed-form")}])
def test_rules_learn_numbers(changes: dict[str, Any]) -> None:
    """Whatever the rule, the first update reports the squared error of the weights that it met."""
    net = MLPSpec(hidden=()) if "gradients" in changes else LinearSpec()
    recipe = replace(Recipe(net=net, objective=Objective("squared-error")), **changes)
    rule = rule_of(recipe, numbers=True)
    targets = torch.stack([BATCH.inputs[:, 0], -BATCH.inputs[:, 1]], 1)
    start = torch.zeros(8, 2) if "optimiser" in changes else rule.net(BATCH.inputs).detach()
    update = rule.step(Batch(BATCH.inputs, targets), 0)
    expected = ((start - targets) ** 2).sum().item()
    assert update.objective == pytest.approx(expected / 16, rel=1e-5)
    assert update.errors == pytest.approx(expected / 2, rel=1e-5)
    assert math.isfinite(update.gradient_norm)
