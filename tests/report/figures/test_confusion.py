import numpy as np
import pytest

from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.report.figures.confusion import FIGURE, confusion_figure
from neurarium.tasks.scores import Scores


def drawn(scores):
    return confusion_figure(np.array(scores.details["confusion"]), scores.details["classes"])


def written(axes):
    return {(round(t.get_position()[1]), round(t.get_position()[0])): int(t.get_text()) for t in axes.texts}


def test_counts_are_written_where_they_belong(made):
    scores = made.scores(made.digits, 500, 0.9)
    (axes,) = drawn(scores).axes
    counts = {(i, j): n for (i, j), n in np.ndenumerate(np.array(scores.details["confusion"])) if n}
    assert written(axes) == counts
    assert [t.get_text() for t in axes.get_yticklabels()] == list(made.digits)


def test_title_tells_the_right_answers(made):
    assert drawn(made.scores(("no", "yes"), 90, 0.9)).get_suptitle() == "81 of 90 right"


@pytest.mark.more
@pytest.mark.parametrize("count", [2, 26, 100, 300])
def test_many_classes_are_drawn_without_numbers_and_very_many_without_names(made, count):
    names = tuple(f"a rather long class name {k}" for k in range(count))
    figure = drawn(made.scores(names, 5 * count, 0.8))
    (axes,) = figure.axes
    assert bool(axes.texts) == (count <= 25)
    assert len(axes.get_yticklabels()) == (count if count <= 200 else 0)
    figure.draw_without_rendering()
    assert max(figure.get_size_inches()) < (17 if count <= 100 else 30)


def test_color_of_a_class_without_mistakes_is_blue_and_of_no_answers_white(made):
    image = drawn(made.scores(("a", "b"), 10, 1.0)).axes[0].images[0].get_array()
    red, green, blue = image[0, 0]
    assert blue > green > red
    np.testing.assert_allclose(image[0, 1], 1.0)


def test_it_applies_wherever_scores_hold_a_confusion_matrix(made, fresh, vectors):
    run, scores = fresh(MLPSpec(), vectors), made.scores(("a", "b"), 10, 1.0)
    assert FIGURE.applies(run, vectors, scores)
    assert not FIGURE.applies(run, vectors, None)
    assert not FIGURE.applies(run, vectors, Scores("density", "test", "toy", 1, None, ()))
    assert FIGURE.draw(run, vectors, "test", scores).get_suptitle() == "10 of 10 right"
    assert not FIGURE.alone
