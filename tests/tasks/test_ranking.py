import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from neurarium.tasks.ranking import average_precision, roc_auc

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40)


@given(PAIRS)
def test_both_are_scikit_learns_with_many_ties(pairs: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([s for s, _ in pairs]) / 6.0, np.array([p for _, p in pairs])
    if not positive.any() or positive.all():
        return
    assert roc_auc(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    assert average_precision(scores, positive) == pytest.approx(average_precision_score(positive, scores), abs=1e-12)


def test_by_hand() -> None:
    """Of 2 x 2 pairs three are in order and one is a tie."""
    positive = np.array([True, False, True, False])
    assert roc_auc(np.array([0.9, 0.5, 0.5, 0.1]), positive) == pytest.approx(3.5 / 4)
    # at 0.9 one of one, half of the recall; at 0.5 two of three
    assert average_precision(np.array([0.9, 0.5, 0.5, 0.1]), positive) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_one_kind_alone_has_no_order() -> None:
    scores, all_of_them = np.array([0.1, 0.2]), np.array([True, True])
    assert np.isnan(roc_auc(scores, all_of_them))
    assert np.isnan(roc_auc(scores, ~all_of_them))
    assert average_precision(scores, all_of_them) == 1.0
    assert np.isnan(average_precision(scores, ~all_of_them))
