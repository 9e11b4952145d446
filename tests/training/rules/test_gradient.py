import math
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.batch import Batch
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.fine_tuning import FineTuning
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.parts.groups import Grouped, trainable
from neurarium.nets.penalty import WithPenalty
from neurarium.tasks.density import DensityTask
from neurarium.training.device import DeviceConfig
from neurarium.training.recipe import Recipe
from neurarium.training.rules.gradient import GradientRule

from .setups import CPU, batch_of, classes, make, step, sums

THREE = classes((4,), 3)
SGD = Recipe(optimizer=Optimizer("sgd", lr=0.5))


def rule_of(net: nn.Module, recipe: Recipe = SGD, total: int = 1) -> GradientRule:
    rule = make(recipe, THREE, net, total)
    assert type(rule) is GradientRule
    return rule


def make_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def make_batch(n: int = 10) -> Batch:
    generator = torch.Generator().manual_seed(1)
    return batch_of(torch.randn(n, 4, generator=generator), torch.randint(0, 3, (n,), generator=generator))


def test_steps_equal_a_loop_written_by_hand() -> None:
    net, peer, batch = make_net(), make_net(), make_batch()
    recipe = replace(SGD, schedule=Schedule("cosine"), optimizer=Optimizer("nesterov", lr=0.3))
    rule = rule_of(net, recipe, total=6)
    optimizer = torch.optim.SGD(peer.parameters(), lr=0.3, momentum=0.9, nesterov=True)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)
    for number in range(5):
        update = step(rule, batch, number)
        assert update.count == 10
        optimizer.zero_grad()
        loss = F.cross_entropy(peer(batch.x), batch.labels)
        loss.backward()
        norm = math.sqrt(sum(float(p.grad.square().sum()) for p in peer.parameters()))
        assert update.loss == pytest.approx(loss.item(), rel=1e-5)
        assert update.gradient_norm == pytest.approx(norm, rel=1e-5)
        assert update.learning_rate == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    for ours, theirs in zip(net.parameters(), peer.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("parts", [2, 3, 10])
def test_accumulation_is_the_same_update(parts: int) -> None:
    whole, cut, batch = make_net(), make_net(), make_batch()
    one = step(rule_of(whole), batch)
    several = step(rule_of(cut, replace(SGD, micro_batches=parts)), batch, parts=parts)
    assert several.loss == pytest.approx(one.loss, rel=1e-5)
    assert several.errors == one.errors
    assert several.gradient_norm == pytest.approx(one.gradient_norm, rel=1e-5)
    for a, b in zip(whole.parameters(), cut.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_clipping_shortens_the_step_to_the_norm_given() -> None:
    net, batch = make_net(), make_batch()
    before = [p.detach().clone() for p in net.parameters()]
    update = step(rule_of(net, replace(SGD, clip_norm=0.01)), batch)
    moved = math.sqrt(
        sum(float((a - b).detach().square().sum()) for a, b in zip(before, net.parameters(), strict=True))
    )
    assert update.gradient_norm > 0.01  # the norm reported is that of the gradient itself
    assert moved == pytest.approx(0.5 * 0.01, rel=1e-4)


def test_nothing_is_updated_when_the_loss_is_not_finite() -> None:
    net, batch = make_net(), make_batch()
    before = [p.detach().clone() for p in net.parameters()]
    rule = rule_of(net)
    bad = batch_of(batch.x.index_fill(0, torch.tensor([0]), math.inf), batch.labels)
    with pytest.raises(NonFiniteError, match="step 8, inputs of the batch"):
        step(rule, bad, 7)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_nothing_is_updated_when_only_the_gradient_is_not_finite() -> None:
    class RootOfZero(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x - x).sqrt() + x.detach()  # value finite, derivative infinite

    net = nn.Sequential(nn.Linear(4, 3), RootOfZero())
    before = net[0].weight.detach().clone()
    with pytest.raises(NonFiniteError, match="RootOfZero") as caught:
        step(rule_of(net), make_batch())
    assert "error signal" in str(caught.value)
    assert torch.equal(before, net[0].weight)


@pytest.mark.parametrize("decay_params", ["all", "weights"])
def test_state_goes_on_bit_for_bit_in_channels_last(decay_params: str) -> None:
    def begin() -> tuple[nn.Module, GradientRule]:
        torch.manual_seed(0)
        net = CPU.place(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 9, 3)))
        return net, make(
            Recipe(optimizer=Optimizer("adam", lr=0.01, decay_params=decay_params)), classes((3, 5, 5), 3), net
        )

    batch = batch_of(torch.randn(8, 3, 5, 5), torch.arange(8) % 3)
    net, rule = begin()
    for number in range(3):
        step(rule, batch, number)
    other, fresh = begin()
    other.load_state_dict({name: tensor.clone().contiguous() for name, tensor in net.state_dict().items()})
    state = rule.state_dict()
    entries = {
        k: {key: {n: t.clone().contiguous() for n, t in entry.items()} for key, entry in one.items()}
        for k, one in state["state"].items()
    }
    fresh.load_state_dict(state | {"state": entries})
    for number in range(3, 6):
        step(rule, batch, number)
        step(fresh, batch, number)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), other.parameters(), strict=True))


def test_plateau_lowers_the_rate_and_its_state_is_saved() -> None:
    recipe = replace(SGD, schedule=Schedule("plateau", gamma=0.5, patience=2))
    rule, fresh = (rule_of(make_net(), recipe) for _ in range(2))
    rates = []
    for score in (0.3, 0.3, 0.3, 0.3):
        rates.append(step(rule, make_batch()).learning_rate)
        rule.epoch_ended(score)
    assert rates == [0.5, 0.5, 0.5, 0.25]
    fresh.load_state_dict(rule.state_dict())
    for each in (rule, fresh):
        each.epoch_ended(0.3)
        assert step(each, make_batch()).learning_rate == 0.125


def test_scores_mean_nothing_to_other_schedules() -> None:
    rule = rule_of(make_net())
    for _ in range(20):
        rule.epoch_ended(1.0)
    assert step(rule, make_batch()).learning_rate == 0.5


def test_measure_sums_over_the_batch_and_learns_nothing() -> None:
    net, batch = make_net(), make_batch()
    before = net[0].weight.detach().clone()
    loss, errors = sums(rule_of(net), batch)
    outputs = net(batch.x).detach()
    assert loss == pytest.approx(float(F.cross_entropy(outputs, batch.labels, reduction="sum")), rel=1e-5)
    assert errors == int((outputs.argmax(1) != batch.labels).sum())
    assert torch.equal(before, net[0].weight)


def test_bfloat16_learns() -> None:
    net, batch = make_net(), make_batch()
    recipe = replace(SGD, precision="bfloat16")
    rule = make(recipe, THREE, net, 100, DeviceConfig(torch.device("cpu"), "bfloat16"))
    first = step(rule, batch).loss
    for number in range(1, 30):
        last = step(rule, batch, number).loss
    assert last < 0.7 * first
    assert net[0].weight.dtype == torch.float32


def test_mixup_descends_on_mixed_inputs_and_targets() -> None:
    net, peer, batch = make_net(), make_net(), make_batch()
    recipe = replace(SGD, augmentation=Augmentation(mixup=1.0))
    torch.manual_seed(5)
    update = step(rule_of(net, recipe), batch)
    torch.manual_seed(5)
    partner = torch.randperm(10)
    fraction = torch.distributions.Beta(1.0, 1.0).sample((10,))
    outputs = peer(fraction[:, None] * batch.x + (1 - fraction[:, None]) * batch.x[partner])
    one, other = (F.cross_entropy(outputs, t, reduction="none") for t in (batch.labels, batch.labels[partner]))
    loss = (fraction * one + (1 - fraction) * other).mean()  # the cross-entropy is linear in the target
    loss.backward()
    assert update.loss == pytest.approx(loss.item(), rel=1e-5)
    for ours, theirs in zip(net.parameters(), peer.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs - 0.5 * theirs.grad)


@pytest.mark.parametrize("weights", [(), (0.2, 1.0, 5.0)])
def test_ragged_parts_of_weighted_classes_add_up(weights: tuple[float, ...]) -> None:
    whole, cut, batch = make_net(), make_net(), make_batch(11)
    recipe = replace(SGD, loss=Loss(class_weights=weights))
    one = step(rule_of(whole, recipe), batch)
    several = step(rule_of(cut, replace(recipe, micro_batches=3)), batch, parts=3)  # 4, 4 and 3 examples
    assert several.loss == pytest.approx(one.loss, rel=1e-6)
    assert several.count == one.count == 11
    for a, b in zip(whole.parameters(), cut.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-5, atol=1e-7)


class Penalized(nn.Module):
    """A net with a penalty of its own, one number an example, in training alone."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor | WithPenalty:
        outputs = self.layer(x)
        return WithPenalty(outputs, outputs.square().sum(1)) if self.training else outputs


@pytest.mark.parametrize("parts", [1, 3])
def test_a_nets_own_penalty_is_added_as_a_mean(parts: int) -> None:
    torch.manual_seed(0)
    net, batch = Penalized(), make_batch(10)
    outputs = net.eval()(batch.x)
    loss = F.cross_entropy(outputs, batch.labels) + outputs.square().sum(1).mean()
    expected = torch.autograd.grad(loss, list(net.parameters()))
    rule = rule_of(net.train(), replace(SGD, micro_batches=parts))
    update = step(rule, batch, parts=parts)
    assert update.loss == pytest.approx(loss.item(), rel=1e-5)
    for parameter, gradient in zip(net.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-5, atol=1e-6)
    net.eval()
    assert sums(rule, batch)[1] == int((net(batch.x).argmax(1) != batch.labels).sum())


class OnBackbone(Grouped):
    """A backbone of two layers and a head."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head, self.backbone = nn.Linear(5, 3), nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 5))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x))

    def groups(self) -> dict[str, list[nn.Parameter]]:
        return {"backbone": trainable(self.backbone), "head": trainable(self.head)}


def test_backbone_and_head_learn_at_rates_of_their_own() -> None:
    net, peer, batch = OnBackbone(), OnBackbone(), make_batch()
    tuning = FineTuning(backbone_factor=0.5, layer_decay=0.1)
    update = step(rule_of(net, replace(SGD, fine_tuning=tuning, schedule=Schedule("linear")), total=4), batch, 2)
    assert update.learning_rate == 0.25  # that of the head
    F.cross_entropy(peer(batch.x), batch.labels).backward()
    rates = dict(zip(peer.backbone.parameters(), (0.125e-3, 0.125e-2, 0.125e-1, 0.125), strict=True))
    for (name, ours), theirs in zip(net.named_parameters(), peer.parameters(), strict=True):
        expected = theirs - rates.get(theirs, 0.25) * theirs.grad
        torch.testing.assert_close(ours, expected, rtol=1e-6, atol=1e-8, msg=name)


def test_a_frozen_backbone_is_let_go_when_its_epochs_are_over() -> None:
    net, batch = OnBackbone(), make_batch()
    rule = rule_of(net, replace(SGD, fine_tuning=FineTuning(freeze_epochs=2)))
    for epoch, moves in ((1, False), (2, False), (3, True)):
        before = [p.detach().clone() for p in net.parameters()]
        step(rule, batch, epoch - 1, epoch=epoch)
        moved = [not torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True)]
        assert moved == [True, True, moves, moves, moves, moves]  # the head stands first


def test_a_task_without_a_loss_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"task: expected one with a loss .*got density; --task auto"):
        make(SGD, THREE, make_net(), task=DensityTask())


COMPILED = """
import functools, warnings, torch
warnings.simplefilter("error", UserWarning)
torch.compile = functools.partial(torch.compile, backend="eager", fullgraph=True)
from neurarium.data.batch import Batch
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.schema import image_schema
from neurarium.tasks.task import Context
from neurarium.tasks.table import task_of
from neurarium.training.device import find_device
from neurarium.training.recipe import Recipe
from neurarium.training.rules.gradient import GradientRule
from neurarium.training.rules.rule import Setup
schema, updates = image_schema((4,), 3), []
for compiled in (True, False):
    recipe = Recipe(net=MLPSpec((5,)), compile=compiled)
    torch.manual_seed(0)
    net, x = recipe.net.build(schema), torch.randn(7, 4)
    rule = GradientRule(Setup(recipe, net, task_of(recipe, schema), schema, find_device("cpu"), 3))
    batch = Batch((x,), (torch.arange(7) % 3,), 7)
    updates.append([rule.step((batch,), Context(0, 1, step, training=True)) for step in range(3)])
assert updates[0] == updates[1], updates
"""


@pytest.mark.more
def test_a_compiled_step_is_one_graph_and_the_same_step() -> None:
    subprocess.run([sys.executable, "-c", COMPILED], check=True)  # the tests' checks of types cannot be traced
