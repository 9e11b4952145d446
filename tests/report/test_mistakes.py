import numpy as np
import pytest
import torch

from neurarium.checks import ShapeError
from neurarium.report.mistakes import as_picture, mistakes_figure


@pytest.fixture
def evaluation(made):
    return made.evaluation(made.digits, 500, 0.968)


def test_each_picture_says_answer_sureness_and_truth(evaluation):
    targets = torch.arange(500) % 10
    pictures = torch.arange(16, dtype=torch.uint8)[:, None, None, None].expand(16, 1, 8, 8) * 10
    figure = mistakes_figure(evaluation, pictures, targets, most=4)
    drawn = [axes for axes in figure.axes if axes.images]
    assert len(drawn) == 4
    for rank, axes in enumerate(drawn):
        index = evaluation.mistakes[rank]
        sure = round(100 * evaluation.confidence[index])
        assert axes.get_title() == f"said {evaluation.predicted[index]} ({min(sure, 99)} %),\nis {index % 10}"
        np.testing.assert_allclose(axes.images[0].get_array(), rank * 10 / 255)


def test_colours_and_arrays_of_numpy(evaluation):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 3, 6, 5), dtype=np.uint8)
    figure = mistakes_figure(evaluation, pictures, np.arange(500) % 10)
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert len(shown) == 3
    np.testing.assert_allclose(shown[2][4, 1], pictures[2, :, 4, 1] / 255)


def test_no_mistakes_are_a_picture_too(made):
    figure = mistakes_figure(made.evaluation(made.digits, 50, 1.0), torch.zeros(0, 1, 4, 4), torch.arange(50) % 10)
    assert figure.get_suptitle() == "No mistakes"
    figure.draw_without_rendering()


def test_a_whole_split_instead_of_its_mistakes_is_refused(evaluation):
    with pytest.raises(ShapeError, match="at most 16 mistakes"):
        mistakes_figure(evaluation, torch.zeros(500, 1, 8, 8), torch.zeros(500, dtype=torch.int64))


def test_other_numbers_than_pixels_are_stretched():
    picture = as_picture(np.array([[[-1.0, 0.0], [1.0, 3.0]]]))
    np.testing.assert_allclose(picture, [[0.0, 0.25], [0.5, 1.0]])
    np.testing.assert_array_equal(as_picture(np.full((1, 2, 2), 7.0)), np.zeros((2, 2)))


def test_of_two_channels_the_first_is_shown():
    np.testing.assert_allclose(as_picture(np.array([[[255]], [[0]]], dtype=np.uint8)), [[1.0]])
