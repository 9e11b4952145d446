import numpy as np
import pytest
import torch

from neurarium.checks import ShapeError
from neurarium.learning.losses import cross_entropy, squared_error, zero_one


def test_cross_entropy_by_numpy() -> None:
    logits, targets = np.array([[1.0, 2.0, 0.5], [-1.0, 0.0, 3.0]]), np.array([1, 0])
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = -np.log(p[[0, 1], targets]).mean()
    assert float(cross_entropy(torch.tensor(logits), torch.tensor(targets))) == pytest.approx(expected, rel=1e-12)


def test_cross_entropy_error_signal_is_p_minus_t_over_n() -> None:
    logits = torch.tensor([[1.0, 2.0, 0.5], [-1.0, 0.0, 3.0]], dtype=torch.float64, requires_grad=True)
    cross_entropy(logits, torch.tensor([1, 0])).backward()
    p = np.exp(logits.detach().numpy())
    p /= p.sum(1, keepdims=True)
    expected = (p - np.array([[0, 1, 0], [1, 0, 0]])) / 2
    np.testing.assert_allclose(logits.grad.numpy(), expected, atol=1e-14)


def test_cross_entropy_of_huge_logits_is_finite() -> None:
    assert float(cross_entropy(torch.tensor([[1e4, 0.0]]), torch.tensor([1]))) == 1e4


def test_squared_error_by_hand() -> None:
    # (0.2^2 + (0.7 - 1)^2 + 1 + (2 - 1)^2) / (2 * 2)
    outputs, targets = torch.tensor([[0.2, 0.7], [2.0, 1.0]]), torch.tensor([1, 0])
    assert float(squared_error(outputs, targets)) == pytest.approx((0.04 + 0.09 + 1 + 1) / 4)


def test_squared_error_signal_is_output_minus_target() -> None:
    outputs = torch.tensor([[0.2, 0.7]], requires_grad=True)
    squared_error(outputs, torch.tensor([1])).backward()
    torch.testing.assert_close(outputs.grad, torch.tensor([[0.2, -0.3]]))


def test_zero_one_counts() -> None:
    outputs = torch.tensor([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]])
    assert int(zero_one(outputs, torch.tensor([1, 1, 1]))) == 1


def test_count_of_targets() -> None:
    with pytest.raises(ShapeError, match="expected 2, one for each output, got 3"):
        cross_entropy(torch.zeros(2, 3), torch.zeros(3, dtype=torch.int64))
