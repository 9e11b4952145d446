import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.connectionist.couplings import Couplings, from_matrix


def test_factors_and_matrix_agree() -> None:
    torch.manual_seed(0)
    left, right, removed = torch.randn(6, 3).double(), torch.randn(3, 6).double(), torch.rand(6).double()
    w = 0.5 * (left @ right - torch.diag(removed))
    states = torch.randn(4, 6).double()
    couplings = Couplings(left, right, removed, 0.5)
    torch.testing.assert_close(couplings.matrix(), w)
    torch.testing.assert_close(couplings.diagonal(), w.diagonal())
    torch.testing.assert_close(couplings.fields(states), states @ w.T)


def test_a_matrix_is_not_changed_by_asking_for_it() -> None:
    w = torch.tensor([[1.0, 2.0], [2.0, 3.0]])
    couplings = from_matrix(w)
    couplings.matrix().zero_()
    assert couplings.diagonal().tolist() == [1.0, 3.0]


def test_matrices_without_a_falling_energy_are_refused() -> None:
    with pytest.raises(ConfigError, match="symmetric"):
        from_matrix(torch.tensor([[0.0, 1.0], [-1.0, 0.0]]))
    with pytest.raises(ConfigError, match="w_ii >= 0"):
        from_matrix(-torch.eye(2))
    with pytest.raises(ShapeError, match="square"):
        from_matrix(torch.ones(2, 3))
