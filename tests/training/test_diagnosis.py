import math

import pytest
import torch
from torch import nn

from neurarium.data.batch import Batch
from neurarium.learning.losses import cross_entropy
from neurarium.training.device import Placement
from neurarium.training.diagnosis import first_non_finite

CPU = Placement(torch.device("cpu"))
BATCH = Batch(torch.ones(2, 3), torch.tensor([0, 1]))


class Logarithm(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.log()


def look(net: nn.Module, batch: Batch = BATCH) -> str:
    return first_non_finite(net, cross_entropy, batch, CPU)


def test_names_the_first_layer_forward_not_a_later_one() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), Logarithm(), nn.Linear(3, 3))
    nn.init.constant_(net[0].weight, -1.0)
    assert look(net) == "output of layer 2 (Logarithm)"


def test_names_weights_that_are_not_finite() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    with torch.no_grad():
        net[1].bias[0] = math.nan
    assert look(net) == "weights 1.bias"


def test_names_the_inputs() -> None:
    assert (
        look(nn.Linear(3, 3), Batch(torch.tensor([[1.0, math.nan, 0.0]]), torch.tensor([0]))) == "inputs of the batch"
    )


@pytest.mark.parametrize("names", [("stem", "head")])
def test_qualified_names(names: tuple[str, str]) -> None:
    net = nn.Sequential()
    net.add_module(names[0], nn.Sequential(nn.Linear(3, 3), Logarithm()))
    net.add_module(names[1], nn.Linear(3, 3))
    nn.init.constant_(net.stem[0].weight, 0.0)
    nn.init.constant_(net.stem[0].bias, -1.0)
    assert look(net) == "output of layer stem.1 (Logarithm)"


def test_leaves_no_hooks_or_gradients() -> None:
    net = nn.Sequential(nn.Linear(3, 3), Logarithm())
    look(net)
    assert not net[0]._forward_hooks
    assert not net[0]._backward_hooks
    assert all(p.grad is None for p in net.parameters())
