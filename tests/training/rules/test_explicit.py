import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.batch import Batch
from neurarium.data.drawn import drawn
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.convolutional.lenet import LeNet5
from neurarium.nets.feedforward.mlp import MLP
from neurarium.nets.generative.specs import AutoencoderSpec
from neurarium.nets.recurrent.delay_specs import TDNNSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.custom import CustomLoss
from neurarium.tasks.table import task_of
from neurarium.tasks.task import Context
from neurarium.training.recipe import Recipe
from neurarium.training.rules.explicit import ExplicitRule
from neurarium.training.rules.gradient import GradientRule
from neurarium.training.rules.rule import LearningRule

from .setups import CPU, batch_of, classes, make, numbers, step

NETS = {"mlp": (lambda: MLP((50, 20, 20, 5)), (50,)), "lenet5": (lambda: LeNet5(outputs=5), (1, 28, 28))}


def net_and_batches(name: str, dtype: torch.dtype = torch.float32) -> tuple[nn.Module, list[Batch]]:
    build, shape = NETS[name]
    torch.manual_seed(0)
    net = CPU.place(build()).to(dtype)
    batches = [batch_of(torch.randn(12, *shape, dtype=dtype), torch.arange(12) % 5) for _ in range(20)]
    return net, batches


def rules(recipe: Recipe, net: nn.Module, schema: Schema, total: int = 1) -> tuple[LearningRule, LearningRule]:
    """The explicit rule of a net, and autograd's of a copy."""
    peer = copy.deepcopy(net)
    both = (make(replace(recipe, gradients="explicit"), schema, net, total), make(recipe, schema, peer, total))
    assert [type(rule) for rule in both] == [ExplicitRule, GradientRule]
    return both


def schema_of(name: str) -> Schema:
    return classes(NETS[name][1], 5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("loss", ["cross-entropy", "squared-error"])
@pytest.mark.parametrize("name", NETS)
def test_twenty_steps_are_those_of_autograd(name: str, loss: str, dtype: torch.dtype) -> None:
    net, batches = net_and_batches(name, dtype)
    recipe = Recipe(loss=Loss(loss), optimizer=Optimizer("momentum", lr=0.01), clip_norm=1.0)
    ours, theirs = rules(recipe, net, schema_of(name), total=20)
    tolerance = 1e-10 if dtype is torch.float64 else 1e-5
    for number, batch in enumerate(batches):
        update, expected = step(ours, batch, number), step(theirs, batch, number)
        assert update.loss == pytest.approx(expected.loss, rel=1e-4)
        assert (update.errors, update.count) == (expected.errors, 12)
        assert update.gradient_norm == pytest.approx(expected.gradient_norm, rel=1e-3)
    for a, b in zip(net.parameters(), theirs.net.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", NETS)
def test_fused_adam_finds_each_gradient_where_its_parameter_lies(name: str) -> None:
    # channels-last weights: a gradient in another layout would be read in the wrong order
    net, batches = net_and_batches(name)
    ours, theirs = rules(Recipe(optimizer=Optimizer("adam", lr=1e-3)), net, schema_of(name), total=5)
    for number in range(5):
        step(ours, batches[number], number)
        step(theirs, batches[number], number)
    for a, b in zip(net.parameters(), theirs.net.parameters(), strict=True):
        assert a.grad.stride() == a.stride()
        # Adam divides by the gradient's own size: rounding shows where that is tiny
        assert ((a - b).abs() < 1e-4).float().mean() > 0.99


def test_large_layers_multiply_as_in_the_trainer() -> None:
    torch.manual_seed(0)
    net, batch = MLP((784, 128, 10)), batch_of(torch.randn(64, 784), torch.arange(64) % 10)
    ours, theirs = rules(Recipe(optimizer=Optimizer("sgd", lr=0.1)), net, classes((784,), 10))
    step(ours, batch)
    step(theirs, batch)
    for a, b in zip(net.parameters(), theirs.net.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


def test_a_net_of_series_of_many_lengths_learns_by_its_rules_as_by_autograd() -> None:
    torch.manual_seed(0)
    spec = TDNNSpec(hidden=(6, 5), dilations=(1, 2), look_ahead=1, pooling="mean")
    net, examples = spec.build(spec.example()).double(), drawn(spec.example(), 12, 0)
    parts = [examples.gather(torch.arange(12).roll(k)).map(in_double) for k in range(20)]
    assert len(parts[0].inputs) == 2  # the lengths
    ours, theirs = rules(Recipe(optimizer=Optimizer("momentum", lr=0.01)), net, spec.example(), total=20)
    for number, batch in enumerate(parts):
        update, expected = (rule.step((batch,), Context(0, 1, number, training=True)) for rule in (ours, theirs))
        assert update.loss == pytest.approx(expected.loss, rel=1e-10)
        assert update.errors == expected.errors
    for a, b in zip(net.parameters(), theirs.net.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def in_double(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor


@pytest.mark.parametrize("parts", [5, 7])
def test_parts_of_a_batch_add_up_to_its_gradient(parts: int) -> None:
    net, batches = net_and_batches("mlp")
    cut, recipe = copy.deepcopy(net), Recipe(optimizer=Optimizer("sgd", lr=0.1), gradients="explicit")
    one = step(make(recipe, schema_of("mlp"), net), batches[0])
    several = step(make(replace(recipe, micro_batches=parts), schema_of("mlp"), cut), batches[0], parts=parts)
    assert several.loss == pytest.approx(one.loss, rel=1e-5)
    assert (several.errors, several.count) == (one.errors, one.count)
    for a, b in zip(net.parameters(), cut.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_the_same_run_twice_is_the_same_to_the_bit() -> None:
    nets = []
    for _ in range(2):
        net, batches = net_and_batches("lenet5")
        rule = make(Recipe(gradients="explicit"), schema_of("lenet5"), net, total=20)
        for number, batch in enumerate(batches):
            step(rule, batch, number)
        nets.append(net)
    assert all(torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True))


@pytest.mark.parametrize("loss", ["cross-entropy", "squared-error"])
def test_distributions_are_targets_too(loss: Any) -> None:
    net, batches = net_and_batches("mlp")
    recipe = Recipe(loss=Loss(loss), augmentation=Augmentation(mixup=1.0))
    ours, theirs = rules(recipe, net, schema_of("mlp"))
    updates = []
    for rule in (ours, theirs):
        torch.manual_seed(3)
        updates.append(step(rule, batches[0]))
    assert updates[0].loss == pytest.approx(updates[1].loss, rel=1e-5)
    for a, b in zip(net.parameters(), theirs.net.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize("shape", [(12,), (12, 1)], ids=str)
def test_one_number_to_predict_may_come_as_a_column_or_not(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    net, batch = MLP((6, 4, 1)), batch_of(torch.randn(12, 6), torch.randn(shape))
    schema = Schema({"x": Field((6,))}, {"y": Field(shape[1:])})
    ours, theirs = rules(Recipe(optimizer=Optimizer("sgd", lr=0.1)), net, schema)
    update, expected = step(ours, batch), step(theirs, batch)
    assert update.loss == pytest.approx(expected.loss, rel=1e-6)
    assert update.errors == pytest.approx(expected.errors, rel=1e-6)
    for a, b in zip(net.parameters(), theirs.net.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_frozen_weights_stay() -> None:
    net, batches = net_and_batches("mlp")
    net.layers.linear1.requires_grad_(False)
    before = [p.detach().clone() for p in net.parameters()]
    step(make(Recipe(gradients="explicit"), schema_of("mlp"), net), batches[0])
    moved = [not torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True)]
    assert moved == [False, False, True, True, True, True]


def test_a_loss_that_is_not_finite_stops_before_the_update() -> None:
    net, batches = net_and_batches("mlp")
    before = [p.detach().clone() for p in net.parameters()]
    rule = make(Recipe(gradients="explicit"), schema_of("mlp"), net)
    with pytest.raises(NonFiniteError, match="inputs of the batch"):
        step(rule, replace(batches[0], inputs=(torch.full((12, 50), float("inf")),)))
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        (Recipe(compile=True), "compile"),
        (Recipe(precision="bfloat16"), "precision"),
        (Recipe(loss=Loss("hinge")), r"loss\.name"),
        (Recipe(loss=Loss("distillation")), r"loss\.name"),
        (Recipe(loss=Loss(smoothing=0.1)), r"loss\.smoothing"),
        (Recipe(loss=Loss(class_weights=(1.0,) * 5)), r"loss\.class_weights"),
    ],
)
def test_settings_that_the_layer_rules_cannot_follow(recipe: Recipe, says: str) -> None:
    net, _ = net_and_batches("mlp")
    with pytest.raises(ConfigError, match=f"^{says}: expected .* for the rule explicit"):
        make(replace(recipe, gradients="explicit"), schema_of("mlp"), net)


def test_other_losses_than_those_of_labels_are_refused() -> None:
    recipe = Recipe(net=AutoencoderSpec(hidden=(5,), latent_dim=2), gradients="explicit")
    with pytest.raises(
        ConfigError, match=r"task: expected classes or numbers .* explicit gradients, got Reconstruction"
    ):
        make(recipe, classes((6,), 2))
    plain, schema = Recipe(gradients="explicit"), numbers((6,), 2)
    own = CustomLoss(lambda outputs, targets: (outputs - targets).square().mean(), task_of(plain, schema))
    with pytest.raises(ConfigError, match="got CustomLoss"):
        make(plain, schema, MLP((6, 2)), task=own)


def test_examples_that_are_not_one_tensor_are_refused() -> None:
    field = Field((50,))
    for inputs in ({"a": field, "b": field}, {"series": Field((None, 50), axis="time")}):
        schema = Schema(inputs, classes((50,), 5).targets)
        with pytest.raises(ConfigError, match="gradients: expected autograd for examples that are not one tensor"):
            make(Recipe(gradients="explicit"), schema, MLP((50, 5)))


def test_an_unknown_layer_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="layer 1: expected one of"):
        make(Recipe(gradients="explicit"), classes((2,), 2), nn.Sequential(nn.Linear(2, 2), nn.PReLU()))
