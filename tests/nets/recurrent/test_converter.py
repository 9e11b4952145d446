import itertools

import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.recurrent.converter import from_state_dict, from_torch
from neurarium.nets.recurrent.encoder import CausalEncoder, stepped

MODULES = [
    *((kind, {}) for kind in (nn.LSTM, nn.GRU, nn.RNN)),
    (nn.RNN, {"nonlinearity": "relu"}),
    (nn.LSTM, {"proj_size": 2}),
]


@pytest.mark.parametrize(("layers", "both", "bias"), list(itertools.product((1, 3), (False, True), (True, False))))
@pytest.mark.parametrize(("kind", "settings"), MODULES)
def test_equals_torch_in_values_and_gradients(kind, settings, layers, both, bias) -> None:
    torch.manual_seed(0)
    peer = kind(3, 5, layers, bidirectional=both, bias=bias, batch_first=True, **settings).double()
    net = from_torch(peer)
    x = torch.randn(4, 7, 3, dtype=torch.float64, requires_grad=True)
    expected, found = peer(x)[0], net(x)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    weight = torch.randn_like(expected)
    names = [name for name, _ in peer.named_parameters()]
    wanted = torch.autograd.grad((expected * weight).sum(), [x, *peer.parameters()])
    (dx,) = torch.autograd.grad((found * weight).sum(), [x], retain_graph=True)
    torch.testing.assert_close(dx, wanted[0])
    (found * weight).sum().backward()
    of_ours = {name: p.grad for name, p in net.named_parameters()}
    for name, gradient in zip(names, wanted[1:], strict=True):
        torch.testing.assert_close(of_ours[ours(name, layers, both)], gradient)


def ours(name: str, layers: int, both: bool) -> str:
    stem, layer = name.removesuffix("_reverse").rsplit("_l", 1)
    place = f"layers.{layer}." if layers > 1 else ""
    side = ("backwards." if name.endswith("_reverse") else "forwards.") if both else ""
    return f"{place}{side}{stem}"


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_rows_of_different_length_equal_packed_sequences(kind) -> None:
    torch.manual_seed(0)
    peer = kind(3, 5, 2, bidirectional=True, batch_first=True).double()
    lengths, x = torch.tensor([7, 2, 5, 1]), torch.randn(4, 7, 3, dtype=torch.float64)
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    expected, _ = nn.utils.rnn.pad_packed_sequence(peer(packed)[0], batch_first=True)
    net = from_torch(peer)
    found = net(x, lengths)
    there = torch.arange(7) < lengths[:, None]
    torch.testing.assert_close(found[there], expected[there], rtol=0, atol=1e-12)
    last = net.last(found, lengths)
    torch.testing.assert_close(
        last[:, :5], torch.stack([row[n - 1, :5] for row, n in zip(found, lengths, strict=True)])
    )
    torch.testing.assert_close(last[:, 5:], found[:, 0, 5:])


def test_a_stack_reads_step_by_step() -> None:
    net = from_torch(nn.LSTM(3, 5, 3, proj_size=2))
    assert isinstance(net, CausalEncoder)
    x = torch.randn(4, 6, 3)
    torch.testing.assert_close(stepped(net, x), net(x))
    assert not isinstance(from_torch(nn.GRU(3, 5, bidirectional=True)), CausalEncoder)


def test_refuses_other_weights() -> None:
    with pytest.raises(ConfigError, match=r"expected torch\.nn\.RNN, LSTM or GRU, got Linear"):
        from_torch(nn.Linear(2, 2))
    with pytest.raises(ShapeError, match=r"expected weights named a\.weight_ih_l0 and so on, got weight_ih_l0"):
        from_state_dict(nn.GRU(3, 5).state_dict(), "gru", prefix="a.")
    with pytest.raises(ShapeError, match="weight_hh_l0"):
        from_state_dict(nn.GRU(3, 4).state_dict(), "lstm")
    with pytest.raises(ConfigError, match="kind"):
        from_state_dict(nn.GRU(3, 4).state_dict(), "rnn")
