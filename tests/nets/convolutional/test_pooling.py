import pytest
import torch
from torch.nn import functional

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.pooling import (
    GlobalAverage,
    average_pool,
    global_average_pool,
    max_pool,
)

IMAGE = torch.tensor([[[[1.0, 2.0, 3.0, 4.0], [8.0, 7.0, 6.0, 5.0], [0.0, -1.0, 9.0, 2.0], [3.0, 1.0, 1.0, 0.0]]]])


def test_windows_that_tile_by_hand() -> None:
    assert max_pool(IMAGE, 2)[0, 0].tolist() == [[8, 6], [3, 9]]
    assert average_pool(IMAGE, 2)[0, 0].tolist() == [[4.5, 4.5], [0.75, 3]]


def test_the_printed_form_without_stride_does_not_downsample() -> None:
    assert max_pool(IMAGE, 2, stride=1)[0, 0].tolist() == [[8, 7, 6], [8, 9, 9], [3, 9, 9]]
    assert max_pool(IMAGE, 3, stride=1, padding=1).shape == IMAGE.shape


def test_padding_neither_wins_nor_counts() -> None:
    x = torch.tensor([[[-4.0, -2.0]]])
    assert max_pool(x, 2, padding=1).flatten().tolist() == [-4, -2]
    assert average_pool(x, 2, padding=1).flatten().tolist() == [-4, -2]


def test_each_axis_its_own_window() -> None:
    assert max_pool(IMAGE, (2, 1), stride=(2, 2))[0, 0].tolist() == [[8, 6], [3, 9]]
    assert average_pool(IMAGE, (1, 4))[0, 0].tolist() == [[2.5], [6.5], [2.5], [1.25]]


@pytest.mark.parametrize("axes", [1, 3])
def test_one_and_three_dimensions_by_unfolding(axes: int) -> None:
    x = torch.randn(2, 3, *(6, 5, 7)[:axes])
    windows = x
    for axis in range(axes):
        windows = windows.unfold(2 + axis, 3, 2)
    windows = windows.flatten(2 + axes)
    torch.testing.assert_close(max_pool(x, 3, stride=2), windows.amax(-1))
    torch.testing.assert_close(average_pool(x, 3, stride=2), windows.mean(-1))


def test_global_pooling() -> None:
    assert global_average_pool(IMAGE).tolist() == [[51 / 16]]
    x = torch.randn(2, 3, 4, 5, 6)
    torch.testing.assert_close(GlobalAverage()(x), functional.adaptive_avg_pool3d(x, 1).flatten(1))


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match="kernel"):
        max_pool(IMAGE, 5)
    with pytest.raises(ShapeError, match="one to three axes"):
        average_pool(torch.zeros(2, 3), 1)
    with pytest.raises(ConfigError, match="half the window"):
        max_pool(IMAGE, 2, padding=2)
    with pytest.raises(ConfigError, match="stride"):
        max_pool(IMAGE, 2, stride=0)
    with pytest.raises(ShapeError, match="at least one axis"):
        global_average_pool(torch.zeros(2, 3))
