import numpy as np
import pytest
import torch

from neurarium.learning.backprop.softmax import softmax_backward, softmax_forward


def test_the_jacobian_has_minus_off_the_diagonal(draw) -> None:
    x = draw(4)
    y, cache = softmax_forward(x)
    fractions = np.exp(x.numpy()) / np.exp(x.numpy()).sum()
    jacobian = np.stack([softmax_backward(row, cache).numpy() for row in torch.eye(4, dtype=torch.float64)])
    np.testing.assert_allclose(y.numpy(), fractions)
    np.testing.assert_allclose(jacobian, np.diag(fractions) - np.outer(fractions, fractions))
    np.testing.assert_allclose(jacobian.sum(1), 0, atol=1e-15)
    assert (jacobian[~np.eye(4, dtype=bool)] < 0).all()


@pytest.mark.parametrize("dim", [-1, 0, 1])
def test_finite_differences(dim: int, draw, gradcheck) -> None:
    gradcheck(lambda x: softmax_forward(x, dim), softmax_backward, draw(3, 4, 2))
