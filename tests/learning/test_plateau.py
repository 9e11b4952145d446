import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.learning.plateau import Plateau
from neurarium.learning.schedules import Schedule


def factors(scores: list[float], schedule: Schedule) -> list[float]:
    """Factor in force after each epoch."""
    state, found = Plateau(), []
    for score in scores:
        state = state.after(score, schedule)
        found.append(state.factor)
    return found


def test_by_hand() -> None:
    schedule = Schedule("plateau", gamma=0.5, patience=2, min_factor=0.2)
    scores = [9.0, 8.0, 8.0, 8.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0]
    assert factors(scores, schedule) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2]


def test_threshold_is_absolute_and_counts_from_the_best() -> None:
    schedule = Schedule("plateau", gamma=0.1, patience=3, threshold=0.25)
    # three times 0.1 better than the epoch before: together 0.3, which is enough
    assert factors([1.0, 0.9, 0.8, 0.7], schedule) == [1, 1, 1, 1]
    assert factors([1.0, 0.9, 0.8, 0.76], schedule) == [1, 1, 1, 0.1]


def test_scores_that_are_not_finite_are_no_improvement() -> None:
    schedule = Schedule("plateau", gamma=0.5, patience=2)
    assert factors([math.nan, math.inf, 1.0, math.nan, -math.inf], schedule) == [1, 0.5, 0.5, 0.5, 0.25]


@settings(deadline=None)  # the first example waits for torch.optim
@given(
    scores=st.lists(st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5, 0.9]), min_size=1, max_size=40),
    gamma=st.sampled_from([0.1, 0.5, 0.9]),
    patience=st.integers(1, 4),
    threshold=st.sampled_from([0.0, 0.06, 0.3]),
    min_factor=st.sampled_from([0.0, 0.05, 0.4]),
)
def test_is_torchs(scores: list[float], gamma: float, patience: int, threshold: float, min_factor: float) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    peer = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        factor=gamma,
        patience=patience - 1,
        threshold=threshold,
        threshold_mode="abs",
        min_lr=min_factor,
        eps=0,
    )
    expected = []
    for score in scores:
        peer.step(score)
        expected.append(optimizer.param_groups[0]["lr"])
    schedule = Schedule("plateau", gamma=gamma, patience=patience, threshold=threshold, min_factor=min_factor)
    assert factors(scores, schedule) == pytest.approx(expected, rel=1e-12)
