import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurarium.checks import ConfigError
from neurarium.learning.schedules import Schedule


def by_torch(
    scheduler: torch.optim.lr_scheduler.LRScheduler, optimizer: torch.optim.Optimizer, steps: int
) -> list[float]:
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_cosine_is_torchs() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    peer = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=0.1)
    factor = Schedule("cosine", min_factor=0.1).factor(50)
    assert [factor(t) for t in range(50)] == pytest.approx(by_torch(peer, optimizer, 50), abs=1e-12)


def test_step_drops_at_thirds_by_hand() -> None:
    factor = Schedule("step", gamma=0.5, drops=2).factor(9)
    assert [factor(t) for t in range(9)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_exponential_halves_at_equal_distances() -> None:
    factor = Schedule("exponential", min_factor=1 / 16).factor(4)
    assert [factor(t) for t in range(5)] == pytest.approx([1, 1 / 2, 1 / 4, 1 / 8, 1 / 16])


def test_exponential_is_torchs() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    peer = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.01 ** (1 / 30))
    factor = Schedule("exponential", min_factor=0.01).factor(30)
    assert [factor(t) for t in range(30)] == pytest.approx(by_torch(peer, optimizer, 30), rel=1e-12)


def test_linear_is_torchs() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    peer = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.2, total_iters=20)
    factor = Schedule("linear", min_factor=0.2).factor(20)
    assert [factor(t) for t in range(20)] == pytest.approx(by_torch(peer, optimizer, 20), rel=1e-12)


def test_step_is_torchs() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    peer = torch.optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.3)
    factor = Schedule("step", gamma=0.3, drops=3).factor(40)
    assert [factor(t) for t in range(40)] == pytest.approx(by_torch(peer, optimizer, 40), rel=1e-12)


def test_constant_and_plateau_before_any_score() -> None:
    for name in ("constant", "plateau"):
        factor = Schedule(name).factor(5)
        assert [factor(t) for t in range(5)] == [1] * 5
    warm = Schedule("plateau", warmup=0.4).factor(5)
    assert [warm(t) for t in range(5)] == [0.5, 1, 1, 1, 1]


def test_inverse_sqrt_is_the_transformers_up_to_its_peak() -> None:
    """Vaswani 2017, equation 3, without its constant: min(s^-0.5, s w^-1.5) with s counted from 1."""
    warm, total = 40, 400
    factor = Schedule("inverse-sqrt", warmup=warm / total).factor(total)
    printed = [min(s**-0.5, s * warm**-1.5) for s in range(1, total + 1)]
    peak = max(printed)
    assert [factor(t) for t in range(total)] == pytest.approx([rate / peak for rate in printed], rel=1e-12)
    assert factor(warm - 1) == pytest.approx(1)
    assert factor(4 * warm - 1) == pytest.approx(1 / 2)


def test_inverse_sqrt_without_warm_up() -> None:
    factor = Schedule("inverse-sqrt").factor(16)
    assert [factor(t) for t in (0, 3, 8, 15)] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])


def test_warm_up_rises_by_equal_steps_and_the_rest_is_laid_over_what_remains() -> None:
    factor = Schedule("linear", warmup=0.4).factor(10)
    assert [factor(t) for t in range(10)] == pytest.approx(
        [1 / 4, 2 / 4, 3 / 4, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]
    )


@given(
    name=st.sampled_from(["constant", "step", "cosine", "linear", "exponential", "inverse-sqrt", "plateau"]),
    warmup=st.floats(0, 0.99),
    min_factor=st.floats(0.01, 1),
    total=st.integers(1, 500),
)
def test_factor_never_leaves_zero_to_one(name: str, warmup: float, min_factor: float, total: int) -> None:
    factor = Schedule(name, warmup=warmup, min_factor=min_factor).factor(total)
    assert all(0 < factor(t) <= 1 + 1e-12 for t in range(total))


@pytest.mark.parametrize(
    "settings",
    [
        {"warmup": 1.0},
        {"min_factor": 2.0},
        {"gamma": 0.0},
        {"gamma": float("nan")},
        {"drops": -1},
        {"patience": 0},
        {"threshold": -0.1},
    ],
)
def test_refuses(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="schedule"):
        Schedule("cosine", **settings)


def test_exponential_needs_a_floor() -> None:
    with pytest.raises(ConfigError, match="more than 0"):
        Schedule("exponential")


def test_plateau_must_fall() -> None:
    with pytest.raises(ConfigError, match=r"schedule\.gamma.*plateau"):
        Schedule("plateau", gamma=1.0)
