import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurarium.checks import ConfigError
from neurarium.learning.schedules import Schedule


def by_torch(
    scheduler: torch.optim.lr_scheduler.LRScheduler, optimiser: torch.optim.Optimizer, steps: int
) -> list[float]:
    rates = []
    for _ in range(steps):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return rates


def test_cosine_is_torchs() -> None:
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    peer = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=50, eta_min=0.1)
    factor = Schedule("cosine", floor=0.1).factor(50)
    assert [factor(t) for t in range(50)] == pytest.approx(by_torch(peer, optimiser, 50), abs=1e-12)


def test_step_drops_at_thirds_by_hand() -> None:
    factor = Schedule("step", gamma=0.5, drops=2).factor(9)
    assert [factor(t) for t in range(9)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_exponential_halves_at_equal_distances() -> None:
    factor = Schedule("exponential", floor=1 / 16).factor(4)
    assert [factor(t) for t in range(5)] == pytest.approx([1, 1 / 2, 1 / 4, 1 / 8, 1 / 16])


def test_warm_up_rises_by_equal_steps_and_the_rest_is_laid_over_what_remains() -> None:
    factor = Schedule("linear", warmup=0.4).factor(10)
    assert [factor(t) for t in range(10)] == pytest.approx(
        [1 / 4, 2 / 4, 3 / 4, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]
    )


@given(
    name=st.sampled_from(["constant", "step", "cosine", "linear", "exponential"]),
    warmup=st.floats(0, 0.99),
    floor=st.floats(0.01, 1),
    total=st.integers(1, 500),
)
def test_factor_never_leaves_zero_to_one(name: str, warmup: float, floor: float, total: int) -> None:
    factor = Schedule(name, warmup=warmup, floor=floor).factor(total)
    assert all(0 < factor(t) <= 1 + 1e-12 for t in range(total))


@pytest.mark.parametrize("settings", [{"warmup": 1.0}, {"floor": 2.0}, {"gamma": 0.0}, {"drops": -1}])
def test_refuses(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="schedule"):
        Schedule("cosine", **settings)


def test_exponential_needs_a_floor() -> None:
    with pytest.raises(ConfigError, match="more than 0"):
        Schedule("exponential")
