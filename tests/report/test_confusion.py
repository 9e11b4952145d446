import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.report.confusion import most_confused, row_fractions, shorten, strengths


@given(st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=3, max_size=3))
@settings(max_examples=30, deadline=None)
def test_rows_of_shares_sum_to_one_or_to_nothing(rows):
    confusion = np.array(rows)
    totals = row_fractions(confusion).sum(1)
    np.testing.assert_allclose(totals, (confusion.sum(1) > 0).astype(float))


def test_mistakes_are_colored_by_the_root_of_their_share():
    np.testing.assert_allclose(strengths(np.array([[0.96, 0.04], [0.25, 0.75]])), [[0.96, 0.2], [0.5, 0.75]])


def test_most_confused_pair():
    confusion = np.array([[90, 3, 0], [2, 80, 7], [6, 0, 70]])
    assert most_confused(confusion) == (1, 2)
    assert most_confused(np.diag([1, 2, 3])) is None


def test_a_long_name_is_cut_and_shows_it():
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("abcd", 4) == "abcd"
