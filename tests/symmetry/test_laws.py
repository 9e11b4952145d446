import torch
from torch import nn

from neurarium.symmetry.laws import evaluated, relative_deviation


def test_relative_deviation_by_hand() -> None:
    assert relative_deviation(torch.tensor([3.0, -4.0]), torch.tensor([3.0, -5.0])) == 0.2
    assert relative_deviation(torch.zeros(2), torch.zeros(2)) == 0.0
    assert relative_deviation(torch.tensor([0.0, float("nan")]), torch.zeros(2)) == float("inf")
    assert relative_deviation(torch.tensor([float("inf")]), torch.zeros(1)) == float("inf")


def test_evaluated_leaves_the_net_as_it_was() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.BatchNorm1d(2))
    net[2].eval()
    with evaluated(net) as quiet:
        assert not any(module.training for module in quiet.modules())
        assert not quiet(torch.ones(2, 2)).requires_grad
    assert [module.training for module in net.modules()] == [True, True, True, False]
