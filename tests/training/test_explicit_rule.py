import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.batch import Batch
from neurarium.learning.objective import Objective
from neurarium.learning.optimisers import Optimiser
from neurarium.nets.convolutional.lenet import LeNet5
from neurarium.nets.feedforward.mlp import MLP
from neurarium.training.device import Placement
from neurarium.training.explicit_rule import ExplicitRule
from neurarium.training.gradient_rule import GradientRule
from neurarium.training.recipe import Recipe

CPU = Placement(torch.device("cpu"))
NETS = {"mlp": (lambda: MLP((50, 20, 20, 5)), (50,)), "lenet5": (lambda: LeNet5(outputs=5), (1, 28, 28))}


def make(name: str, dtype: torch.dtype = torch.float32) -> tuple[nn.Module, list[Batch]]:
    build, shape = NETS[name]
    torch.manual_seed(0)
    net = CPU.place(build()).to(dtype)
    batches = [Batch(torch.randn(12, *shape, dtype=dtype), torch.arange(12) % 5) for _ in range(20)]
    return net, batches


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("objective", ["cross-entropy", "squared-error"])
@pytest.mark.parametrize("name", NETS)
def test_twenty_steps_are_those_of_autograd(name: str, objective: str, dtype: torch.dtype) -> None:
    net, batches = make(name, dtype)
    peer = copy.deepcopy(net)
    recipe = Recipe(objective=Objective(objective), optimiser=Optimiser("momentum", lr=0.01), clip_norm=1.0)
    criterion = recipe.objective.build()
    ours = ExplicitRule(net, recipe, CPU, criterion, total_steps=20)
    theirs = GradientRule(peer, recipe, CPU, criterion, total_steps=20)
    tolerance = 1e-10 if dtype is torch.float64 else 1e-5
    for step, batch in enumerate(batches):
        update, expected = ours.step(batch, step), theirs.step(batch, step)
        assert update.objective == pytest.approx(expected.objective, rel=1e-4)
        assert update.errors == expected.errors
        assert update.gradient_norm == pytest.approx(expected.gradient_norm, rel=1e-3)
    for a, b in zip(net.parameters(), peer.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", NETS)
def test_fused_adam_finds_each_gradient_where_its_parameter_lies(name: str) -> None:
    # channels-last weights: a gradient in another layout would be read in the wrong order
    net, batches = make(name)
    peer, recipe = copy.deepcopy(net), Recipe(optimiser=Optimiser("adam", lr=1e-3))
    criterion = recipe.objective.build()
    ours = ExplicitRule(net, recipe, CPU, criterion, total_steps=5)
    theirs = GradientRule(peer, recipe, CPU, criterion, total_steps=5)
    for step in range(5):
        ours.step(batches[step], step)
        theirs.step(batches[step], step)
    for a, b in zip(net.parameters(), peer.parameters(), strict=True):
        assert a.grad.stride() == a.stride()
        # Adam divides by the gradient's own size: rounding shows where that is tiny
        assert ((a - b).abs() < 1e-4).float().mean() > 0.99


def test_large_layers_multiply_as_in_the_trainer() -> None:
    torch.manual_seed(0)
    net = MLP((784, 128, 10))
    peer, batch = copy.deepcopy(net), Batch(torch.randn(64, 784), torch.arange(64) % 10)
    recipe = Recipe(optimiser=Optimiser("sgd", lr=0.1))
    criterion = recipe.objective.build()
    ExplicitRule(net, recipe, CPU, criterion, 1).step(batch, 0)
    GradientRule(peer, recipe, CPU, criterion, 1).step(batch, 0)
    for a, b in zip(net.parameters(), peer.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


def test_parts_of_a_batch_add_up_to_its_gradient() -> None:
    net, batches = make("mlp")
    cut, recipe = copy.deepcopy(net), Recipe(optimiser=Optimiser("sgd", lr=0.1))
    criterion = recipe.objective.build()
    one = ExplicitRule(net, recipe, CPU, criterion, 1).step(batches[0], 0)
    several = ExplicitRule(cut, replace(recipe, accumulate=5), CPU, criterion, 1).step(batches[0], 0)
    assert several.objective == pytest.approx(one.objective, rel=1e-5)
    assert several.errors == one.errors
    for a, b in zip(net.parameters(), cut.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_the_same_run_twice_is_the_same_to_the_bit() -> None:
    nets = []
    for _ in range(2):
        net, batches = make("lenet5")
        rule = ExplicitRule(net, Recipe(), CPU, Recipe().objective.build(), total_steps=20)
        for step, batch in enumerate(batches):
            rule.step(batch, step)
        nets.append(net)
    assert all(torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True))


def test_distributions_are_targets_too() -> None:
    net, batches = make("mlp")
    peer, recipe = copy.deepcopy(net), Recipe(optimiser=Optimiser("sgd", lr=0.1))
    shares = torch.rand(12, 5).softmax(1)
    for objective in ("cross-entropy", "squared-error"):
        chosen = replace(recipe, objective=Objective(objective))
        ExplicitRule(net, chosen, CPU, chosen.objective.build(), 1)._backward(batches[0].inputs, shares, 1.0)
        GradientRule(peer, chosen, CPU, chosen.objective.build(), 1)._backward(batches[0].inputs, shares, 1.0)
        for a, b in zip(net.parameters(), peer.parameters(), strict=True):
            torch.testing.assert_close(a.grad, b.grad)


def test_frozen_weights_stay() -> None:
    net, batches = make("mlp")
    net.layers.linear1.requires_grad_(False)
    before = [p.detach().clone() for p in net.parameters()]
    ExplicitRule(net, Recipe(), CPU, Recipe().objective.build(), 1).step(batches[0], 0)
    moved = [not torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True)]
    assert moved == [False, False, True, True, True, True]


def test_a_loss_that_is_not_finite_stops_before_the_update() -> None:
    net, batches = make("mlp")
    before = [p.detach().clone() for p in net.parameters()]
    rule = ExplicitRule(net, Recipe(), CPU, Recipe().objective.build(), 1)
    with pytest.raises(NonFiniteError, match="inputs of the batch"):
        rule.step(replace(batches[0], inputs=torch.full((12, 50), float("inf"))), 0)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


@pytest.mark.parametrize(
    ("recipe", "placement", "says"),
    [
        (Recipe(compile=True), CPU, "compile"),
        (Recipe(), Placement(torch.device("cpu"), "bfloat16"), "precision"),
        (Recipe(objective=Objective("hinge")), CPU, r"objective\.name"),
        (Recipe(objective=Objective(smoothing=0.1)), CPU, r"objective\.smoothing"),
    ],
)
def test_what_the_rules_cannot_do_is_refused(recipe: Recipe, placement: Placement, says: str) -> None:
    net, _ = make("mlp")
    with pytest.raises(ConfigError, match=f"^{says}: expected .* with explicit gradients"):
        ExplicitRule(net, recipe, placement, recipe.objective.build(classes=5), total_steps=1)


def test_an_unknown_layer_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="layer 1: expected one of"):
        ExplicitRule(nn.Sequential(nn.Linear(2, 2), nn.PReLU()), Recipe(), CPU, Recipe().objective.build(), 1)
