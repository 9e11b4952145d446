"""First steps on f(w) = sum_i h_i w_i^2 / 2, where the gradient is h w, against formulas worked out in NumPy."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.data.batch import Batch
from neurarium.learning.hessian_free.settings import HessianFree
from neurarium.learning.optimizers import TAKEN_BY, Optimizer, ParameterGroup
from neurarium.record.schema import image_schema
from neurarium.tasks.table import task_of
from neurarium.tasks.task import Context
from neurarium.training.device import DeviceConfig
from neurarium.training.recipe import Recipe
from neurarium.training.rules.gradient import GradientRule
from neurarium.training.rules.rule import Setup

STEPS, LR, L2, DECAY = 5, 0.1, 0.5, 0.3
H, START = np.array([1.0, 4.0]), np.array([1.0, -2.0])
SCALED = ("adagrad", "adadelta", "rmsprop", "adam", "adam-as-printed")
Rule = Callable[[np.ndarray, dict[str, np.ndarray], int], np.ndarray]


def path(rule: Rule, l2: float = 0.0, decay: float = 0.0) -> np.ndarray:
    """Weights after each step; `rule` turns gradient, memory and the step's number (from 1) into a change."""
    w, memory, rows = START.copy(), {}, []
    for t in range(1, STEPS + 1):
        change = rule(H * w + l2 * w, memory, t)
        w = w - LR * decay * w - change
        rows.append(w)
    return np.array(rows)


def sgd(g: np.ndarray, memory: dict[str, np.ndarray], t: int) -> np.ndarray:
    return LR * g


def momentum(g: np.ndarray, memory: dict[str, np.ndarray], t: int) -> np.ndarray:
    memory["v"] = 0.9 * memory.get("v", 0) + g
    return LR * memory["v"]


def nesterov(g: np.ndarray, memory: dict[str, np.ndarray], t: int) -> np.ndarray:
    memory["v"] = 0.9 * memory.get("v", 0) + g
    return LR * (g + 0.9 * memory["v"])


def adagrad(g: np.ndarray, memory: dict[str, np.ndarray], t: int) -> np.ndarray:
    memory["s"] = memory.get("s", 0) + g**2
    return LR * g / (np.sqrt(memory["s"]) + 1e-10)


def rmsprop(g: np.ndarray, memory: dict[str, np.ndarray], t: int) -> np.ndarray:
    memory["s"] = 0.99 * memory.get("s", 0) + 0.01 * g**2
    return LR * g / (np.sqrt(memory["s"]) + 1e-8)


def adadelta(g: np.ndarray, memory: dict[str, np.ndarray], t: int) -> np.ndarray:
    memory["s"] = 0.9 * memory.get("s", 0) + 0.1 * g**2
    d = np.sqrt(memory.get("u", 0) + 1e-6) / np.sqrt(memory["s"] + 1e-6) * g
    memory["u"] = 0.9 * memory.get("u", 0) + 0.1 * d**2
    return LR * d


def adam(g: np.ndarray, memory: dict[str, np.ndarray], t: int) -> np.ndarray:
    memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
    memory["s"] = 0.999 * memory.get("s", 0) + 0.001 * g**2
    return LR * (memory["m"] / (1 - 0.9**t)) / (np.sqrt(memory["s"] / (1 - 0.999**t)) + 1e-8)


def adam_as_printed(g: np.ndarray, memory: dict[str, np.ndarray], t: int) -> np.ndarray:
    memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
    memory["s"] = 0.999 * memory.get("s", 0) + 0.001 * g**2
    return LR * memory["m"] / np.sqrt(memory["s"] + 1e-8)


RULES: dict[str, Rule] = {
    "sgd": sgd, "momentum": momentum, "nesterov": nesterov, "adagrad": adagrad, "adadelta": adadelta,
    "rmsprop": rmsprop, "adam": adam, "adam-as-printed": adam_as_printed,
}  # fmt: skip


def build(settings: Optimizer, *parameters: torch.nn.Parameter) -> torch.optim.Optimizer:
    """The one optimizer over parameters that learn at one rate."""
    (optimizer,) = settings.build([ParameterGroup(parameters)])
    return optimizer


def learned(settings: Optimizer) -> np.ndarray:
    w = torch.nn.Parameter(torch.from_numpy(START.copy()))
    optimizer = build(settings, w)
    rows = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        (torch.from_numpy(H) * w.square() / 2).sum().backward()
        optimizer.step()
        rows.append(w.detach().numpy().copy())
    return np.array(rows)


def assert_same(got: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(("l2", "decay"), [(0.0, 0.0), (L2, 0.0), (0.0, DECAY), (L2, DECAY)])
def test_first_five_steps(name: str, l2: float, decay: float) -> None:
    assert_same(learned(Optimizer(name, lr=LR, l2=l2, weight_decay=decay)), path(RULES[name], l2, decay))


def test_adamw_is_adam_with_decoupled_decay() -> None:
    assert_same(learned(Optimizer("adamw", lr=LR, weight_decay=DECAY)), path(adam, decay=DECAY))


def test_constants_reach_the_algorithm() -> None:
    def slow_rmsprop(g: np.ndarray, memory: dict[str, np.ndarray], t: int) -> np.ndarray:
        memory["s"] = 0.5 * memory.get("s", 0) + 0.5 * g**2
        return LR * g / (np.sqrt(memory["s"]) + 0.2)

    def slow_adadelta(g: np.ndarray, memory: dict[str, np.ndarray], t: int) -> np.ndarray:
        memory["s"] = 0.5 * memory.get("s", 0) + 0.5 * g**2
        d = np.sqrt(memory.get("u", 0) + 0.2) / np.sqrt(memory["s"] + 0.2) * g
        memory["u"] = 0.5 * memory.get("u", 0) + 0.5 * d**2
        return LR * d

    def printed(g: np.ndarray, memory: dict[str, np.ndarray], t: int) -> np.ndarray:
        memory["m"] = 0.5 * memory.get("m", 0) + 0.5 * g
        memory["s"] = 0.8 * memory.get("s", 0) + 0.2 * g**2
        return LR * memory["m"] / np.sqrt(memory["s"] + 0.2)

    assert_same(learned(Optimizer("rmsprop", lr=LR, rho=0.5, eps=0.2)), path(slow_rmsprop))
    assert_same(learned(Optimizer("adadelta", lr=LR, rho=0.5, eps=0.2)), path(slow_adadelta))
    assert_same(learned(Optimizer("adam-as-printed", lr=LR, betas=(0.5, 0.8), eps=0.2)), path(printed))


def test_momentum_sums_a_constant_gradient_up() -> None:
    # the sum runs from 0: 1 + .9 + .81 + .729 + .6561, not the printed .9 + ... (errata E40)
    w = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = build(Optimizer("momentum", lr=1.0), w)
    lengths = []
    for _ in range(STEPS):
        before = w.item()
        w.grad = torch.ones_like(w)
        optimizer.step()
        lengths.append(before - w.item())
    assert lengths[-1] == pytest.approx(4.0951, abs=1e-10)
    assert 0.9 * sum(0.9**i for i in range(4)) == pytest.approx(3.0951)


def test_l2_is_decoupled_decay_for_plain_sgd_alone() -> None:
    def both(name: str) -> tuple[np.ndarray, np.ndarray]:
        return learned(Optimizer(name, lr=LR, l2=L2)), learned(Optimizer(name, lr=LR, weight_decay=L2))

    assert_same(*both("sgd"))
    for name in ("momentum", "nesterov", *SCALED):
        coupled, decoupled = both(name)
        assert np.abs(coupled - decoupled).max() > 1e-3, name


def test_printed_step_of_weight_decay_is_half_the_gradient_of_the_printed_penalty() -> None:
    # Q + lambda |W|^2 has the step -2 eta lambda W beside the gradient's, the notes print -lambda W (errata E18)
    lam = 0.2
    gradient_of_penalty = 2 * lam
    by_l2 = learned(Optimizer("sgd", lr=LR, l2=gradient_of_penalty))
    as_printed = learned(Optimizer("sgd", lr=LR, weight_decay=lam / LR))
    assert_same(by_l2, path(sgd, l2=2 * lam))
    w, rows = START, []
    for _ in range(STEPS):
        w = w - LR * H * w - lam * w
        rows.append(w)
    assert_same(as_printed, np.array(rows))


def test_decoupled_decay_follows_the_schedule_and_spares_weights_without_gradient() -> None:
    w, idle = (torch.nn.Parameter(torch.ones(1, dtype=torch.float64)) for _ in range(2))
    optimizer = build(Optimizer("sgd", lr=LR, weight_decay=2.0), w, idle)
    for rate in (0.1, 0.05):
        optimizer.param_groups[0]["lr"] = rate
        w.grad = torch.zeros_like(w)
        optimizer.step()
    assert w.item() == pytest.approx(0.8 * 0.9)
    assert idle.item() == 1.0


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"lr": 0.0}, "optimizer.lr"),
        ({"lr": math.nan}, "optimizer.lr"),
        ({"l2": -1.0}, "optimizer.l2"),
        ({"weight_decay": -1.0}, "optimizer.weight_decay"),
        ({"weight_decay": 11.0, "lr": 0.1}, "optimizer.weight_decay.*from 0 to 1 / lr = 10"),
        ({"momentum": 1.0, "name": "momentum"}, "optimizer.momentum"),
        ({"betas": (0.9,)}, "optimizer.betas"),
        ({"betas": (0.9, 1.0)}, "optimizer.betas"),
        ({"eps": 0.0}, "optimizer.eps"),
        ({"rho": 1.0, "name": "rmsprop"}, "optimizer.rho"),
    ],
)
def test_refuses_constants_out_of_range(settings: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigError, match=field):
        Optimizer(**settings)


@pytest.mark.parametrize(
    ("name", "constant", "value"),
    [
        ("adamw", "l2", 0.1),
        ("sgd", "momentum", 0.5),
        ("rmsprop", "betas", (0.8, 0.9)),
        ("momentum", "eps", 1e-6),
        ("adam", "rho", 0.5),
        ("adam", "hessian_free", HessianFree(damping=2.0)),
        ("hessian-free", "betas", (0.8, 0.9)),
        ("hessian-free", "decay_params", "weights"),
    ],
)
def test_refuses_constants_that_would_do_nothing(name: str, constant: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"optimizer.{constant}.*{constant} is for {', '.join(TAKEN_BY[constant])}"):
        Optimizer(name, **{constant: value})


@pytest.mark.parametrize("name", [*RULES, "adamw"])
@pytest.mark.parametrize(("l2", "decay"), [(0.0, 0.0), (L2, 0.0), (0.0, DECAY), (L2, DECAY)])
def test_biases_decay_only_where_all_do(name: str, l2: float, decay: float) -> None:
    """A matrix and a vector begin alike under the same gradient: only their decay can part them."""
    if name == "adamw":
        l2 = 0.0
    rule = RULES.get(name, adam)
    decaying, free = path(rule, l2, decay), path(rule)
    for decay_params, expected in (("weights", free), ("all", decaying)):
        # the vector first: the groups are in another order than the parameters
        b, w = (torch.nn.Parameter(torch.from_numpy(START.copy())[index]) for index in (slice(None), None))
        optimizer = build(Optimizer(name, lr=LR, l2=l2, weight_decay=decay, decay_params=decay_params), b, w)
        rows = []
        for _ in range(STEPS):
            optimizer.zero_grad()
            sum((torch.from_numpy(H) * p.square() / 2).sum() for p in (b, w)).backward()
            optimizer.step()
            rows.append([p.detach().numpy().copy().ravel() for p in (b, w)])
        got = np.array(rows)
        assert_same(got[:, 0], expected)
        assert_same(got[:, 1], decaying)


@pytest.mark.parametrize("shape", [(3,), (3, 2)])
@pytest.mark.parametrize("settings", [{"l2": 0.1}, {"weight_decay": 0.1}])
def test_nets_of_biases_or_of_weights_alone(shape: tuple[int, ...], settings: dict[str, float]) -> None:
    parameter = torch.nn.Parameter(torch.ones(shape))
    optimizer = build(Optimizer("sgd", lr=1.0, decay_params="weights", **settings), parameter)
    parameter.grad = torch.zeros(shape)
    optimizer.step()
    torch.testing.assert_close(parameter.detach(), torch.full(shape, 1.0 if len(shape) == 1 else 0.9))


@pytest.mark.parametrize("name", ["momentum", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "adam-as-printed"])
def test_the_state_of_two_groups_survives_a_checkpoint(name: str) -> None:
    """Saved after three steps and taken up by a fresh rule, learning goes on as if nothing had been."""
    decay = {"weight_decay": 0.1} if name == "adamw" else {"l2": 0.1}
    recipe = Recipe(optimizer=Optimizer(name, lr=0.05, decay_params="weights", **decay))
    generator = torch.Generator().manual_seed(0)
    batch = Batch((torch.randn(6, 4, generator=generator),), (torch.arange(6) % 3,), 6)
    schema = image_schema((4,), 3)

    def rule() -> GradientRule:
        torch.manual_seed(1)
        net = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.LayerNorm(5), torch.nn.Linear(5, 3))
        device_config = DeviceConfig(torch.device("cpu"))
        return GradientRule(Setup(recipe, net, task_of(recipe, schema), schema, device_config, 6))

    whole, first, second = rule(), rule(), rule()
    assert [len(group["params"]) for group in whole.optimizers[0].param_groups] == [2, 4]
    for step in range(6):
        whole.step((batch,), Context(step=step))
        (first if step < 3 else second).step((batch,), Context(step=step))
        if step == 2:
            second.net.load_state_dict(first.net.state_dict())
            second.load_state_dict(first.state_dict())
    for one, other in zip(whole.net.parameters(), second.net.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["hessian-free", "closed-form"])
def test_what_needs_the_net_itself_is_no_torch_optimizer(name: str) -> None:
    assert Optimizer(name).rule == name
    assert Optimizer("sgd").rule == ""
    with pytest.raises(ConfigError, match=r"optimizer\.name"):
        build(Optimizer(name), torch.nn.Parameter(torch.ones(1)))


@pytest.mark.parametrize("decay_params", ["all", "weights"])
@pytest.mark.parametrize("name", [*RULES, "adamw"])
@pytest.mark.parametrize(("l2", "decay"), [(0.0, 0.0), (L2, 0.0), (0.0, DECAY), (L2, DECAY)])
def test_groups_learn_at_their_own_rates(name: str, l2: float, decay: float, decay_params: str) -> None:
    """Two groups in one optimizer do what two optimizers would, each at its own rate."""
    settings = Optimizer(name, lr=LR, l2=0.0 if name == "adamw" else l2, weight_decay=decay, decay_params=decay_params)

    def tensors() -> list[torch.nn.Parameter]:
        start = torch.from_numpy(START.copy())
        return [torch.nn.Parameter(x.clone()) for x in (start, start[None], 2 * start, 2 * start[None])]

    def learn(optimizer: torch.optim.Optimizer, weights: list[torch.nn.Parameter], scale: float) -> None:
        for group in optimizer.param_groups:
            group["lr"] = scale * LR * group["factor"]
        for w in weights:
            w.grad = torch.from_numpy(H) * w.detach()
        optimizer.step()

    both, apart = tensors(), tensors()
    (joint,) = settings.build([ParameterGroup(tuple(both[:2]), 0.25), ParameterGroup(tuple(both[2:]))])
    assert {group["factor"] for group in joint.param_groups} == {0.25, 1.0}
    single = [build(settings, *part) for part in (apart[:2], apart[2:])]
    for _ in range(STEPS):
        learn(joint, both, 1.0)
        learn(single[0], apart[:2], 0.25)
        learn(single[1], apart[2:], 1.0)
    for one, other in zip(both, apart, strict=True):
        assert torch.equal(one, other)


def test_a_constant_of_a_group_is_named_alone() -> None:
    with pytest.raises(ConfigError, match=r"optimizer\.hessian_free\.damping: expected 1\.0, .* with sgd, got 2\.0;"):
        Optimizer("sgd", hessian_free=HessianFree(damping=2.0))
