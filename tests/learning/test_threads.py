import pytest
import torch

from neurarium.learning.newton import softmax_regression
from neurarium.learning.threads import SMALL, threads_for


@pytest.fixture(autouse=True)
def two_threads() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_one_for_small_work_and_all_for_large() -> None:
    with threads_for(SMALL - 1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with threads_for(SMALL):
        assert torch.get_num_threads() == 2


def test_put_back_after_an_error() -> None:
    with pytest.raises(KeyError), threads_for(1):
        raise KeyError
    assert torch.get_num_threads() == 2


def test_a_fit_leaves_the_count_as_it_was() -> None:
    softmax_regression(torch.eye(3).repeat(4, 1), torch.arange(3).repeat(4), 0.1)
    assert torch.get_num_threads() == 2
