import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.report.confusion import confusion_figure, most_confused, row_shares, strengths


def written(axes):
    return {(round(t.get_position()[1]), round(t.get_position()[0])): int(t.get_text()) for t in axes.texts}


def test_counts_are_written_where_they_belong(made):
    evaluation = made.evaluation(made.digits, 500, 0.9)
    (axes,) = confusion_figure(evaluation).axes
    counts = {(i, j): n for (i, j), n in np.ndenumerate(evaluation.confusion) if n}
    assert written(axes) == counts
    assert [t.get_text() for t in axes.get_yticklabels()] == list(made.digits)


def test_title_tells_the_right_answers(made):
    assert confusion_figure(made.evaluation(("no", "yes"), 90, 0.9)).get_suptitle() == "81 of 90 right"


@pytest.mark.parametrize("count", [2, 26, 100])
def test_many_classes_are_drawn_without_numbers(made, count):
    names = tuple(f"a rather long class name {k}" for k in range(count))
    figure = confusion_figure(made.evaluation(names, 5 * count, 0.8))
    assert bool(figure.axes[0].texts) == (count <= 25)
    figure.draw_without_rendering()
    assert max(figure.get_size_inches()) < 17


def test_colour_of_a_class_without_mistakes_is_blue_and_of_no_answers_white(made):
    evaluation = made.evaluation(("a", "b"), 10, 1.0)
    red, green, blue = confusion_figure(evaluation).axes[0].images[0].get_array()[0, 0]
    assert blue > green > red
    np.testing.assert_allclose(confusion_figure(evaluation).axes[0].images[0].get_array()[0, 1], 1.0)


@given(st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=3, max_size=3))
@settings(max_examples=30, deadline=None)
def test_rows_of_shares_sum_to_one_or_to_nothing(rows):
    confusion = np.array(rows)
    totals = row_shares(confusion).sum(1)
    np.testing.assert_allclose(totals, (confusion.sum(1) > 0).astype(float))


def test_mistakes_are_coloured_by_the_root_of_their_share():
    np.testing.assert_allclose(strengths(np.array([[0.96, 0.04], [0.25, 0.75]])), [[0.96, 0.2], [0.5, 0.75]])


def test_most_confused_pair():
    confusion = np.array([[90, 3, 0], [2, 80, 7], [6, 0, 70]])
    assert most_confused(confusion) == (1, 2)
    assert most_confused(np.diag([1, 2, 3])) is None
