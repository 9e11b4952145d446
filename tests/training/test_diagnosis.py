import math
from typing import Any

import pytest
import torch
from torch import nn

from neurarium.data.batch import Batch
from neurarium.learning.loss import Loss
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.penalty import WithPenalty
from neurarium.record.schema import image_schema
from neurarium.tasks.classification import Classification
from neurarium.tasks.task import Context
from neurarium.training.device import DeviceConfig
from neurarium.training.diagnosis import first_non_finite

CPU = DeviceConfig(torch.device("cpu"))
TASK = Classification.build(MLPSpec(), Loss(), image_schema((3,), 3), {})


def batch_of(*inputs: torch.Tensor, names: tuple[str, ...] = ()) -> Batch:
    return Batch(inputs, (torch.arange(len(inputs[0])),), len(inputs[0]), names=names)


BATCH = batch_of(torch.ones(2, 3))


class Logarithm(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.log()


def look(net: nn.Module, batch: Batch = BATCH) -> str:
    return first_non_finite(net, TASK, batch, CPU, Context(training=True))


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
    bad = torch.tensor([[1.0, math.nan, 0.0]])
    assert look(nn.Linear(3, 3), batch_of(bad)) == "inputs of the batch"


def test_names_which_of_several_inputs() -> None:
    lengths, bad = torch.tensor([3]), torch.tensor([[1.0, math.inf, 0.0]])
    batch = batch_of(torch.ones(1, 3), lengths, bad, names=("series", "series_lengths", "mood", "label"))
    assert look(nn.Bilinear(3, 3, 3), batch) == "mood of the batch"


def test_names_the_penalty_of_a_net() -> None:
    class Penalized(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, x: torch.Tensor) -> Any:
            return WithPenalty(self.layer(x), x.sum(1) * math.inf)

    assert look(Penalized()) == "penalty of the net"


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
