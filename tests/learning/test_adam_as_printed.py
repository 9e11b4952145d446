import math

import pytest
import torch

from neurarium.learning.adam_as_printed import AdamAsPrinted, adam_as_printed_step_


def parameter(*values: float) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.tensor(values, dtype=torch.float64))


def test_first_step_is_3_16_times_adams() -> None:
    # (1 - .9) / sqrt(1 - .999) against 1: errata E41
    ours, peer = parameter(1.0, -20.0), parameter(1.0, -20.0)
    optimizers = AdamAsPrinted([ours], lr=0.01), torch.optim.Adam([peer], lr=0.01)
    for w, optimizer in zip((ours, peer), optimizers, strict=True):
        w.grad = torch.tensor([3.0, -0.5], dtype=torch.float64)
        optimizer.step()
    start = torch.tensor([1.0, -20.0], dtype=torch.float64)
    ratio = (ours.detach() - start) / (peer.detach() - start)
    assert ratio.tolist() == pytest.approx([0.1 / math.sqrt(0.001)] * 2, rel=1e-4)
    assert ratio[0].item() == pytest.approx(3.1623, abs=1e-3)


def test_eps_stands_inside_the_root() -> None:
    # M = 1/2 * 3, V = 1/4 * 9, eps = 2: 1.5 / sqrt(4.25), where eps outside would give 1.5 / 3.5
    w = parameter(0.0)
    optimizer = AdamAsPrinted([w], lr=1.0, betas=(0.5, 0.75), eps=2.0)
    w.grad = torch.tensor([3.0], dtype=torch.float64)
    optimizer.step()
    assert w.item() == pytest.approx(-1.5 / math.sqrt(4.25))


def test_all_tensors_of_a_list_take_the_step_each_from_its_own_memory() -> None:
    shapes, generator = [(2, 3), (4,), ()], torch.Generator().manual_seed(0)
    weights, gradients = ([torch.randn(s, generator=generator) for s in shapes] for _ in range(2))
    means, squares = ([torch.rand(s, generator=generator) for s in shapes] for _ in range(2))
    expected = [
        w - 0.1 * (0.9 * m + 0.1 * g) / (0.99 * v + 0.01 * g * g + 1e-3).sqrt()
        for w, g, m, v in zip(weights, gradients, means, squares, strict=True)
    ]
    adam_as_printed_step_(weights, gradients, means, squares, 0.1, (0.9, 0.99), 1e-3)
    torch.testing.assert_close(weights, expected)


def test_weights_without_gradient_stay_and_closure_is_called() -> None:
    w, idle = parameter(1.0), parameter(5.0)
    optimizer = AdamAsPrinted([w, idle], lr=0.1)

    def closure() -> float:
        optimizer.zero_grad()
        loss = w.square().sum()
        loss.backward()
        return loss.item()

    assert optimizer.step(closure) == 1.0
    assert w.item() == pytest.approx(1 - 0.1 * 0.2 / math.sqrt(0.004 + 1e-8))
    assert idle.item() == 5.0
    assert idle not in optimizer.state


def test_state_goes_on_bit_for_bit() -> None:
    def descend(w: torch.nn.Parameter, optimizer: AdamAsPrinted, steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            w.pow(4).sum().backward()
            optimizer.step()

    whole, cut = parameter(1.0, -2.0), parameter(1.0, -2.0)
    descend(whole, AdamAsPrinted([whole], lr=0.1), 6)
    first = AdamAsPrinted([cut], lr=0.1)
    descend(cut, first, 3)
    second = AdamAsPrinted([cut], lr=0.1)
    second.load_state_dict(first.state_dict())
    descend(cut, second, 3)
    assert torch.equal(whole, cut)
