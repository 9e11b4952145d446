import numpy as np
import pytest
import torch
from torch.nn import functional as F

from neurarium.checks import ShapeError
from neurarium.learning.backprop.losses import (
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
    squared_error_backward,
    squared_error_forward,
)

CLASSES = torch.tensor([2, 0, 1, 2])


def test_cross_entropy_by_finite_differences(draw, gradcheck) -> None:
    fractions = draw(4, 3).softmax(1)
    for targets in (CLASSES, fractions):
        gradcheck(
            lambda a, targets=targets: softmax_cross_entropy_forward(a, targets),
            softmax_cross_entropy_backward,
            draw(4, 3),
        )


def test_squared_error_by_finite_differences(draw, gradcheck) -> None:
    targets = draw(4, 3)
    gradcheck(lambda a: squared_error_forward(a, targets), squared_error_backward, draw(4, 3))


def test_cross_entropy_by_numpy(draw) -> None:
    logits = draw(4, 3)
    y = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(1, keepdims=True)
    code = np.eye(3)[CLASSES.numpy()]
    loss, cache = softmax_cross_entropy_forward(logits, CLASSES)
    assert loss.item() == pytest.approx(-np.log((y * code).sum(1)).mean())
    np.testing.assert_allclose(softmax_cross_entropy_backward(0.5, cache).numpy(), 0.5 * (y - code) / 4, atol=1e-16)


def test_distributions_as_torch_takes_them(draw) -> None:
    logits, fractions = draw(5, 3), draw(5, 3).softmax(1)
    loss, _ = softmax_cross_entropy_forward(logits, fractions)
    torch.testing.assert_close(loss, F.cross_entropy(logits, fractions))


def test_the_error_signal_stays_exact_where_a_probability_underflows() -> None:
    loss, cache = softmax_cross_entropy_forward(torch.tensor([[1000.0, 0.0]]), torch.tensor([1]))
    assert loss.item() == 1000
    assert softmax_cross_entropy_backward(1.0, cache).tolist() == [[1.0, -1.0]]


def test_as_many_targets_as_outputs() -> None:
    with pytest.raises(ShapeError, match="targets: expected 4"):
        softmax_cross_entropy_forward(torch.zeros(4, 3), CLASSES[:3])
    with pytest.raises(ShapeError, match="targets: expected 4"):
        squared_error_forward(torch.zeros(4, 3), torch.zeros(1, 3))
