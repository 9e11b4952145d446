import pytest
import torch

from neurarium.checks import ShapeError
from neurarium.nets.recurrent.elman import Elman
from neurarium.nets.recurrent.encoder import stepped
from neurarium.nets.recurrent.output_feedback import OutputFeedback


def made() -> OutputFeedback:
    torch.manual_seed(0)
    net = OutputFeedback(Elman(3, 4), 2).double()
    with torch.no_grad():
        for p in net.parameters():
            p.normal_()
    return net


def by_hand(net: OutputFeedback, x: torch.Tensor, taught: torch.Tensor | None) -> torch.Tensor:
    h, y, out, answers = net.cell(x), torch.zeros(len(x), 2, dtype=x.dtype), net.output, []
    for t in range(x.shape[1]):
        answers.append(torch.tanh(h[:, t] @ out.weight_ih.t() + y @ out.weight_hh.t() + out.bias_ih + out.bias_hh))
        y = answers[-1] if taught is None else taught[:, t]
    return torch.stack(answers, 1)


def test_free_running_and_teacher_forced() -> None:
    net, x, taught = made(), torch.randn(2, 5, 3).double(), torch.randn(2, 5, 2).double()
    for given in (None, taught):
        torch.testing.assert_close(net(x, taught=given), by_hand(net, x, given))
    torch.testing.assert_close(net(x), stepped(net, x))
    # forced with its own answers it says them again
    torch.testing.assert_close(net(x, taught=net(x)), net(x))


def test_refuses_another_shape() -> None:
    with pytest.raises(ShapeError, match="taught: expected shape"):
        made()(torch.zeros(2, 5, 3).double(), taught=torch.zeros(2, 4, 2).double())
