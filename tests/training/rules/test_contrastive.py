import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, DataError, NonFiniteError
from neurarium.data.batch import Batch
from neurarium.data.dataset import Dataset
from neurarium.data.mnist_5k import load
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.connectionist.rbm import RBM, RBMWeights
from neurarium.nets.connectionist.rbm_likelihood import log_likelihood, log_partition, model_gradient
from neurarium.nets.connectionist.rbm_spec import RBMSpec
from neurarium.nets.feedforward.mlp import MLP
from neurarium.record.events import EpochEnded
from neurarium.record.schema import Field, Schema
from neurarium.tasks.task import Context
from neurarium.training.checkpoint import load_checkpoint, save_checkpoint
from neurarium.training.device import DeviceConfig
from neurarium.training.recipe import Recipe
from neurarium.training.rules.contrastive import ContrastiveRule
from neurarium.training.session import build_session, create_run_folder

from .setups import batch_of, classes, step, sums
from .setups import make as rule_of

SGD = Optimizer("sgd", lr=0.1)


def make(spec: RBMSpec, inputs: int, optimizer: Optimizer = SGD, seed: int = 0, **settings: object) -> ContrastiveRule:
    torch.manual_seed(seed)
    recipe = Recipe(net=spec, optimizer=optimizer, **settings)  # type: ignore[arg-type]
    rule = rule_of(recipe, classes((inputs,), 2), total=100)
    assert isinstance(rule, ContrastiveRule)
    return rule


def bits(units: int) -> np.ndarray:
    return np.array(list(itertools.product((0.0, 1.0), repeat=units)))


def expected_contrast(rule: ContrastiveRule, v: np.ndarray, steps: int) -> list[np.ndarray]:
    """Mean gradient of CD-k by the transition matrix of the chain over all states, in NumPy."""
    W, b, c = (p.detach().double().numpy() for p in rule.net.parameters())
    every_v, every_h = bits(len(b)), bits(len(c))

    def sigma(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    def probabilities(states: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.prod(np.where(states == 1, p[:, None], 1 - p[:, None]), axis=2)

    there = probabilities(every_h, sigma(every_v @ W.T + c))
    back = probabilities(every_v, sigma(every_h @ W + b))
    after = probabilities(every_h, sigma(v @ W.T + c)) @ back @ np.linalg.matrix_power(there @ back, steps - 1)
    model = after.mean(0)
    data_h, model_h = sigma(v @ W.T + c), sigma(every_v @ W.T + c)
    return [
        (model_h * model[:, None]).T @ every_v - data_h.T @ v / len(v),
        model @ every_v - v.mean(0),
        model @ model_h - data_h.mean(0),
    ]


@pytest.mark.parametrize("steps", [1, 3])
def test_mean_gradient_is_that_of_the_chain_by_enumeration(steps: int) -> None:
    rule = make(RBMSpec(hidden=2, k=steps), 3, Optimizer("sgd", lr=1e-9))
    with torch.no_grad():
        for p in rule.net.parameters():
            p.normal_()
    v = torch.tensor(bits(3)[[1, 3, 3, 6]], dtype=torch.float32)
    expected = expected_contrast(rule, v.double().numpy(), steps)
    step(rule, batch_of(v.repeat(20_000, 1)))
    for p, mean in zip(rule.net.parameters(), expected, strict=True):
        assert p.grad is not None
        np.testing.assert_allclose(p.grad, mean, atol=0.01)


def test_persistent_chains_come_to_the_exact_gradient() -> None:
    rule = make(RBMSpec(hidden=2, persistent=True, chains=50_000), 3, Optimizer("sgd", lr=1e-9))
    with torch.no_grad():
        for p in rule.net.parameters():
            p.normal_()
    v = torch.tensor(bits(3)[[1, 3, 3, 6]], dtype=torch.float32)
    for number in range(30):
        step(rule, batch_of(v), number)
    W, b, c = (p.detach() for p in rule.net.parameters())
    h = torch.sigmoid(v @ W.T + c)
    data = [-(h.T @ v) / 4, -v.mean(0), -h.mean(0)]
    model = model_gradient(RBMWeights(W, b, c))
    for parameter, at_data, at_model in zip(rule.net.parameters(), data, model, strict=True):
        assert parameter.grad is not None
        np.testing.assert_allclose(parameter.grad, at_data - at_model, atol=0.015)


@pytest.mark.more
@pytest.mark.parametrize("persistent", [False, True])
def test_learning_raises_the_exact_likelihood(persistent: bool) -> None:
    rule = make(RBMSpec(hidden=6, persistent=persistent), 8, Optimizer("momentum", lr=0.02))
    bars = torch.tensor(np.kron(np.eye(4), np.ones((1, 2))), dtype=torch.float32)
    v = bars.repeat(25, 1)
    net = rule.net
    assert isinstance(net, RBM)

    def score() -> float:
        w = RBMWeights(*(p.detach() for p in net.weights))
        return float(log_likelihood(w, bars, log_partition(w)).mean())

    before = score()
    for number in range(600):
        step(rule, batch_of(v), number)
    assert before == pytest.approx(8 * np.log(0.5), abs=0.1)
    assert score() > -3.0  # log 1/4 = -1.39 where it knows the four bars and nothing else


def test_reported_are_the_scores_of_the_reconstruction() -> None:
    rule = make(RBMSpec(hidden=3), 5, Optimizer("sgd", lr=1e-9))
    net = rule.net
    v = torch.rand(40_000, 5)
    with torch.no_grad():
        for p in net.parameters():
            p.normal_()
        W, b, c = (p.double().numpy() for p in net.parameters())
    # the mean over all hidden states, weighted by their probability
    h, x = bits(3), v.double().numpy()
    p = 1 / (1 + np.exp(-(x @ W.T + c)))
    weight = np.prod(np.where(h == 1, p[:, None], 1 - p[:, None]), axis=2)
    mean = 1 / (1 + np.exp(-(h @ W + b)))
    entropy = -(weight * (x @ np.log(mean).T + (1 - x) @ np.log(1 - mean).T)).sum(1).mean()
    squares = (weight * ((x[:, None] - mean) ** 2).mean(2)).sum()
    update = step(rule, batch_of(v))
    assert update.count == 40_000
    assert update.loss == pytest.approx(entropy, rel=0.01)
    assert update.errors == pytest.approx(squares, rel=0.01)
    loss, errors = sums(rule, batch_of(v))
    assert loss / 40_000 == pytest.approx(entropy, rel=0.01)
    assert errors == pytest.approx(squares, rel=0.01)
    assert update.gradient_norm == pytest.approx(
        float(torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None]).norm()), rel=1e-5
    )


def test_gaussian_scores_are_squares() -> None:
    rule = make(RBMSpec(hidden=1, visible="gaussian"), 4)
    with torch.no_grad():
        for p in rule.net.parameters():
            p.zero_()
    v = torch.randn(6, 4)
    loss, errors = sums(rule, batch_of(v))
    assert loss == pytest.approx(float(v.square().sum() / 2), rel=1e-5)
    assert errors == pytest.approx(float(v.square().mean(1).sum()), rel=1e-5)


def test_measuring_draws_nothing_from_the_run() -> None:
    rule = make(RBMSpec(hidden=3, persistent=True), 4)
    before = torch.get_rng_state()
    first, again = (rule.measure(batch_of(torch.rand(9, 4, generator=torch.Generator().manual_seed(0)))) for _ in "ab")
    assert first == again
    assert torch.equal(torch.get_rng_state(), before)


def test_parts_of_a_batch_weigh_by_their_size() -> None:
    v = torch.rand(30_000, 4)
    whole = make(RBMSpec(hidden=3), 4, Optimizer("sgd", lr=1e-9), batch_size=30_000)
    parts = make(RBMSpec(hidden=3), 4, Optimizer("sgd", lr=1e-9), batch_size=30_000, micro_batches=4)
    one, several = step(whole, batch_of(v)), step(parts, batch_of(v), parts=4)
    assert several.loss == pytest.approx(one.loss, rel=0.01)
    assert several.count == one.count == 30_000
    for a, b in zip(whole.net.parameters(), parts.net.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=0.015)


@pytest.mark.parametrize("spec", [RBMSpec(8), RBMSpec(8, persistent=True, k=2), RBMSpec(8, visible="gaussian")])
def test_resuming_goes_on_bit_for_bit(spec: RBMSpec, vectors: Dataset, tmp_path: Path) -> None:
    recipe = Recipe(net=spec, optimizer=Optimizer("momentum", lr=0.01), epochs=3, batch_size=20, device="cpu")
    whole = build_session(recipe, vectors)
    list(whole.events())
    first = build_session(replace(recipe, epochs=2), vectors)
    create_run_folder(first.recipe, tmp_path, vectors)
    first.take_place(tmp_path)
    list(first.events())
    newest = max((tmp_path / "checkpoints").glob("*.json")).with_suffix("")
    second = build_session(recipe, vectors)
    second.take_place(tmp_path)
    second.restore(load_checkpoint(newest))
    torch.rand(5)
    list(second.events())
    for a, b in zip(whole.net.parameters(), second.net.parameters(), strict=True):
        assert torch.equal(a, b)


def test_state_survives_a_checkpoint(tmp_path: Path) -> None:
    rule = make(RBMSpec(4, persistent=True, chains=6), 3, Optimizer("momentum"))
    step(rule, batch_of(torch.rand(5, 3)))
    chains = rule.state_dict()["chains"]
    assert chains.shape == (6, 4)
    assert set(chains.unique().tolist()) <= {0.0, 1.0}
    save_checkpoint(tmp_path / "a", {"chains": chains}, {})
    other = make(RBMSpec(4, persistent=True, chains=6), 3, Optimizer("momentum"), seed=5)
    other.load_state_dict(rule.state_dict() | {"chains": load_checkpoint(tmp_path / "a").tensors["chains"]})
    assert torch.equal(other.state_dict()["chains"], chains)


@pytest.mark.parametrize("spec", [RBMSpec(32), RBMSpec(32, persistent=True), RBMSpec(32, visible="gaussian")])
def test_digits_are_reconstructed_better_and_better(spec: RBMSpec) -> None:
    digits = load()
    chosen = torch.arange(0, 4000, 8)
    few = replace(digits, train=digits.train.select(chosen), validation=digits.validation.select(chosen[:20]))
    optimizer = Optimizer("momentum", lr=0.005 if spec.visible == "gaussian" else 0.02)
    recipe = Recipe(net=spec, optimizer=optimizer, epochs=8, batch_size=20, device="cpu")
    ends = [e for e in build_session(recipe, few).events() if isinstance(e, EpochEnded)]
    assert ends[-1].validation["loss"] < 0.8 * ends[0].validation["loss"]
    assert ends[-1].train["error"] < 0.8 * ends[0].train["error"]


@pytest.mark.more
def test_bfloat16_learns_too() -> None:
    torch.manual_seed(0)
    spec = RBMSpec(hidden=6, persistent=True)
    recipe = Recipe(net=spec, optimizer=Optimizer("momentum", lr=0.02), precision="bfloat16")
    rule = rule_of(recipe, classes((8,), 2), total=100, device_config=DeviceConfig(torch.device("cpu"), "bfloat16"))
    v = torch.tensor(np.kron(np.eye(4), np.ones((25, 2))), dtype=torch.float32)
    losses = [step(rule, batch_of(v), number).loss for number in range(600)]
    assert losses[-1] < 0.6 * losses[0]
    assert all(p.dtype == torch.float32 for p in rule.net.parameters())


def test_labels_are_not_asked_for() -> None:
    """Nor is their number by what mixes examples."""
    recipe = Recipe(net=RBMSpec(4), optimizer=SGD, augmentation=Augmentation(mixup=0.5))
    updates = []
    for schema in (classes((3,), 2), Schema({"x": Field((3,))})):
        torch.manual_seed(0)
        rule = rule_of(recipe, schema)
        x = torch.rand(6, 3)
        targets = (torch.arange(6) % 2,) if schema.targets else ()
        updates.append(rule.step((Batch((x,), targets, 6),), Context(training=True)))
        assert rule.measure(Batch((x,), targets, 6)).counts == (6.0, 6.0)
    assert updates[0] == updates[1]


def test_mistakes_are_named() -> None:
    with pytest.raises(DataError, match="numbers in \\[0, 1\\] for Bernoulli units, got numbers from 0 to 2"):
        step(make(RBMSpec(4), 3), batch_of(torch.tensor([[0.0, 1.0, 2.0]])))
    with pytest.raises(DataError, match=r"from -1 to 1"):
        make(RBMSpec(4), 3).measure(batch_of(torch.tensor([[0.0, 1.0, -1.0]])))
    with pytest.raises(ConfigError, match="net: expected a net of the kind RBM for contrastive divergence, got MLP"):
        rule_of(Recipe(net=RBMSpec(4)), classes((3,), 2), MLP((3, 2)))
    for setting, value in (("compile", True), ("gradients", "explicit")):
        with pytest.raises(ConfigError, match=f"^{setting}: .* for the rule contrastive of the net rbm"):
            make(RBMSpec(4), 3, **{setting: value})


def test_numbers_without_end_stop_before_the_update() -> None:
    rule = make(RBMSpec(4, visible="gaussian"), 3)
    before = [p.clone() for p in rule.net.parameters()]
    with pytest.raises(NonFiniteError, match="step 8, reconstruction or gradient"):
        step(rule, batch_of(torch.full((2, 3), 1e30)), 7)
    assert all(torch.equal(a, b) for a, b in zip(before, rule.net.parameters(), strict=True))
