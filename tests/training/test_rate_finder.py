import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError, NonFiniteError
from neurarium.data.dataset import Dataset
from neurarium.data.table import Table
from neurarium.learning.augmentation import Augmentation
from neurarium.learning.loss import Loss
from neurarium.learning.optimizers import Optimizer
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.recipes.catalog import RECIPES
from neurarium.record.schema import image_schema
from neurarium.training.rate_finder import DIVISOR, DIVISOR_OF_SGD, RateCurve, check_rate, find_rate, smooth
from neurarium.training.recipe import Recipe
from neurarium.training.rules.table import rule_name

RECIPE = Recipe(net=MLPSpec(hidden=(16,), dropout=0.2), optimizer=Optimizer("sgd", lr=123.0), batch_size=30, threads=1)


class Quadratic(nn.Module):
    """Outputs w x for one number x: squared error to the code (1, 0) is (w_1 x - 1)^2/2 + (w_2 x)^2/2."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[start], [0.0]], dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.double() @ self.weight.T


def quadratic_data(x: float) -> Dataset:
    schema = image_schema((1,), 2)
    same = Table((torch.full((8, 1), x),), (torch.zeros(8, dtype=torch.int64),), schema)
    return Dataset("quadratic", same, same, same, schema)


@pytest.mark.parametrize("x", [0.5, 2.0])
def test_quadratic_falls_up_to_two_over_l_and_not_beyond(x: float) -> None:
    """L = x^2: an update multiplies the loss by (1 - eta L)^2, which is 1 at eta = 2/L exactly."""
    curvature = x * x
    recipe = Recipe(loss=Loss("squared-error"), optimizer=Optimizer("sgd"), batch_size=8, threads=1)
    bounds = {"lowest": 0.01 / curvature, "highest": 100 / curvature}
    curve = find_rate(recipe, quadratic_data(x), net=Quadratic(-3.0), steps=60, smoothing=0.0, **bounds)

    loss, by_hand = (-3.0 * x - 1) ** 2 / 2, []
    for t in range(60):
        loss *= (1 - curvature * bounds["lowest"] * 10_000 ** (t / 59)) ** 2
        by_hand.append(loss)
    n = len(curve.rates)
    # the optimizer keeps weights in float64; the loss reported is a Python float of it
    assert curve.losses == pytest.approx(by_hand[:n], rel=1e-6)
    assert curve.rates == pytest.approx([bounds["lowest"] * 10_000 ** (t / 59) for t in range(n)], rel=1e-9)
    falls = [after < before for before, after in zip(curve.losses, curve.losses[1:], strict=False)]
    assert falls == [rate < 2 / curvature for rate in curve.rates[1:]]
    # at most 4 times the lowest loss: the sweep ends within a few rates of 2/L
    lowest = max(rate for rate in curve.rates if rate < 2 / curvature)
    assert curve.lowest_at is not None
    assert curve.rates[curve.lowest_at] == lowest
    assert curve.advised == pytest.approx(lowest / DIVISOR_OF_SGD)
    assert curve.diverged_at is not None
    assert 2 / curvature < curve.diverged_at < 5 / curvature
    assert curve.diverged_at == curve.rates[-1]


def test_learns_by_the_rule_of_the_recipe_on_the_batches_of_training(vectors: Dataset) -> None:
    """The first losses are those of a training run at the same rates: same weights, order, dropout, augmentation."""
    from neurarium.record.events import Stepped
    from neurarium.training.session import build_session

    recipe = replace(RECIPE, optimizer=Optimizer("adam", lr=1e-3), epochs=4)
    # a sweep over so little that the rate is that of the run to 1e-9
    curve = find_rate(recipe, vectors, steps=7, lowest=1e-3, highest=1e-3 * (1 + 1e-9), smoothing=0.0)
    events = build_session(recipe, vectors).events()
    losses = [event.loss for event in events if isinstance(event, Stepped)]
    assert curve.losses == pytest.approx(losses[1:8], rel=1e-5)


def test_nothing_of_the_callers_is_touched(vectors: Dataset, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3)).eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    torch.manual_seed(3)
    state = torch.get_rng_state()
    curve = find_rate(replace(RECIPE, net=MLPSpec()), vectors, net=net, steps=20, lowest=1e-3, highest=1.0)
    assert len(curve.rates) == 20
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not net.training
    assert torch.equal(torch.get_rng_state(), state)
    assert list(tmp_path.iterdir()) == []


def test_same_seed_same_curve_whatever_rate_and_schedule_the_recipe_has(vectors: Dataset) -> None:
    first = find_rate(RECIPE, vectors, steps=10)
    second = find_rate(replace(RECIPE, optimizer=Optimizer("sgd", lr=1e-9), epochs=77), vectors, steps=10)
    assert first == second
    assert find_rate(replace(RECIPE, seed=1), vectors, steps=10) != first


def test_a_number_that_is_not_finite_ends_the_sweep(vectors: Dataset) -> None:
    curve = find_rate(RECIPE, vectors, steps=30, lowest=1e-2, highest=1e38, smoothing=0.0)
    assert curve.diverged_at is not None
    assert all(map(math.isfinite, curve.losses))
    assert len(curve.rates) == len(curve.losses) == len(curve.smoothed) < 30


def test_no_finite_loss_at_all(vectors: Dataset) -> None:
    class Broken(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) * math.inf

    with pytest.raises(NonFiniteError):
        find_rate(RECIPE, vectors, net=Broken(12, 3), steps=5)


def test_smoothing_by_hand() -> None:
    # weights 0.8^k of the losses so far, normalized
    assert smooth([5.0, 1.0, 2.0], 0.8)[2] == pytest.approx((5 * 0.64 + 1 * 0.8 + 2) / (0.64 + 0.8 + 1))
    assert smooth([4.0] * 30, 0.9) == pytest.approx([4.0] * 30)


def test_suggestions_of_a_curve_drawn_by_hand() -> None:
    rates = tuple(10.0**-k for k in range(40, 0, -1))
    # level, a slope of 1 a step, one of 3 from 18 to 25, a slope of 1, then up
    losses, height = [], 100.0
    for i in range(40):
        height -= 0 if i < 10 else 3 if 18 <= i <= 25 else 1 if i < 32 else -2
        losses.append(height)
    curve = RateCurve(rates, tuple(losses), tuple(losses), None)
    assert curve.steepest == rates[21]
    assert curve.lowest_at == 31
    assert curve.advised == pytest.approx(rates[31] / DIVISOR)


def test_no_suggestion_where_nothing_is_learned() -> None:
    rising = RateCurve((0.1, 1.0), (2.0, 3.0), (2.0, 3.0), 1.0)
    assert rising.steepest is None
    assert rising.advised is None
    assert RateCurve((), (), (), 0.1).steepest is None


@pytest.mark.parametrize(
    ("settings", "subject"),
    [
        ({"steps": 1}, "steps"),
        ({"lowest": 0.0}, "lowest"),
        ({"lowest": 1.0, "highest": 0.1}, "lowest"),
        ({"highest": math.inf}, "lowest"),
        ({"smoothing": 1.0}, "smoothing"),
    ],
)
def test_refuses(vectors: Dataset, settings: dict, subject: str) -> None:
    with pytest.raises(ConfigError, match=subject):
        find_rate(RECIPE, vectors, **settings)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_a_rate_to_find_or_is_told_that_there_is_none(name: str) -> None:
    plan = RECIPES[name]()
    if rule_name(plan) in ("gradient", "adversarial", "contrastive"):
        check_rate(plan)
        return
    with pytest.raises(ConfigError, match=rf"recipe {name}: .*there is no rate to find; train it as it is") as refused:
        check_rate(plan)
    assert "lr" not in str(refused.value)


def test_an_optimizer_without_a_rate_is_refused(vectors: Dataset) -> None:
    with pytest.raises(ConfigError, match="the rule hessian-free, for which there is no rate to find"):
        find_rate(replace(RECIPE, optimizer=Optimizer("hessian-free")), vectors)


def test_a_recipe_that_training_would_refuse_is_refused(vectors: Dataset) -> None:
    with pytest.raises(ConfigError, match="augmentation"):
        find_rate(replace(RECIPE, augmentation=Augmentation(shift=1)), vectors)


def test_noise_of_the_first_mini_batches_suggests_nothing() -> None:
    rates = tuple(10.0 ** (k / 4 - 6) for k in range(20))
    # falls by 4 at once, stays, then falls by 0.5 a step from the eleventh on
    smoothed = (9.0, 5.0, *(5.0,) * 9, *(5.0 - 0.5 * k for k in range(1, 10)))
    curve = RateCurve(rates, smoothed, smoothed, None)
    assert curve.lowest_at == 19
    assert curve.steepest_at is not None
    assert 10 <= curve.steepest_at <= 19


def test_a_loss_of_ones_own_and_batches_by_length(series: Dataset) -> None:
    """The sweep learns by that function on the batches that training would see."""

    class Mean(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.output = nn.Linear(12, 3)

        def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            return self.output(x.sum(1) / lengths[:, None])

    seen: list[int] = []

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        seen.append(len(labels))
        return 10 * nn.functional.cross_entropy(logits, labels)

    plan = Recipe(loss=Loss("custom"), optimizer=Optimizer("sgd"), batch_size=30, max_units=60, threads=1)
    torch.manual_seed(0)
    net = Mean()
    own = find_rate(plan, series, net=net, loss=loss, steps=6, lowest=1e-6, highest=1e-5, smoothing=0.0)
    plain = find_rate(replace(plan, loss=Loss()), series, net=net, steps=6, lowest=1e-6, highest=1e-5, smoothing=0.0)
    assert own.losses == pytest.approx([10 * value for value in plain.losses], rel=1e-3)
    assert seen[0] == 2  # tried beforehand
    assert 1 < max(seen[1:]) < 30
    with pytest.raises(ConfigError, match="loss: expected the function that this run learns by"):
        find_rate(plan, series, net=net)


KEPT = json.loads((Path(__file__).parents[2] / "benchmarks" / "results" / "find_rate.json").read_text())["cases"]
SWEEPS = [(name, k) for name, found in KEPT.items() for k in range(len(found["sweeps"]))]


@pytest.mark.parametrize(("name", "number"), SWEEPS)
def test_the_advice_is_near_the_best_of_a_grid(name: str, number: int) -> None:
    """Curves and grids as `benchmarks/find_rate.py` recorded them: two seeds a rate, half a decade apart."""
    kept = {key: tuple(v) if isinstance(v, list) else v for key, v in KEPT[name]["sweeps"][number].items()}
    advised = RateCurve(**kept).advised
    assert advised is not None
    by_rate: dict[float, list[float]] = {}
    for run in KEPT[name]["grid"]:
        by_rate.setdefault(run["rate"], []).append(math.inf if run["error"] is None else run["error"])
    rates = sorted(by_rate)
    errors = [sum(by_rate[rate]) / len(by_rate[rate]) for rate in rates]
    near = min(errors) + max(1.5, 0.1 * min(errors))
    assert np.interp(math.log(advised), np.log(rates), errors) <= near


def test_the_advice_was_trained_at() -> None:
    """No interpolation: the advised rate of the first sweep of each case, from the seeds of the grid."""
    for name, found in KEPT.items():
        errors = [run["error"] for run in found["advised"]]
        by_rate: dict[float, list[float]] = {}
        for run in found["grid"]:
            by_rate.setdefault(run["rate"], []).append(math.inf if run["error"] is None else run["error"])
        best = min(sum(group) / len(group) for group in by_rate.values())
        assert len(errors) == 2, name
        assert sum(errors) / 2 <= best + max(1.5, 0.1 * best), name
