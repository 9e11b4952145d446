"""Decoding against all rows that can be said."""

import itertools
import math
from collections import defaultdict

import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.tasks.decoding.ctc import best_path, prefix_beam


def all_rows(log_p: torch.Tensor) -> dict[tuple[int, ...], float]:
    found: dict[tuple[int, ...], float] = defaultdict(float)
    for path in itertools.product(range(log_p.shape[1]), repeat=len(log_p)):
        row = tuple(token for token, _ in itertools.groupby(path) if token != 0)
        found[row] += math.exp(sum(float(log_p[t, k]) for t, k in enumerate(path)))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_many_beams_search_exhaustively(seed: int) -> None:
    log_p = torch.randn(6, 3, generator=torch.Generator().manual_seed(seed)).double().log_softmax(-1)
    rows = all_rows(log_p)
    found = prefix_beam(log_p, beams=1000)
    assert dict(found) == pytest.approx({row: math.log(p) for row, p in rows.items()})
    best = sorted(rows, key=lambda row: -rows[row])
    assert [row for row, _ in found] == best
    for beams in (1, 2, 5):
        cut = prefix_beam(log_p, beams=beams)
        assert len(cut) == beams
        assert all(p <= math.log(rows[row]) + 1e-12 for row, p in cut)
    assert prefix_beam(log_p, beams=5)[0][0] == best[0]


def test_the_likeliest_path_may_say_another_row_than_the_likeliest() -> None:
    """Graves's example: at both of two steps the blank is likeliest, yet "a" is said by three paths."""
    log_p = torch.tensor([[0.6, 0.4], [0.6, 0.4]]).log()
    assert best_path(log_p[None], torch.tensor([2])) == [[]]
    (row, p), (nothing, q) = prefix_beam(log_p, beams=2)
    assert (row, nothing) == ((1,), ())
    assert (math.exp(p), math.exp(q)) == pytest.approx((0.64, 0.36))


def test_padding_is_not_read() -> None:
    path = torch.tensor([[1, 1, 0, 1, 2, 2], [2, 0, 1, 1, 0, 0]])
    log_p = torch.nn.functional.one_hot(path, 3).float()
    assert best_path(log_p, torch.tensor([6, 2])) == [[1, 1, 2], [2]]


def test_no_beam() -> None:
    with pytest.raises(ConfigError, match="beams: expected an integer >= 1, got 0"):
        prefix_beam(torch.zeros(2, 3), 0)
