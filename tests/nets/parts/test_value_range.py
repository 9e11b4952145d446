import math

import pytest
import torch

from neurarium.checks import DataError
from neurarium.nets.parts.value_range import by_channel, scaled, scaled_range, value_range
from neurarium.record.schema import Field


def test_ends_in_the_scale_of_the_net() -> None:
    images = Field((2, 4, 4), mean=(51.0, 0.0), std=(102.0, 50.0), value_range=(0.0, 255.0))
    low, high = scaled_range(images, "gan")
    torch.testing.assert_close(low, torch.tensor([[[-0.5]], [[0.0]]]))
    torch.testing.assert_close(high, torch.tensor([[[2.0]], [[5.1]]]))
    torch.testing.assert_close(scaled(51.0, images), torch.tensor([[[0.0]], [[1.02]]]))


def test_inputs_as_they_come() -> None:
    low, high = scaled_range(Field((3,)), "gan")
    assert low.tolist() == [0, 0, 0]
    assert high.tolist() == [1, 1, 1]
    low, high = scaled_range(Field((2, 4, 4), value_range=(-1.0, 4.0)), "gan")
    assert low.tolist() == [[[-1.0]], [[-1.0]]]
    assert high.tolist() == [[[4.0]], [[4.0]]]


def test_standardized_inputs_of_no_known_range() -> None:
    with pytest.raises(DataError) as caught:
        value_range(Field((3,), mean=(0.0,) * 3, std=(1.0,) * 3), "rbm")
    assert caught.value.subject == "value range of the input"
    assert "net rbm" in caught.value.expected
    assert caught.value.got == "none"
    assert caught.value.remedy


@pytest.mark.parametrize("ends", [(1.0, 1.0), (3.0, 2.0), (0.0, math.nan), (-math.inf, 0.0), (0.0, math.inf)])
def test_a_range_without_length(ends: tuple[float, float]) -> None:
    for field in (Field((3,), value_range=ends), Field((3,), mean=(0.0,) * 3, std=(1.0,) * 3, value_range=ends)):
        with pytest.raises(DataError, match="two finite numbers, the smaller first"):
            value_range(field, "rbm")


@pytest.mark.parametrize(("shape", "made"), [((2, 5, 6), (2, 1, 1)), ((2, 5), (2, 1)), ((2,), (2,))])
def test_a_number_a_channel_broadcasts(shape: tuple[int, ...], made: tuple[int, ...]) -> None:
    numbers = by_channel((1.5, -2.0), Field(shape), torch.float64)
    assert numbers.shape == made
    assert numbers.dtype == torch.float64
    assert (numbers + torch.zeros(shape)).reshape(2, -1).unique(dim=1).flatten().tolist() == [1.5, -2.0]
