import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.nets.connectionist.rbm import RBM
from neurarium.nets.connectionist.rbm_stack import stack_into_mlp


def test_hidden_layers_are_those_of_the_machines() -> None:
    torch.manual_seed(0)
    first, second = RBM(6, 5, factor=torch.rand(6), shift=torch.rand(6)), RBM(5, 4)
    with torch.no_grad():
        for rbm in (first, second):
            for part in rbm.weights:
                part.normal_()
    net = stack_into_mlp([first, second], classes=3)
    x = torch.randn(7, 2, 3)
    hidden = second(first(x))
    weight, bias = (net.get_parameter(f"layers.linear3.{name}") for name in ("weight", "bias"))
    torch.testing.assert_close(net(x), hidden @ weight.T + bias)
    assert net(x).shape == (7, 3)


def test_learning_on_leaves_the_machines_alone() -> None:
    rbm = RBM(6, 5)
    before = rbm.weight.clone()
    net = stack_into_mlp([rbm], classes=2)
    with torch.no_grad():
        net.get_parameter("layers.linear1.weight").zero_()
    assert torch.equal(rbm.weight, before)
    assert all(p.requires_grad for p in net.parameters())


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match="at least one machine"):
        stack_into_mlp([], 2)
    with pytest.raises(ConfigError, match="rbm 2: expected 5 visible units, got 4"):
        stack_into_mlp([RBM(6, 5), RBM(4, 3)], 2)
