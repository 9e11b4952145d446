"""The stack's gradients and states against each net's own."""

import pytest
import torch
from torch import nn

from neurarium.learning.loss import Loss
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.record.schema import Field, image_schema
from neurarium.tasks.classification import Classification
from neurarium.tasks.reconstruction import Reconstruction
from neurarium.tasks.task import Trainable
from neurarium.training.ensemble.stack import Stack

WEIGHTS = (0.5, 1.0, 4.0)


def labels(weights: tuple[float, ...] = ()) -> Trainable:
    return Classification.build(MLPSpec(), Loss(class_weights=weights), image_schema((4,), 3), {})


def make(
    task: Trainable | None = None, outputs: int = 3
) -> tuple[list[nn.Sequential], list[torch.optim.Optimizer], Stack]:
    torch.manual_seed(0)
    nets = [nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, outputs)) for _ in range(3)]
    optimizers: list[torch.optim.Optimizer] = [torch.optim.Adam(net.parameters(), lr=0.1) for net in nets]
    return nets, optimizers, Stack(nets, optimizers, task or labels(), lambda p: torch.optim.Adam(p, lr=0.1))


def flat(loss: torch.Tensor, net: nn.Module) -> torch.Tensor:
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(net.parameters()))])


@pytest.mark.parametrize("uses", [1, 1000])
@pytest.mark.parametrize("weights", [(), WEIGHTS])
def test_gradients_norms_and_scores(weights: tuple[float, ...], uses: int) -> None:
    nets, _, stack = make(labels(weights))
    criterion = nn.CrossEntropyLoss(torch.tensor(weights) if weights else None)
    x, t = torch.randn(3, 7, 4), torch.randint(0, 3, (3, 7))
    losses, errors, counts = stack.gradients((x,), (t,), uses)
    for k, net in enumerate(nets):
        loss = criterion(net(x[k]), t[k])
        own = flat(loss, net)
        assert stack.rows.grad is not None
        assert torch.allclose(stack.rows.grad[k], own, atol=1e-6)
        assert stack.gradient_norms()[k].item() == pytest.approx(own.norm().item(), rel=1e-5)
        assert losses[k].item() == pytest.approx(loss.item(), rel=1e-5)
        assert errors[k].item() == (net(x[k]).argmax(1) != t[k]).sum().item()
        assert counts[k].item() == 7
    terms, wrong, counted = stack.measure((x[0],), (t[0],), uses)
    assert terms.shape == (3, 1)
    assert terms[1].item() == pytest.approx(criterion(nets[1](x[0]), t[0]).item(), rel=1e-5)
    assert wrong[1].item() == (nets[1](x[0]).argmax(1) != t[0]).sum().item()
    whole = torch.tensor(weights)[t[0]].sum().item() if weights else 7
    assert counted.tolist() == [pytest.approx([whole, 7])] * 3


@pytest.mark.parametrize("uses", [1, 1000])
def test_without_labels(uses: int) -> None:
    nets, _, stack = make(Reconstruction(Field((4,))), outputs=4)
    x = torch.randn(3, 7, 4)
    losses, errors, counts = stack.gradients((x,), (), uses)
    for k, net in enumerate(nets):
        loss = (net(x[k]) - x[k]).square().mean()
        assert stack.rows.grad is not None
        assert torch.allclose(stack.rows.grad[k], flat(loss, net), atol=1e-6)
        assert losses[k].item() == pytest.approx(loss.item(), rel=1e-5)
        assert errors[k].item() == pytest.approx(7 * loss.item(), rel=1e-5)
        assert counts[k].item() == 7


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
    nets, optimizers, _ = make()
    for net, optimizer in zip(nets, optimizers, strict=True):
        for parameter in net.parameters():
            parameter.grad = torch.randn_like(parameter)
        optimizer.step()
    before = [
        {n: v.clone() for n, v in optimizer.state[p].items()}
        for net, optimizer in zip(nets, optimizers, strict=True)
        for p in net.parameters()
    ]
    stack = Stack(nets, optimizers, labels(), lambda p: torch.optim.Adam(p, lr=0.1))
    for k, optimizer in enumerate(optimizers):
        optimizer.state.clear()
        stack.hand_back(k)
    after = [optimizer.state[p] for net, optimizer in zip(nets, optimizers, strict=True) for p in net.parameters()]
    for old, new in zip(before, after, strict=True):
        assert old.keys() == new.keys()
        assert all(torch.equal(old[name], new[name]) for name in old)
