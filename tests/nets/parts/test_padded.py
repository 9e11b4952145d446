import math

import numpy as np
import pytest
import torch

from neurarium.checks import ShapeError
from neurarium.nets.parts.padded import check_padded, inside, max_over, mean_over

LENGTHS = [3, 1, 5]


def padded(filling: float) -> tuple[torch.Tensor, torch.Tensor, list[np.ndarray]]:
    rows = [np.random.default_rng(k).normal(size=(n, 2)) - 3 for k, n in enumerate(LENGTHS)]
    x = torch.full((3, 5, 2), filling, dtype=torch.float64)
    for k, row in enumerate(rows):
        x[k, : len(row)] = torch.from_numpy(row)
    return x, torch.tensor(LENGTHS), rows


@pytest.mark.parametrize("filling", [0.0, 100.0, math.inf, -math.inf, math.nan])
def test_means_and_maxima_are_those_of_the_rows_alone(filling: float) -> None:
    x, lengths, rows = padded(filling)
    np.testing.assert_allclose(mean_over(x, lengths), [row.mean(0) for row in rows], rtol=1e-13)
    np.testing.assert_array_equal(max_over(x, lengths), [row.max(0) for row in rows])
    assert inside(lengths, 5).sum(1).tolist() == LENGTHS


def test_padding_gets_no_gradient() -> None:
    x, lengths, _ = padded(50.0)
    x.requires_grad_()
    (mean_over(x, lengths) + max_over(x, lengths)).sum().backward()
    assert x.grad is not None
    assert not x.grad[~inside(lengths, 5)].any()
    # the mean gives each entry its fraction, the maximum all to one of them
    assert x.grad.sum((1, 2)).tolist() == pytest.approx([4.0] * 3)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(
        ShapeError, match=r"layer linear1: expected a tensor of shape \(batch, time, 4\), .* \(2, 3, 5\)"
    ):
        check_padded(torch.zeros(2, 3, 5), torch.tensor([1, 2]), "layer linear1", "time", 4)
    with pytest.raises(ShapeError, match=r"shape \(batch, tokens\), got one of shape \(2,\)"):
        check_padded(torch.zeros(2), None, "layer embedding", "tokens")
    with pytest.raises(ShapeError, match=r"lengths: expected shape \(2,\), .* got shape \(3,\)"):
        check_padded(torch.zeros(2, 3), torch.tensor([1, 2, 3]), "layer embedding", "tokens")
