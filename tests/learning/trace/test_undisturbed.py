import pytest
import torch
from torch import nn

from neurarium.learning.trace.undisturbed import undisturbed


def disturb(net):
    with undisturbed(net):
        net.train()
        net(torch.randn(4, 2))
        net[0].running_mean = torch.full((2,), 7.0)
        raise RuntimeError("on purpose")


def test_buffers_modes_and_generator_come_back_after_an_error():
    net = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout())
    net[1].eval()
    statistics, before = net[0].running_mean, {n: b.clone() for n, b in net.state_dict().items()}
    state = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="on purpose"):
        disturb(net)
    assert net[0].running_mean is statistics
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert (net.training, net[0].training, net[1].training) == (True, True, False)
    assert torch.equal(state, torch.get_rng_state())
