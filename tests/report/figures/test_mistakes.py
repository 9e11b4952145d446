import numpy as np
import pytest
import torch

from neurarium.checks import ShapeError
from neurarium.report.figures.mistakes import mistakes_figure


@pytest.fixture
def listed(made):
    return made.scores(made.digits, 500, 0.968).details["mistakes"]


def test_each_image_says_answer_sureness_and_truth(listed):
    images = torch.arange(16, dtype=torch.float32)[:, None, None, None].expand(16, 1, 8, 8) * 10
    figure = mistakes_figure(listed, images, (0.0, 200.0), most=4)
    drawn = [axes for axes in figure.axes if axes.images]
    assert len(drawn) == 4
    for rank, (axes, mistake) in enumerate(zip(drawn, listed, strict=False)):
        sure = min(round(100 * mistake["confidence"]), 99)
        assert axes.get_title() == f"said {mistake['predicted']} ({sure} %),\nis {mistake['truth']}"
        np.testing.assert_allclose(axes.images[0].get_array(), rank * 10 / 200)


def test_certainty_is_claimed_only_where_it_is_there():
    both = [{"predicted": "a", "truth": "b", "confidence": p} for p in (1.0, 0.9999)]
    figure = mistakes_figure(both, np.zeros((2, 1, 2, 2)), (0.0, 1.0))
    assert [axes.get_title() for axes in figure.axes if axes.images] == [
        "said a (100 %),\nis b",
        "said a (99 %),\nis b",
    ]


def test_colors_and_bytes_of_numpy(listed):
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 6, 5), dtype=np.uint8)
    shown = [axes.images[0].get_array() for axes in mistakes_figure(listed, images).axes if axes.images]
    assert len(shown) == 3
    np.testing.assert_allclose(shown[2][4, 1], images[2, :, 4, 1] / 255)


def test_no_mistakes_are_a_picture_too():
    figure = mistakes_figure([], torch.zeros(0, 1, 4, 4))
    assert figure.get_suptitle() == "No mistakes"
    figure.draw_without_rendering()


def test_a_whole_split_instead_of_its_mistakes_is_refused(listed):
    with pytest.raises(ShapeError, match="at most 16 mistakes"):
        mistakes_figure(listed, torch.zeros(500, 1, 8, 8))
