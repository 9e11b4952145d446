import pytest

from neurarium.checks import ConfigError
from neurarium.learning.early_stopping import BestSoFar, EarlyStopping


def follow(scores: list[float], min_delta: float = 0.0) -> list[BestSoFar]:
    states = [BestSoFar()]
    for epoch, score in enumerate(scores, start=1):
        states.append(states[-1].after(epoch, score, min_delta))
    return states[1:]


def test_waits_since_the_best_epoch() -> None:
    states = follow([0.5, 0.4, 0.4, 0.6, 0.3, 0.35])
    assert [state.epoch for state in states] == [1, 2, 2, 2, 5, 5]
    assert [state.waited for state in states] == [0, 0, 1, 2, 0, 1]


def test_small_gains_do_not_count() -> None:
    assert follow([0.5, 0.45, 0.39], min_delta=0.1)[-1] == BestSoFar(0.39, 3, 0)
    assert follow([0.5, 0.45], min_delta=0.1)[-1] == BestSoFar(0.5, 1, 1)


def test_exhausted() -> None:
    state = follow([0.1, 0.2, 0.3])[-1]
    assert state.exhausted(2)
    assert not state.exhausted(3)
    assert not state.exhausted(None)


@pytest.mark.parametrize("settings", [{"patience": 0}, {"min_delta": -1.0}, {"min_delta": float("nan")}])
def test_refuses(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        EarlyStopping(**settings)
