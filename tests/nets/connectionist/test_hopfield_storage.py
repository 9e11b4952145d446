import math
import warnings

import numpy as np
import pytest
import torch

from neurarium.checks import DataError
from neurarium.nets.connectionist.hopfield_storage import STORAGES, hebbian, pseudo_inverse, storkey
from neurarium.nets.connectionist.patterns import CapacityWarning, random_patterns


def patterns(count: int, neurons: int, seed: int = 0) -> torch.Tensor:
    return random_patterns(count, neurons, torch.Generator().manual_seed(seed)).double()


def test_hebb_by_hand() -> None:
    # x1 = (+ + -), x2 = (+ - -): products of pairs (12): 1 - 1 = 0, (13): -1 - 1 = -2, (23): -1 + 1 = 0, over n = 3
    x = torch.tensor([[1.0, 1.0, -1.0], [1.0, -1.0, -1.0]])
    with pytest.warns(CapacityWarning, match="2 patterns in 3 neurons"):
        w = hebbian(x).matrix()
    torch.testing.assert_close(w, torch.tensor([[0.0, 0, -2], [0, 0, 0], [-2, 0, 0]]) / 3)
    with pytest.warns(CapacityWarning):
        printed = hebbian(x, diagonal=True).matrix()
    torch.testing.assert_close(printed - w, torch.eye(3) * 2 / 3)


def test_pseudo_inverse_is_the_projection_without_its_diagonal() -> None:
    x = patterns(7, 20)
    projection = np.linalg.pinv(x.numpy()) @ x.numpy()
    torch.testing.assert_close(pseudo_inverse(x, diagonal=True).matrix(), torch.from_numpy(projection))
    np.fill_diagonal(projection, 0)
    torch.testing.assert_close(pseudo_inverse(x).matrix(), torch.from_numpy(projection))


def test_repeated_patterns_do_not_change_the_projection() -> None:
    x = patterns(5, 20)
    torch.testing.assert_close(pseudo_inverse(torch.cat([x, x[:2], -x[:1]])).matrix(), pseudo_inverse(x).matrix())


def test_storkey_is_the_printed_recursion() -> None:
    x = patterns(4, 12).numpy()
    n = x.shape[1]
    w = np.zeros((n, n))
    for row in x:
        h = np.zeros((n, n))
        for i in range(n):
            for j in range(n):
                h[i, j] = sum(w[i, k] * row[k] for k in range(n) if k not in (i, j))
        w = w + (np.outer(row, row) - row[:, None] * h.T - h * row[None, :]) / n
        np.fill_diagonal(w, 0)
    torch.testing.assert_close(storkey(torch.from_numpy(x)).matrix(), torch.from_numpy(w))


@pytest.mark.parametrize(
    ("storage", "neurons", "holds"),
    [
        ("hebbian", 100, 13),  # 0.137906 n
        ("pseudo-inverse", 20, 19),
        ("storkey", 100, int(100 / math.sqrt(2 * math.log(100)))),
    ],
)
def test_the_capacity_is_named_when_it_is_exceeded(storage: str, neurons: int, holds: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        STORAGES[storage](patterns(holds, neurons))
    with pytest.warns(CapacityWarning, match=rf"^{holds + 1} patterns in {neurons} neurons.*holds about {holds}"):
        STORAGES[storage](patterns(holds + 1, neurons))


@pytest.mark.parametrize("store", STORAGES.values())
def test_bad_patterns(store) -> None:
    with pytest.raises(DataError, match="-1 and"):
        store(torch.zeros(2, 20))
    with pytest.raises(DataError, match="at least one"):
        store(torch.zeros(0, 20))
