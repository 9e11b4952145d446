import numpy as np
import pytest
import torch

from neurarium.nets.connectionist.couplings import Couplings, from_matrix
from neurarium.nets.connectionist.hopfield_storage import hebbian
from neurarium.nets.connectionist.hopfield_sweeps import column_getter, sparse_sweep, sweep_by_blocks


def stored(kind: str, neurons: int = 70) -> Couplings:
    draw = np.random.default_rng(3)
    if kind == "factors":
        return hebbian(torch.from_numpy(draw.choice([-1.0, 1.0], (9, neurons))))
    half = np.triu(draw.normal(size=(neurons, neurons)), 1)
    return from_matrix(torch.from_numpy(half + half.T))


def one_after_the_other(matrix: np.ndarray, x: np.ndarray, order: list[int]) -> np.ndarray:
    """States of one probe after each unit has had its turn, from the definition."""
    x = x.copy()
    for unit in order:
        field = matrix[unit] @ x
        if abs(field) > 1e-9:
            x[unit] = np.sign(field)
    return x


@pytest.mark.parametrize("kind", ["matrix", "factors"])
def test_both_sweeps_are_unit_by_unit(kind: str) -> None:
    couplings = stored(kind)
    draw = np.random.default_rng(4)
    x, order = draw.choice([-1.0, 1.0], (5, 70)), draw.permutation(70)
    nothing = torch.zeros(70, dtype=torch.float64)
    keep = 1e-9
    before, units = torch.from_numpy(x.T.copy()), torch.from_numpy(order)
    blocks, drops = sweep_by_blocks(couplings, before, units, nothing, keep, None)
    sparse = sparse_sweep(couplings, column_getter(couplings), before, units, nothing, keep)
    expected = [one_after_the_other(couplings.matrix().numpy(), probe, order.tolist()) for probe in x]
    np.testing.assert_array_equal(blocks.T, expected)
    np.testing.assert_array_equal(sparse.T, expected)
    assert not drops
    np.testing.assert_array_equal(before.T, x)


def test_columns_in_rows() -> None:
    for kind in ("matrix", "factors"):
        couplings = stored(kind)
        right = couplings.right
        product = couplings.left.numpy() if right is None else couplings.left.numpy() @ right.numpy()
        units = torch.tensor([4, 0, 4])
        np.testing.assert_allclose(column_getter(couplings)(units), product[:, [4, 0, 4]].T, atol=1e-12)
