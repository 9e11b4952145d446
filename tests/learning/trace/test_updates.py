import copy

import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError
from neurarium.learning.optimizers import Optimizer, ParameterGroup
from neurarium.learning.trace.updates import gradient_descent_changes, optimizer_changes


def net_and_gradients():
    torch.manual_seed(0)
    net = nn.Linear(3, 2)
    return net, {p: torch.randn_like(p) for p in net.parameters()}


def test_gradient_descent():
    w = nn.Parameter(torch.tensor([1.0, 2.0]))
    change = gradient_descent_changes({w: torch.tensor([3.0, -4.0])}, 0.1)[w]
    torch.testing.assert_close(change, torch.tensor([-0.3, 0.4]))


def test_the_first_step_of_adam_has_the_length_of_its_rate():
    net, gradients = net_and_gradients()
    changes = optimizer_changes(gradients, torch.optim.Adam(net.parameters(), lr=0.01))
    for p, g in gradients.items():  # m / (sqrt(v) + eps) = g / |g| after the correction of the first step
        torch.testing.assert_close(changes[p], -0.01 * g.sign(), rtol=1e-4, atol=1e-7)


def test_momentum_and_decay_are_those_of_the_optimizers_state():
    net, gradients = net_and_gradients()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.5)
    for p in net.parameters():
        p.grad = torch.ones_like(p)
    optimizer.step()
    before, state = copy.deepcopy(net.state_dict()), copy.deepcopy(optimizer.state_dict())
    changes = optimizer_changes(gradients, optimizer)
    for p, g in gradients.items():
        velocity = 0.9 * optimizer.state[p]["momentum_buffer"] + g + 0.5 * p.detach()
        torch.testing.assert_close(changes[p], -0.1 * velocity)
        assert torch.equal(p.grad, torch.ones_like(p))
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    for old, new in zip(state["state"].values(), optimizer.state_dict()["state"].values(), strict=True):
        assert torch.equal(old["momentum_buffer"], new["momentum_buffer"])


def test_decay_that_comes_before_the_step_counts():
    net, gradients = net_and_gradients()
    (optimizer,) = Optimizer("sgd", lr=0.1, weight_decay=0.5).build([ParameterGroup(tuple(net.parameters()))])
    before = copy.deepcopy(net.state_dict())
    changes = optimizer_changes(gradients, optimizer)
    for p, g in gradients.items():
        torch.testing.assert_close(changes[p], -0.1 * g - 0.1 * 0.5 * p.detach())
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_parameters_that_the_optimizer_lacks_stay():
    net, gradients = net_and_gradients()
    assert set(optimizer_changes(gradients, torch.optim.SGD([net.weight], lr=1.0))) == {net.weight}


def test_optimizers_that_cannot_serve_are_refused():
    net, gradients = net_and_gradients()
    with pytest.raises(ConfigError, match="over the net's parameters"):
        optimizer_changes(gradients, torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=1.0))
    with pytest.raises(ConfigError, match="got LBFGS"):
        optimizer_changes(gradients, torch.optim.LBFGS(net.parameters()))
