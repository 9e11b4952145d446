import pytest
import torch
from torch import Tensor

from neurarium.learning.backprop import padded
from neurarium.nets.parts.padded import inside

LENGTHS = torch.tensor([4, 1, 3])
PAIRS = {
    "inside": (padded.inside_forward, padded.inside_backward),
    "last": (padded.last_forward, padded.last_backward),
    "mean": (padded.mean_forward, padded.mean_backward),
    "max": (padded.max_forward, padded.max_backward),
}


def by_rows(kind: str, x: Tensor) -> Tensor:
    """The same, row by row, on what is there."""
    rows = [row[:length] for row, length in zip(x, LENGTHS.tolist(), strict=True)]
    whole = {"last": lambda row: row[-1], "mean": lambda row: row.mean(0), "max": lambda row: row.amax(0)}
    if kind == "inside":
        return torch.stack([torch.cat([row, row.new_zeros(4 - len(row), 2)]) for row in rows])
    return torch.stack([whole[kind](row) for row in rows])


@pytest.mark.parametrize("kind", PAIRS)
def test_rows_one_by_one_and_finite_differences(kind: str, draw, gradcheck) -> None:
    forward, backward = PAIRS[kind]
    x = draw(3, 4, 2)
    y, _ = forward(x, LENGTHS)
    torch.testing.assert_close(y, by_rows(kind, x))
    gradcheck(lambda x: forward(x, LENGTHS), backward, x)


@pytest.mark.parametrize("kind", PAIRS)
def test_nothing_comes_back_into_the_padding(kind: str, draw) -> None:
    forward, backward = PAIRS[kind]
    y, cache = forward(draw(3, 4, 2), LENGTHS)
    dx = backward(torch.ones_like(y), cache)
    assert dx[~inside(LENGTHS, 4)].eq(0).all()
    assert dx[inside(LENGTHS, 4)].any()


def test_equal_maxima_share_the_signal() -> None:
    x = torch.tensor([[[2.0], [1.0], [2.0], [9.0]]])
    _, cache = padded.max_forward(x, torch.tensor([3]))
    assert padded.max_backward(torch.tensor([[1.0]]), cache).flatten().tolist() == [0.5, 0, 0.5, 0]


def test_whole_rows_are_left_alone(draw) -> None:
    x = draw(2, 3, 1)
    y, cache = padded.inside_forward(x)
    assert y is x
    assert padded.inside_backward(x, cache) is x
