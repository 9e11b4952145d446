"""The loss against a sum over all paths, and against torch's."""

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest
import torch
from torch import Tensor

from neurarium.learning.ctc import ctc_forward, ctc_loss, needed, said_by


def drawn(steps: int, tokens: int, batch: int = 1, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, steps, tokens, generator=generator, dtype=torch.float64).log_softmax(-1)


def all_rows(log_p: np.ndarray, blank: int = 0) -> dict[tuple[int, ...], float]:
    """Probability of each row of tokens: that of every path, added up by what it says, by groups of equal tokens."""
    found: dict[tuple[int, ...], float] = defaultdict(float)
    for path in itertools.product(range(log_p.shape[1]), repeat=len(log_p)):
        row = tuple(token for token, _ in itertools.groupby(path) if token != blank)
        found[row] += math.exp(sum(log_p[t, k] for t, k in enumerate(path)))
    return found


@pytest.mark.parametrize("blank", [0, 2])
def test_the_sum_over_all_paths(blank: int) -> None:
    log_p = drawn(5, 3)
    rows = all_rows(log_p[0].numpy(), blank)
    assert sum(rows.values()) == pytest.approx(1)
    possible = list(itertools.product((t for t in range(3) if t != blank), repeat=3))
    for row in [*rows, *possible]:
        targets, length = torch.tensor([[*row, 9, 9]]).clamp(max=2), torch.tensor([len(row)])
        for function in (ctc_forward, ctc_loss):
            loss = function(log_p, targets, torch.tensor([5]), length, blank)
            expected = -math.log(rows[row]) if row in rows else math.inf
            assert float(loss) == pytest.approx(expected, rel=1e-12)


def test_values_and_gradients_are_those_of_torch_in_padded_rows() -> None:
    log_p = drawn(12, 5, 4).requires_grad_()
    lengths, sizes = torch.tensor([12, 7, 9, 1]), torch.tensor([5, 3, 0, 1])
    targets = torch.tensor([[1, 1, 2, 4, 4], [3, 3, 3, -1, -1], [-1, -1, -1, -1, -1], [2, -1, -1, -1, -1]])
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    by_hand, kernel = (function(log_p, targets, lengths, sizes) for function in (ctc_forward, ctc_loss))
    torch.testing.assert_close(by_hand, kernel, rtol=1e-12, atol=0)
    (ours,) = torch.autograd.grad(by_hand @ weights, log_p)
    # torch gives the gradient that a softmax before it makes right, so both go through one
    logits = log_p.detach().clone().requires_grad_()
    (theirs,) = torch.autograd.grad(ctc_loss(logits.log_softmax(-1), targets, lengths, sizes) @ weights, logits)
    through = ours - log_p.detach().exp() * ours.sum(-1, keepdim=True)
    torch.testing.assert_close(through, theirs, rtol=1e-9, atol=1e-12)
    assert (ours[1, 7:] == 0).all()


def test_gradient_by_finite_differences() -> None:
    log_p, lengths = drawn(4, 3, 2).requires_grad_(), torch.tensor([4, 3])
    targets, sizes = torch.tensor([[1, 1], [2, -1]]), torch.tensor([2, 1])
    assert torch.autograd.gradcheck(lambda x: ctc_forward(x, targets, lengths, sizes), log_p)


def test_long_series_stay_finite_in_single_precision() -> None:
    log_p = drawn(2000, 30).float()
    targets = torch.arange(1, 30).repeat(20)[None]
    one, other = (f(log_p, targets, torch.tensor([2000]), torch.tensor([580])) for f in (ctc_forward, ctc_loss))
    torch.testing.assert_close(one, other, rtol=1e-5, atol=0)


def test_steps_that_are_needed() -> None:
    targets = torch.tensor([[1, 1, 1, 2], [1, 2, 1, 2], [3, 3, -1, -1], [3, 3, 3, 3]])
    assert needed(targets, torch.tensor([4, 4, 1, 0])).tolist() == [6, 4, 1, 0]


def test_what_a_path_says() -> None:
    for path in itertools.product(range(3), repeat=5):
        assert said_by(path, 1) == [token for token, _ in itertools.groupby(path) if token != 1]
