import math
from dataclasses import replace
from typing import Any, get_args

import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer, OptimizerName
from neurarium.nets.catalog import NETS
from neurarium.nets.connectionist.hopfield_spec import HopfieldSpec
from neurarium.nets.connectionist.perceptron_spec import PerceptronSpec
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.feedforward.linear_probe_spec import LinearProbeSpec
from neurarium.nets.feedforward.regression_specs import LinearSpec, LogisticSpec, RandomFeaturesSpec
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.generative.specs import AutoencoderSpec, DCGANSpec, GANSpec
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.task import Context
from neurarium.training.recipe import OwnNet, Recipe
from neurarium.training.rules import table
from neurarium.training.rules.adversarial import AdversarialRule
from neurarium.training.rules.closed_form import ClosedFormRule
from neurarium.training.rules.contrastive import ContrastiveRule
from neurarium.training.rules.explicit import ExplicitRule
from neurarium.training.rules.gradient import GradientRule
from neurarium.training.rules.hessian_free import HessianFreeRule
from neurarium.training.rules.perceptron import PerceptronRule
from neurarium.training.rules.rule import LearningRule
from neurarium.training.rules.storage import StorageRule
from neurarium.training.rules.table import RULES, resolved, rule_class, rule_name

from .setups import batch_of, classes, make, numbers, step

OWN: dict[type[NetSpec], type] = {
    PerceptronSpec: PerceptronRule,
    HopfieldSpec: StorageRule,
    RBMSpec: ContrastiveRule,
    GANSpec: AdversarialRule,
    DCGANSpec: AdversarialRule,
}
SGD = Optimizer("sgd", lr=1.0)
SIX = Schema({"x": Field((6,), mean=(100.0,) * 6, std=(50.0,) * 6, value_range=(0.0, 255.0))}, classes((6,), 2).targets)


def schema_of(spec: type[NetSpec]) -> Schema:
    return classes((1, 8, 8), 2) if spec is DCGANSpec else SIX


def rule_of(recipe: Recipe, schema: Schema = SIX) -> LearningRule:
    torch.manual_seed(0)
    backbone = MLPSpec(hidden=(5,)).build(schema) if recipe.net.needs else None
    return make(recipe, schema, recipe.net.build(schema, backbone), 4 * recipe.epochs)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_lies_where_the_table_says(name: str) -> None:
    kind = rule_class(name)
    assert issubclass(kind, LearningRule)
    assert kind.follows
    assert name.replace("-", "_") in kind.__module__


def test_an_unknown_rule_is_named_with_the_closest() -> None:
    with pytest.raises(ConfigError, match=r"learning rule: .*did you mean storage"):
        rule_class("storag")


@pytest.mark.parametrize("name", NETS)
def test_every_net_has_its_own_rule_or_follows_the_gradient(name: str) -> None:
    assert rule_class(rule_name(Recipe(net=NETS[name]()))) is OWN.get(NETS[name], GradientRule)


def test_a_module_of_the_users_follows_the_gradient() -> None:
    assert type(make(Recipe(net=OwnNet()), SIX, nn.Linear(6, 2))) is GradientRule


@pytest.mark.parametrize("kind", OWN)
def test_rules_of_their_own_take_their_nets(kind: type[NetSpec]) -> None:
    assert type(rule_of(Recipe(net=kind(), optimizer=SGD), schema_of(kind))) is OWN[kind]


@pytest.mark.parametrize(
    "spec", [MLPSpec(), LinearSpec(), LogisticSpec(), RandomFeaturesSpec(9), LinearProbeSpec(), AutoencoderSpec()]
)
def test_all_others_follow_the_gradient_by_default(spec: NetSpec) -> None:
    assert type(rule_of(Recipe(net=spec))) is GradientRule


@pytest.mark.parametrize("name", get_args(OptimizerName))
@pytest.mark.parametrize("gradients", ["autograd", "explicit"])
def test_optimizer_and_gradients_choose_the_rule(name: OptimizerName, gradients: Any) -> None:
    net = LinearSpec() if gradients == "autograd" else MLPSpec(hidden=())
    recipe = Recipe(net=net, optimizer=Optimizer(name), gradients=gradients)
    own = {"hessian-free": HessianFreeRule, "closed-form": ClosedFormRule}
    if gradients == "explicit" and name in own:
        with pytest.raises(ConfigError, match=r"gradients: expected autograd.*got explicit"):
            rule_of(replace(recipe, net=LinearSpec()))
        return
    rule = rule_of(recipe)
    assert type(rule) is own.get(name, ExplicitRule if gradients == "explicit" else GradientRule)


IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "closed form": {"optimizer": Optimizer("closed-form")},
    "hessian-free": {"optimizer": Optimizer("hessian-free")},
    "explicit gradients": {"gradients": "explicit"},
    "compiled": {"compile": True},
    "another loss": {"loss": Loss("hinge")},
}


@pytest.mark.parametrize("change", IMPOSSIBLE)
@pytest.mark.parametrize("kind", OWN)
def test_what_a_rule_of_its_own_cannot_follow(kind: type[NetSpec], change: str) -> None:
    recipe = Recipe(net=kind(), optimizer=SGD)
    with pytest.raises(ConfigError):
        rule_of(replace(recipe, **IMPOSSIBLE[change]), schema_of(kind))


@pytest.mark.parametrize("kind", OWN)
def test_a_net_of_another_kind_than_the_recipe_names(kind: type[NetSpec]) -> None:
    with pytest.raises(ConfigError, match=r"net: expected a net of the kind \w+ for .*got Linear"):
        make(Recipe(net=kind(), optimizer=SGD), SIX, nn.Linear(6, 2))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"net": MLPSpec(hidden=(3,)), "optimizer": Optimizer("closed-form")}, "a solution in closed form, got MLP"),
        (
            {"loss": Loss("hinge"), "optimizer": Optimizer("closed-form")},
            r"loss\.name: expected auto or squared-error or .* for the rule closed-form, got hinge",
        ),
        (
            {"loss": Loss("hinge"), "gradients": "explicit"},
            r"loss\.name: expected auto or cross-entropy or squared-error, for the rule explicit, got hinge",
        ),
        ({"net": AutoencoderSpec(), "gradients": "explicit"}, "task: expected classes or numbers"),
        ({"task": "reconstruction", "optimizer": Optimizer("closed-form")}, "task: expected classes or numbers"),
        ({"task": "density", "optimizer": Optimizer("hessian-free")}, "task: expected one with a loss"),
        ({"task": "density"}, "task: expected one with a loss .*got density"),
        ({"precision": "bfloat16", "optimizer": Optimizer("closed-form")}, "precision"),
        ({"clip_norm": 1.0, "optimizer": Optimizer("hessian-free")}, "clip_norm: expected none"),
        ({"net": MLPSpec(norm="batch"), "optimizer": Optimizer("hessian-free")}, "batch normalization"),
    ],
)
def test_pairs_that_no_rule_can_learn(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        rule_of(replace(Recipe(net=LinearSpec()), **changes))


BATCH = batch_of(torch.randn(8, 6, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 2)


def test_a_task_that_does_not_suit_the_net_shows_at_the_first_step() -> None:
    with pytest.raises(ShapeError, match=r"reconstructions of the inputs \(8, 6\), got \(8, 2\); choose an auto-enc"):
        step(rule_of(Recipe(net=LinearSpec(), task="reconstruction")), BATCH)


@pytest.mark.parametrize("changes", [{}, {"gradients": "explicit"}, {"optimizer": Optimizer("closed-form")}])
def test_rules_learn_numbers(changes: dict[str, Any]) -> None:
    """Whatever the rule, the first update reports the squared error of the weights that it met."""
    net = MLPSpec(hidden=()) if "gradients" in changes else LinearSpec()
    rule = rule_of(replace(Recipe(net=net), **changes), numbers((6,), 2))
    targets = torch.stack([BATCH.x[:, 0], -BATCH.x[:, 1]], 1)
    start = torch.zeros(8, 2) if "optimizer" in changes else rule.net(BATCH.x).detach()
    update = rule.step((replace(BATCH, targets=(targets,)),), Context(training=True))
    expected = ((start - targets) ** 2).sum().item()
    assert update.loss == pytest.approx(expected / 16, rel=1e-5)
    assert update.errors == pytest.approx(expected / 2, rel=1e-5)
    assert update.count == 8
    assert math.isfinite(update.gradient_norm)


@pytest.mark.parametrize("fast", [True, False])
def test_auto_is_bfloat16_where_device_and_rule_take_it(monkeypatch: pytest.MonkeyPatch, fast: bool) -> None:
    found = table.find_device

    def pretended(device: str, precision: str) -> Any:
        return found("cpu", "bfloat16" if precision == "auto" and fast else "float32")

    monkeypatch.setattr(table, "find_device", pretended)
    able, unable = Recipe(precision="auto"), Recipe(precision="auto", gradients="explicit")
    assert resolved(able).precision == ("bfloat16" if fast else "float32")
    assert resolved(unable).precision == "float32"
    assert resolved(resolved(able)) == resolved(able)


def test_a_setting_that_only_a_subclass_has_is_refused_by_name() -> None:
    from neurarium.training.rate_finder import Rising

    with pytest.raises(ConfigError, match=r"schedule\.highest_factor: .* for the rule storage"):
        resolved(Recipe(net=HopfieldSpec(), optimizer=SGD, schedule=Rising(highest_factor=2.0)))
