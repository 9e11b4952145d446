import pytest
import torch

from neurarium.checks import ShapeError
from neurarium.nets.parts.places import check_places


@pytest.mark.parametrize("index", [[0, 1, 2], [], [[2], [0]]])
def test_rows_that_are_there_pass(index: list[int]) -> None:
    check_places(torch.tensor(index, dtype=torch.int64), 3, "tokens", "words")


@pytest.mark.parametrize(("index", "got"), [([3], "3"), ([-1, 0], "-1"), ([0.0], "float32"), ([True], "bool")])
def test_others_are_refused_with_the_one_that_is_wrong(index: list[float], got: str) -> None:
    with pytest.raises(ShapeError) as caught:
        check_places(torch.tensor(index), 3, "tokens", "words")
    assert caught.value.subject == "tokens"
    assert got in caught.value.got
    assert "words" in caught.value.expected
