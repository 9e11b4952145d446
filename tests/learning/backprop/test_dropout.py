import torch
from torch.nn import functional as F

from neurarium.learning.backprop.dropout import dropout_backward, dropout_forward


def test_the_gates_are_those_of_torch_and_the_signal_passes_the_same_ones() -> None:
    x, delta = torch.randn(50, 40).requires_grad_(), torch.randn(50, 40)
    torch.manual_seed(3)
    expected = F.dropout(x, 0.3)
    expected.backward(delta)
    torch.manual_seed(3)
    y, mask = dropout_forward(x.detach(), 0.3)
    assert torch.equal(y, expected.detach())
    assert torch.equal(dropout_backward(delta, mask), x.grad)


def test_finite_differences_behind_fixed_gates(draw, gradcheck) -> None:
    def forward(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        torch.manual_seed(0)
        return dropout_forward(x, 0.5)

    gradcheck(forward, dropout_backward, draw(4, 3))


def test_everything_dropped_is_zero_not_undefined() -> None:
    y, mask = dropout_forward(torch.ones(5), 1.0)
    assert y.tolist() == mask.tolist() == [0] * 5
