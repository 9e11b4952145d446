import pytest
import torch

from neurarium.learning.hessian_free.vector import to_parameters, to_vector


def test_there_and_back() -> None:
    like = {"a": torch.randn(2, 3), "b": torch.randn(()), "c": torch.randn(3, 2, 1).transpose(0, 1)}
    vector = to_vector(like.values())
    assert vector.tolist() == [x for t in like.values() for x in t.flatten().tolist()]
    back = to_parameters(vector, like)
    assert list(back) == list(like)
    assert all(torch.equal(back[name], tensor) for name, tensor in like.items())


def test_a_vector_of_another_length_is_our_own_bug() -> None:
    with pytest.raises(RuntimeError):
        to_parameters(torch.zeros(3), {"a": torch.zeros(2)})
