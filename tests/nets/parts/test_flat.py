import pytest
import torch

from neurarium.checks import ShapeError
from neurarium.nets.parts.flat import flat


def test_keeps_the_order_of_the_numbers() -> None:
    x = torch.arange(12.0).view(2, 2, 3)
    assert flat(x, 6, "layer linear1").tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


@pytest.mark.parametrize("shape", [(6,), (2, 5), (2, 2, 4)])
def test_another_count_of_numbers(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"input of layer linear1: .*6 numbers.*\(batch, 6\)"):
        flat(torch.zeros(shape), 6, "layer linear1")
