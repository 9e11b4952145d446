import torch
from torch import nn

from neurarium.learning.backprop.lstm import lstm_backward, lstm_forward


def test_finite_differences_through_states_and_last_cell(draw, gradcheck) -> None:
    gradcheck(
        lstm_forward,
        lambda delta, delta_cell, cache: lstm_backward(delta, cache, delta_cell),
        *(draw(2, 4, 3), draw(2, 2), draw(2, 2), draw(8, 3), draw(8, 2), draw(8)),
    )


def test_equality_with_torch_over_a_sequence(draw) -> None:
    peer = nn.LSTM(3, 5, batch_first=True).double()
    x, h0, c0 = (t.requires_grad_() for t in (draw(4, 11, 3), draw(1, 4, 5), draw(1, 4, 5)))
    delta, delta_cell = draw(4, 11, 5), draw(1, 4, 5)
    expected, (_, last) = peer(x, (h0, c0))
    torch.autograd.backward([expected, last], [delta, delta_cell])
    with torch.no_grad():
        bias = peer.bias_ih_l0 + peer.bias_hh_l0
        (hidden, cell), cache = lstm_forward(x, h0[0], c0[0], peer.weight_ih_l0, peer.weight_hh_l0, bias)
        gradients = lstm_backward(delta, cache, delta_cell[0])
    torch.testing.assert_close(hidden, expected.detach())
    torch.testing.assert_close(cell, last[0].detach())
    weights = (peer.weight_ih_l0.grad, peer.weight_hh_l0.grad, peer.bias_ih_l0.grad)
    for ours, theirs in zip(gradients, (x.grad, h0.grad[0], c0.grad[0], *weights), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_an_open_forget_gate_carries_the_signal_through_time() -> None:
    # no weights; forget gates open (bias 50), output gates half open, nothing comes in
    hidden_size = torch.zeros(1, 1, dtype=torch.float64)
    bias = torch.tensor([-50.0, 50.0, 0.0, 0.0], dtype=torch.float64)
    zero = torch.zeros(4, 1, dtype=torch.float64)
    _, cache = lstm_forward(torch.zeros(1, 200, 1, dtype=torch.float64), hidden_size, hidden_size, zero, zero, bias)
    delta = torch.zeros(1, 200, 1, dtype=torch.float64)
    delta[:, -1] = 1
    dc0 = lstm_backward(delta, cache)[2]
    torch.testing.assert_close(dc0, torch.full((1, 1), 0.5, dtype=torch.float64))
