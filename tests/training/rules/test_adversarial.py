import copy
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.batch import Batch
from neurarium.data.mixtures import load_ring, mode_scores, ring
from neurarium.data.plan import batch_count, grouped, plan
from neurarium.data.scaling import unscaled
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.learning.schedules import Schedule
from neurarium.nets.feedforward.mlp import MLP
from neurarium.nets.generative.gan import GAN
from neurarium.nets.generative.specs import DCGANSpec, GANSpec
from neurarium.record.events import EpochEnded
from neurarium.tasks.task import Context
from neurarium.training.checkpoint import pack, unpack
from neurarium.training.recipe import Recipe
from neurarium.training.rules.adversarial import AdversarialRule
from neurarium.training.session import build_session

from .setups import batch_of, classes, step, sums
from .setups import make as rule_of

POINTS = GANSpec(latent_dim=3, hidden=(8,), penalty=0.5, discriminator_rate=2.0)
RECIPE = Recipe(net=POINTS, optimizer=Optimizer("adam", lr=0.01, betas=(0.5, 0.9)))


def make(recipe: Recipe = RECIPE, shape: tuple[int, ...] = (2,), total: int = 10) -> AdversarialRule:
    torch.manual_seed(0)
    rule = rule_of(recipe, classes(shape, 8), total=total)
    assert isinstance(rule, AdversarialRule)
    return rule


def batch(seed: int = 1, shape: tuple[int, ...] = (2,)) -> Batch:
    inputs = torch.randn(12, *shape, generator=torch.Generator().manual_seed(seed))
    return batch_of(inputs)


def by_hand(net: GAN, real: torch.Tensor, discriminating: torch.optim.Optimizer, generating: torch.optim.Optimizer):
    """One update of the game with an optimizer a player, all gradients of both taken each time."""
    fake = net.generator(torch.randn(len(real), 3))
    x = real.clone().requires_grad_()
    on_real, on_fake = net.discriminator(x), net.discriminator(fake.detach())
    loss = -torch.log(torch.sigmoid(on_real)).mean() - torch.log(1 - torch.sigmoid(on_fake)).mean()
    steepness = torch.autograd.grad(on_real.sum(), x, create_graph=True)[0].square().sum(1).mean()
    wrong = ((on_real < 0).sum() + (on_fake > 0).sum()).item() / 2
    net.zero_grad()
    (loss + 0.25 * steepness).backward()
    first = [p.grad.clone() for p in net.discriminator.parameters()]
    discriminating.step()
    net.zero_grad()
    F.binary_cross_entropy_with_logits(net.discriminator(fake), torch.ones(len(real), 1)).backward()
    norm = math.sqrt(sum(g.square().sum().item() for g in [*first, *(p.grad for p in net.generator.parameters())]))
    generating.step()
    return loss.item(), wrong, norm


def test_steps_equal_a_game_written_by_hand() -> None:
    rule = make()
    peer = copy.deepcopy(rule.net)
    optimizers = [
        torch.optim.Adam(part.parameters(), lr=rate, betas=(0.5, 0.9))
        for part, rate in ((peer.discriminator, 0.02), (peer.generator, 0.01))
    ]
    for number in range(5):
        torch.manual_seed(10 + number)
        update = step(rule, batch(number), number)
        torch.manual_seed(10 + number)
        loss, wrong, norm = by_hand(peer, batch(number).x, *optimizers)
        assert update.loss == pytest.approx(loss, rel=1e-5)
        assert (update.errors, update.count) == (wrong, 12)
        assert update.gradient_norm == pytest.approx(norm, rel=1e-4)
        assert update.learning_rate == 0.01
    for ours, theirs in zip(rule.net.parameters(), peer.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("spec", "shape"),
    [(POINTS, (2,)), (DCGANSpec(latent_dim=4, channels=2, loss="least-squares"), (1, 8, 8))],
    ids=["points", "images"],
)
def test_resumed_to_the_bit(spec, shape) -> None:
    recipe = replace(RECIPE, net=spec, schedule=Schedule("cosine"))
    whole = make(recipe, shape)
    for number in range(3):
        step(whole, batch(number, shape), number)
    tensors: dict[str, torch.Tensor] = {}
    state = pack(whole.state_dict(), tensors, "rule")
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    weights, generators = copy.deepcopy(whole.net.state_dict()), torch.get_rng_state()
    after = [step(whole, batch(number, shape), number) for number in range(3, 6)]
    resumed = make(recipe, shape)
    resumed.net.load_state_dict(weights)
    resumed.load_state_dict(unpack(state, tensors))
    torch.set_rng_state(generators)
    assert [step(resumed, batch(number, shape), number) for number in range(3, 6)] == after
    for name, value in whole.net.state_dict().items():
        assert torch.equal(value, resumed.net.state_dict()[name]), name


def test_both_players_have_moments_of_their_own() -> None:
    rule = make()
    step(rule, batch(), 0)
    step(rule, batch(), 1)
    (states,) = rule.state_dict()["state"].values()
    assert len(states) == len(list(rule.net.parameters()))
    # one count an update, though the optimizer steps twice
    assert {int(entry["step"]) for entry in states.values()} == {2}


def test_measured_by_hand_and_repeatable() -> None:
    rule, some = make(), batch()
    rule.net.eval()
    before = torch.get_rng_state()
    loss, errors = sums(rule, some)
    assert sums(rule, some) == (loss, errors)
    assert torch.equal(torch.get_rng_state(), before)
    with torch.no_grad():
        real, fake = rule.net(some.x), rule.net(rule.net.sample(12, seed=0))
    expected = -torch.sigmoid(real).log().sum() - torch.sigmoid(-fake).log().sum()
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    assert errors == ((real <= 0).sum() + (fake > 0).sum()).item() / 2


def test_least_squares_judges_by_its_codes() -> None:
    rule = make(replace(RECIPE, net=replace(POINTS, loss="least-squares")))
    for parameter in rule.net.discriminator.parameters():
        nn.init.zeros_(parameter)
    # logits 0: every real example judged generated, loss 1/2 (0 - 1)^2
    assert sums(rule, batch()) == (6.0, 6.0)
    nn.init.constant_(rule.net.discriminator.layers[-1].bias, 0.6)
    assert sums(rule, batch())[1] == 6.0


def test_a_player_that_cannot_tell_is_at_two_log_two() -> None:
    rule = make()
    for parameter in rule.net.discriminator.parameters():
        nn.init.zeros_(parameter)
    loss, errors = sums(rule, batch())
    assert loss / 12 == pytest.approx(2 * math.log(2))
    assert errors / 12 == 0.5


def test_gradients_are_clipped_for_each_player() -> None:
    rule = make(replace(RECIPE, optimizer=Optimizer("sgd", lr=1.0), clip_norm=1e-3))
    before = copy.deepcopy(rule.net)
    assert step(rule, batch()).gradient_norm > 1e-2
    for part, rate in (("discriminator", 2.0), ("generator", 1.0)):
        old, new = before.get_submodule(part).parameters(), rule.net.get_submodule(part).parameters()
        moved = math.sqrt(sum((a - b).square().sum().item() for a, b in zip(old, new, strict=True)))
        assert moved == pytest.approx(rate * 1e-3, rel=1e-3)


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_a_number_that_is_not_finite_stops_the_player(player: str) -> None:
    rule = make(replace(RECIPE, net=replace(POINTS, penalty=0.0)))
    before = copy.deepcopy(rule.net.get_submodule(player).state_dict())
    if player == "discriminator":
        bad = batch()
        bad.x[3, 1] = math.inf
    else:
        # judged in float32 without trouble, but the weights blow up in the discriminator's update
        bad, rule._ratio = batch(), 1e38

    def two_steps() -> None:
        step(rule, bad, 0)
        step(rule, bad, 1)

    with pytest.raises(NonFiniteError, match=f"{player}.*the {player} was not updated"):
        two_steps()
    after = rule.net.get_submodule(player).state_dict()
    if player == "generator":
        assert all(value.isfinite().all() for value in after.values())
    else:
        assert all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"micro_batches": 2}, "micro_batches"),
        ({"compile": True}, "compile"),
        ({"gradients": "explicit"}, "gradients"),
        ({"augmentation": Augmentation(shift=1)}, r"augmentation\.shift"),
        ({"loss": Loss("cross-entropy")}, r"loss\.name"),
    ],
)
def test_settings_that_it_cannot_follow(change, named: str) -> None:
    with pytest.raises(ConfigError, match=f"^{named}: .* for the rule adversarial of the net gan"):
        make(replace(RECIPE, **change))


def test_optimizers_with_a_rule_of_their_own_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"optimizer\.name: .*got hessian-free"):
        make(replace(RECIPE, optimizer=Optimizer("hessian-free")))


def test_another_net() -> None:
    with pytest.raises(ConfigError, match="net: expected a net of the kind GAN for adversarial learning, got MLP"):
        rule_of(RECIPE, classes((2,), 3), MLP((2, 3)))


def test_examples_need_no_labels() -> None:
    rule = make()
    assert rule.step((Batch((torch.randn(5, 2),), (), 5),), Context()).count == 5.0
    assert rule.measure(Batch((torch.randn(5, 2),), (), 5)).counts == (5.0, 5.0)


def test_the_loop_learns_with_it(images) -> None:
    session = build_session(replace(RECIPE, net=DCGANSpec(latent_dim=8, channels=4), epochs=2, batch_size=32), images)
    assert isinstance(session.rule, AdversarialRule)
    events = list(session.events())
    epochs = [event for event in events if isinstance(event, EpochEnded)]
    assert [event.step for event in epochs] == [5, 10]
    for event in epochs:
        assert set(event.validation) == {"loss", "error"}
        assert 0 <= event.validation["error"] <= 1
    # the discriminator gains on a generator that has hardly begun
    assert epochs[1].train["loss"] < epochs[0].train["loss"]


@pytest.mark.more
def test_all_eight_modes_of_the_ring() -> None:
    data = load_ring().cached()
    epochs, size = 100, 256
    recipe = Recipe(
        net=GANSpec(latent_dim=2),
        optimizer=Optimizer("adam", lr=2e-3, betas=(0.5, 0.9)),
        schedule=Schedule("cosine"),
        epochs=epochs,
        batch_size=size,
    )
    rule = make(recipe, total=epochs * batch_count(len(data.train), size))
    number = 0
    for epoch in range(1, epochs + 1):
        for parts in grouped(data.train, plan(len(data.train), size, seed=0, epoch=epoch)):
            rule.step(parts, Context(0, epoch, number, training=True))
            number += 1
    scores = mode_scores(unscaled(rule.net.sample(2000), data.schema.input), ring())
    assert scores.covered == 1.0
    assert scores.good > 0.6
