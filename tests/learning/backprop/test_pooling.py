import numpy as np
import pytest
import torch
from torch.nn import functional as F

from neurarium.checks import ShapeError
from neurarium.learning.backprop.pooling import (
    average_pool_backward,
    average_pool_forward,
    max_pool_backward,
    max_pool_forward,
)

SETTINGS = [{"window": 2}, {"window": 3, "stride": 2}, {"window": 3, "stride": 1, "padding": 1}]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("axes", [1, 2])
def test_finite_differences(axes: int, settings: dict, draw, gradcheck) -> None:
    x = draw(2, 2, *(6, 5)[:axes])
    gradcheck(lambda x: max_pool_forward(x, **settings), max_pool_backward, x)
    for count in (True, False):
        gradcheck(
            lambda x, count=count: average_pool_forward(x, **settings, count_padding=count), average_pool_backward, x
        )


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_values_of_torch_in_one_and_two_dimensions(settings: dict, draw) -> None:
    signal, image = draw(2, 3, 8), draw(2, 3, 8, 7)
    options = (settings["window"], settings.get("stride"), settings.get("padding", 0))
    torch.testing.assert_close(max_pool_forward(signal, **settings)[0], F.max_pool1d(signal, *options))
    torch.testing.assert_close(max_pool_forward(image, **settings)[0], F.max_pool2d(image, *options))
    torch.testing.assert_close(average_pool_forward(signal, **settings)[0], F.avg_pool1d(signal, *options))
    torch.testing.assert_close(average_pool_forward(image, **settings)[0], F.avg_pool2d(image, *options))


def test_signals_go_where_the_largest_stood_window_by_window(draw) -> None:
    x = draw(1, 1, 5, 4)
    y, cache = max_pool_forward(x, (3, 2), stride=1)  # windows overlap: a place may win several times
    delta = draw(*y.shape)
    expected, maps = np.zeros((5, 4)), x[0, 0].numpy()
    for i in range(3):
        for j in range(3):
            window = maps[i : i + 3, j : j + 2]
            a, b = np.unravel_index(window.argmax(), window.shape)
            expected[i + a, j + b] += delta[0, 0, i, j].item()
    np.testing.assert_allclose(max_pool_backward(delta, cache)[0, 0].numpy(), expected)


def test_the_first_of_equal_numbers_takes_the_signal() -> None:
    _, cache = max_pool_forward(torch.ones(1, 1, 2, 2), 2)
    assert max_pool_backward(torch.full((1, 1, 1, 1), 3.0), cache).flatten().tolist() == [3, 0, 0, 0]


def test_channels_last_maps_stay_so(draw) -> None:
    x = draw(2, 3, 4, 4).to(memory_format=torch.channels_last)
    y, cache = max_pool_forward(x, 2)
    dx = max_pool_backward(torch.ones_like(y), cache)
    assert dx.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(dx != 0, x == F.interpolate(y, scale_factor=2))


def test_other_axes_are_refused() -> None:
    with pytest.raises(ShapeError, match="one or two axes"):
        max_pool_forward(torch.zeros(1, 1, 2, 2, 2), 2)
