import numpy as np
import pytest
import torch

from neurarium.checks import ShapeError
from neurarium.learning.backprop.linear import linear_backward, linear_forward


def test_the_gradient_is_the_outer_product_and_the_signal_the_transposed_map(draw) -> None:
    z, weight, error = draw(1, 3), draw(2, 3), draw(1, 2)
    y, cache = linear_forward(z, weight, torch.zeros(2, dtype=torch.float64))
    dz, dweight, dbias = linear_backward(error, cache)
    np.testing.assert_allclose(y[0].numpy(), weight.numpy() @ z[0].numpy())
    np.testing.assert_allclose(dweight.numpy(), np.outer(error[0].numpy(), z[0].numpy()))  # e z^T, not z^T e
    np.testing.assert_allclose(dz[0].numpy(), weight.numpy().T @ error[0].numpy())
    np.testing.assert_allclose(dbias.numpy(), error[0].numpy())


@pytest.mark.parametrize("batch", [(4,), (2, 3), ()])
def test_finite_differences(batch: tuple[int, ...], draw, gradcheck) -> None:
    gradcheck(linear_forward, linear_backward, draw(*batch, 3), draw(5, 3), draw(5))
    gradcheck(linear_forward, lambda delta, cache: linear_backward(delta, cache)[:2], draw(*batch, 3), draw(5, 3))


def test_what_nobody_wants_is_not_computed(draw) -> None:
    _, cache = linear_forward(draw(4, 3), draw(5, 3))
    dx, dweight, dbias = linear_backward(draw(4, 5), cache, to_input=False)
    assert dx is None
    assert dweight.shape == (5, 3)
    assert dbias is None


def test_examples_of_another_size_are_refused() -> None:
    with pytest.raises(ShapeError, match="3 numbers each"):
        linear_forward(torch.zeros(2, 4), torch.zeros(5, 3))
