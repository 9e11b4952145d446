import math

import pytest

from neurarium.checks import RunError
from neurarium.report.history import digest


def test_history_of_a_finished_run(made):
    history = digest(made.entries(made.events()))
    assert (history.name, history.parameters, history.reason, history.sessions) == ("lenet5", 61706, "finished", 1)
    assert history.step == 20 * made.steps
    assert history.seconds == pytest.approx(0.011 * history.step)
    assert history.column("epoch") == list(range(1, 21))
    assert history.best["epoch"] == 17
    assert history.scores("validation", "error")[16] == pytest.approx(0.024 + 0.12 * math.exp(-8.5))


def test_a_second_sitting_counts_from_its_own_start(made):
    first = made.entries(made.events(3, reason="interrupted"))
    history = digest([*first, *first[:1]])
    assert (history.sessions, history.reason, len(history.epochs)) == (2, None, 3)


def test_scores_without_validation_data_are_not_numbers(made):
    history = digest(made.entries(made.events(4, validation=False)))
    assert all(map(math.isnan, history.scores("validation", "error")))


def test_no_epoch_no_best(made):
    assert digest(made.entries(made.events())[:5]).best is None


def test_record_without_a_start_is_refused():
    with pytest.raises(RunError, match="started"):
        digest([{"event": "notice", "message": "hello"}])
