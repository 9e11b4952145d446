import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from neurarium.checks import NonFiniteError
from neurarium.data.batch import Batch
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.objective import Objective
from neurarium.learning.optimisers import Optimiser
from neurarium.learning.schedules import Schedule
from neurarium.training.device import Placement
from neurarium.training.gradient_rule import GradientRule
from neurarium.training.recipe import Recipe

CPU = Placement(torch.device("cpu"))
CRITERION = Objective().build()
SGD = Recipe(optimiser=Optimiser("sgd", lr=0.5))


def make_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def make_batch(n: int = 10) -> Batch:
    generator = torch.Generator().manual_seed(1)
    return Batch(torch.randn(n, 4, generator=generator), torch.randint(0, 3, (n,), generator=generator))


def test_steps_equal_a_loop_written_by_hand() -> None:
    net, peer, batch = make_net(), make_net(), make_batch()
    recipe = replace(SGD, schedule=Schedule("cosine"), optimiser=Optimiser("nesterov", lr=0.3))
    rule = GradientRule(net, recipe, CPU, CRITERION, total_steps=6)
    optimiser = torch.optim.SGD(peer.parameters(), lr=0.3, momentum=0.9, nesterov=True)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=6)
    for step in range(5):
        update = rule.step(batch, step)
        optimiser.zero_grad()
        loss = F.cross_entropy(peer(batch.inputs), batch.targets)
        loss.backward()
        norm = math.sqrt(sum(float(p.grad.square().sum()) for p in peer.parameters()))
        assert update.objective == pytest.approx(loss.item(), rel=1e-5)
        assert update.gradient_norm == pytest.approx(norm, rel=1e-5)
        assert update.learning_rate == pytest.approx(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    for ours, theirs in zip(net.parameters(), peer.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("parts", [2, 3, 10])
def test_accumulation_is_the_same_update(parts: int) -> None:
    whole, cut, batch = make_net(), make_net(), make_batch()
    one = GradientRule(whole, SGD, CPU, CRITERION, 1).step(batch, 0)
    several = GradientRule(cut, replace(SGD, accumulate=parts), CPU, CRITERION, 1).step(batch, 0)
    assert several.objective == pytest.approx(one.objective, rel=1e-5)
    assert several.errors == one.errors
    assert several.gradient_norm == pytest.approx(one.gradient_norm, rel=1e-5)
    for a, b in zip(whole.parameters(), cut.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_clipping_shortens_the_step_to_the_norm_given() -> None:
    net, batch = make_net(), make_batch()
    before = [p.detach().clone() for p in net.parameters()]
    update = GradientRule(net, replace(SGD, clip_norm=0.01), CPU, CRITERION, 1).step(batch, 0)
    moved = math.sqrt(
        sum(float((a - b).detach().square().sum()) for a, b in zip(before, net.parameters(), strict=True))
    )
    assert update.gradient_norm > 0.01  # the norm reported is that of the gradient itself
    assert moved == pytest.approx(0.5 * 0.01, rel=1e-4)


def test_nothing_is_updated_when_the_loss_is_not_finite() -> None:
    net, batch = make_net(), make_batch()
    before = [p.detach().clone() for p in net.parameters()]
    rule = GradientRule(net, SGD, CPU, CRITERION, 1)
    bad = Batch(batch.inputs.index_fill(0, torch.tensor([0]), math.inf), batch.targets)
    with pytest.raises(NonFiniteError, match="step 8, inputs of the batch"):
        rule.step(bad, 7)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_nothing_is_updated_when_only_the_gradient_is_not_finite() -> None:
    class RootOfZero(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x - x).sqrt() + x.detach()  # value finite, derivative infinite

    net = nn.Sequential(nn.Linear(4, 3), RootOfZero())
    before = net[0].weight.detach().clone()
    with pytest.raises(NonFiniteError, match="RootOfZero") as caught:
        GradientRule(net, SGD, CPU, CRITERION, 1).step(make_batch(), 0)
    assert "error signal" in str(caught.value)
    assert torch.equal(before, net[0].weight)


def test_state_goes_on_bit_for_bit_in_channels_last() -> None:
    def make() -> tuple[nn.Module, GradientRule]:
        torch.manual_seed(0)
        net = CPU.place(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 9, 3)))
        return net, GradientRule(net, Recipe(optimiser=Optimiser("adam", lr=0.01)), CPU, CRITERION, 10)

    batch = Batch(torch.randn(8, 3, 5, 5), torch.arange(8) % 3)
    net, rule = make()
    for step in range(3):
        rule.step(batch, step)
    other, fresh = make()
    other.load_state_dict({name: tensor.clone().contiguous() for name, tensor in net.state_dict().items()})
    state = rule.state_dict()
    state = {"state": {k: {n: t.clone().contiguous() for n, t in v.items()} for k, v in state["state"].items()}}
    fresh.load_state_dict(state)
    for step in range(3, 6):
        rule.step(batch, step)
        fresh.step(batch, step)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), other.parameters(), strict=True))


def test_plateau_lowers_the_rate_and_its_state_is_saved() -> None:
    recipe = replace(SGD, schedule=Schedule("plateau", gamma=0.5, patience=2))
    rule, fresh = (GradientRule(make_net(), recipe, CPU, CRITERION, 1) for _ in range(2))
    rates = []
    for score in (0.3, 0.3, 0.3, 0.3):
        rates.append(rule.step(make_batch(), 0).learning_rate)
        rule.epoch_ended(score)
    assert rates == [0.5, 0.5, 0.5, 0.25]
    fresh.load_state_dict(rule.state_dict())
    for each in (rule, fresh):
        each.epoch_ended(0.3)
        assert each.step(make_batch(), 0).learning_rate == 0.125


def test_scores_mean_nothing_to_other_schedules() -> None:
    rule = GradientRule(make_net(), SGD, CPU, CRITERION, 1)
    for _ in range(20):
        rule.epoch_ended(1.0)
    assert rule.step(make_batch(), 0).learning_rate == 0.5


def test_state_saved_before_there_were_plateaus_loads() -> None:
    rule = GradientRule(make_net(), SGD, CPU, CRITERION, 1)
    state = rule.state_dict()
    del state["plateau"]
    rule.load_state_dict(state)
    assert rule.step(make_batch(), 0).learning_rate == 0.5


def test_measure_sums_over_the_batch_and_learns_nothing() -> None:
    net, batch = make_net(), make_batch()
    before = net[0].weight.detach().clone()
    objective, errors = GradientRule(net, SGD, CPU, CRITERION, 1).measure(batch)
    outputs = net(batch.inputs).detach()
    assert objective == pytest.approx(float(F.cross_entropy(outputs, batch.targets, reduction="sum")), rel=1e-5)
    assert errors == int((outputs.argmax(1) != batch.targets).sum())
    assert torch.equal(before, net[0].weight)


def test_bfloat16_learns() -> None:
    net, batch = make_net(), make_batch()
    rule = GradientRule(net, SGD, Placement(torch.device("cpu"), "bfloat16"), CRITERION, 100)
    first = rule.step(batch, 0).objective
    for step in range(1, 30):
        last = rule.step(batch, step).objective
    assert last < 0.7 * first
    assert net[0].weight.dtype == torch.float32


def test_mixup_descends_on_mixed_inputs_and_targets() -> None:
    net, peer, batch = make_net(), make_net(), make_batch()
    recipe = replace(SGD, augmentation=Augmentation(mixup=1.0))
    torch.manual_seed(5)
    update = GradientRule(net, recipe, CPU, CRITERION, 1, classes=3).step(batch, 0)
    torch.manual_seed(5)
    partner = torch.randperm(10)
    share = torch.distributions.Beta(1.0, 1.0).sample((10,))
    outputs = peer(share[:, None] * batch.inputs + (1 - share[:, None]) * batch.inputs[partner])
    one, other = (F.cross_entropy(outputs, t, reduction="none") for t in (batch.targets, batch.targets[partner]))
    loss = (share * one + (1 - share) * other).mean()  # the cross-entropy is linear in the target
    loss.backward()
    assert update.objective == pytest.approx(loss.item(), rel=1e-5)
    for ours, theirs in zip(net.parameters(), peer.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs - 0.5 * theirs.grad)
