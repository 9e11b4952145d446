"""The stack's gradients and states against each net's own."""

import pytest
import torch
from torch import nn

from neurarium.learning.objective import Objective
from neurarium.training.ensemble.stack import Stack


def make(count: int = 3) -> tuple[list[nn.Sequential], list[torch.optim.Optimizer], Stack]:
    torch.manual_seed(0)
    nets = [nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)) for _ in range(count)]
    optimisers: list[torch.optim.Optimizer] = [torch.optim.Adam(net.parameters(), lr=0.1) for net in nets]
    return nets, optimisers, Stack(nets, optimisers, Objective().build(), lambda p: torch.optim.Adam(p, lr=0.1))


def gradient(net: nn.Module, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    loss = nn.functional.cross_entropy(net(x), t)
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(net.parameters()))])


@pytest.mark.parametrize("uses", [1, 1000])
def test_gradients_norms_and_scores(uses: int) -> None:
    nets, _, stack = make()
    x, t = torch.randn(3, 7, 4), torch.randint(0, 3, (3, 7))
    objectives, errors = stack.gradients(x, t, uses)
    for k, net in enumerate(nets):
        own = gradient(net, x[k], t[k])
        assert stack.rows.grad is not None
        assert torch.allclose(stack.rows.grad[k], own, atol=1e-6)
        assert stack.gradient_norms()[k].item() == pytest.approx(own.norm().item(), rel=1e-5)
        assert objectives[k].item() == pytest.approx(nn.functional.cross_entropy(net(x[k]), t[k]).item(), rel=1e-5)
        assert errors[k].item() == (net(x[k]).argmax(1) != t[k]).sum().item()
    same = stack.measure(x[0], t[0], uses)[0]
    assert same[1].item() == pytest.approx(nn.functional.cross_entropy(nets[1](x[0]), t[0]).item(), rel=1e-5)


def test_nets_see_their_rows_until_they_are_released() -> None:
    nets, _, stack = make()
    with torch.no_grad():
        stack.rows.fill_(2.0)
    assert all(float(p.detach().min()) == 2.0 for net in nets for p in net.parameters())
    stack.release(1)
    with torch.no_grad():
        stack.rows.fill_(3.0)
    assert [float(net[0].bias[0].detach()) for net in nets] == [3.0, 2.0, 3.0]  # type: ignore[index]


def test_states_travel_there_and_back() -> None:
    nets, optimisers, _ = make()
    for net, optimiser in zip(nets, optimisers, strict=True):
        for parameter in net.parameters():
            parameter.grad = torch.randn_like(parameter)
        optimiser.step()
    before = [
        {n: v.clone() for n, v in optimiser.state[p].items()}
        for net, optimiser in zip(nets, optimisers, strict=True)
        for p in net.parameters()
    ]
    stack = Stack(nets, optimisers, Objective().build(), lambda p: torch.optim.Adam(p, lr=0.1))
    for k, optimiser in enumerate(optimisers):
        optimiser.state.clear()
        stack.hand_back(k)
    after = [optimiser.state[p] for net, optimiser in zip(nets, optimisers, strict=True) for p in net.parameters()]
    for old, new in zip(before, after, strict=True):
        assert old.keys() == new.keys()
        assert all(torch.equal(old[name], new[name]) for name in old)
