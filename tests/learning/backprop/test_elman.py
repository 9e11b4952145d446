import torch
from torch import nn

from neurarium.learning.backprop.elman import elman_backward, elman_forward


def test_finite_differences(draw, gradcheck) -> None:
    gradcheck(elman_forward, elman_backward, draw(2, 4, 3), draw(2, 5), draw(5, 3), draw(5, 5), draw(5))


def test_equality_with_torch_over_a_sequence(draw) -> None:
    peer = nn.RNN(3, 5, batch_first=True).double()
    x, h0, delta = draw(4, 11, 3).requires_grad_(), draw(1, 4, 5).requires_grad_(), draw(4, 11, 5)
    expected, _ = peer(x, h0)
    expected.backward(delta)
    with torch.no_grad():
        bias = peer.bias_ih_l0 + peer.bias_hh_l0
        states, cache = elman_forward(x, h0[0], peer.weight_ih_l0, peer.weight_hh_l0, bias)
        gradients = elman_backward(delta, cache)
    torch.testing.assert_close(states, expected.detach())
    theirs = (x.grad, h0.grad[0], peer.weight_ih_l0.grad, peer.weight_hh_l0.grad, peer.bias_hh_l0.grad)
    for ours, peers in zip(gradients, theirs, strict=True):
        torch.testing.assert_close(ours, peers, rtol=1e-10, atol=1e-10)


def test_an_error_signal_shrinks_with_the_recurrent_weight() -> None:
    zero, half = torch.zeros(1, 1, dtype=torch.float64), torch.full((1, 1), 0.5, dtype=torch.float64)
    states, cache = elman_forward(torch.zeros(1, 9, 1, dtype=torch.float64), zero, half, half, zero[0])
    delta = torch.zeros_like(states)
    delta[:, -1] = 1
    dx = elman_backward(delta, cache)[0].flatten()
    torch.testing.assert_close(dx.flip(0), 0.5 ** torch.arange(1.0, 10.0, dtype=torch.float64))
