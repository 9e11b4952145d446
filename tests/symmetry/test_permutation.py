import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.feedforward.mlp import MLP
from neurarium.symmetry.permutation import batch_deviation, hidden_unit_deviation

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


@settings(max_examples=20, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 12), min_size=3, max_size=5),
    activation=st.sampled_from(["relu", "tanh", "sigmoid"]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_any_mlp_keeps_both_laws(sizes: list[int], activation: str, dtype: torch.dtype) -> None:
    net = MLP(sizes, activation, dropout=0.3).to(dtype)
    x = torch.randn(6, sizes[0], dtype=dtype)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    assert batch_deviation(net, x) < TOLERANCE[dtype]
    assert hidden_unit_deviation(net, x) < TOLERANCE[dtype]
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert net.training


class Company(nn.Module):
    """Answers with the difference from the batch's mean."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(dim=0)


class Rank(nn.Module):
    """Scales each example by its place in the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.arange(len(x))[:, None]


class OwnSlope(nn.Module):
    """Treats each unit differently."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x) * torch.arange(1, x.shape[1] + 1)


@pytest.mark.parametrize("net", [Company(), Rank()])
def test_the_batch_law_finds_nets_that_break_it(net: nn.Module) -> None:
    assert batch_deviation(net, torch.rand(5, 3)) > 0.1


def test_the_hidden_unit_law_finds_nets_that_break_it() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), OwnSlope(), nn.Linear(8, 2))
    assert hidden_unit_deviation(net, torch.randn(5, 4)) > 0.1


def test_layers_without_bias() -> None:
    net = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Tanh(), nn.Linear(4, 2, bias=False))
    assert hidden_unit_deviation(net, torch.randn(5, 3)) < 1e-5


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match="at least two"):
        batch_deviation(nn.Identity(), torch.zeros(1, 3))
    with pytest.raises(ConfigError, match="two linear layers"):
        hidden_unit_deviation(nn.Linear(3, 4), torch.zeros(2, 3))
