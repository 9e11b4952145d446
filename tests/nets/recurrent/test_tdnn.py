from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from neurarium.checks import ConfigError
from neurarium.nets.recurrent.delay_specs import TDNNSpec
from neurarium.nets.recurrent.encoder import CausalEncoder, stepped
from neurarium.nets.recurrent.tapped_delay_line import TappedDelayLine
from neurarium.nets.recurrent.tdnn import TimeDelayLayer, tdnn

SETTINGS = [(3, 1, 0), (3, 2, 1), (4, 3, 3), (1, 1, 0), (2, 5, 0)]  # taps, dilation, taps ahead


@pytest.mark.parametrize(("taps", "dilation", "ahead"), SETTINGS)
def test_a_layer_is_a_dilated_convolution_over_time(taps: int, dilation: int, ahead: int) -> None:
    """Torch's, over what stands between zeros; and the sum over the taps, step by step."""
    layer = TimeDelayLayer(2, 3, taps, dilation, ahead, "tanh").double()
    x, span = torch.randn(2, 11, 2, dtype=torch.float64), (taps - 1) * dilation
    weight, bias = layer.convolution.weight, layer.convolution.bias
    wide = F.pad(x.transpose(1, 2), (span - ahead * dilation, ahead * dilation))
    expected = torch.tanh(F.conv1d(wide, weight, bias, dilation=dilation)).transpose(1, 2)
    torch.testing.assert_close(layer(x), expected)
    for t in range(11):
        seen = [t - (taps - 1 - ahead - k) * dilation for k in range(taps)]
        z = bias + sum(x[:, s] @ weight[:, :, k].t() for k, s in enumerate(seen) if 0 <= s < 11)
        torch.testing.assert_close(layer(x)[:, t], torch.tanh(z))


def test_a_layer_is_a_linear_map_of_a_tapped_delay_line() -> None:
    layer, x = TimeDelayLayer(2, 3, taps=4, activation="identity"), torch.randn(2, 9, 2)
    weight = layer.convolution.weight.permute(0, 2, 1).flatten(1)
    torch.testing.assert_close(layer(x), F.linear(TappedDelayLine(2, back=3)(x), weight, layer.convolution.bias))


def test_weights_are_those_of_the_taps() -> None:
    net = tdnn(12, (64, 32), (1, 4), taps=3)
    assert sum(p.numel() for p in net.parameters()) == (3 * 12 + 1) * 64 + (3 * 64 + 1) * 32
    assert net.features == 32


@pytest.mark.parametrize("ahead", [0, 1, 2])
def test_receptive_field(ahead: int) -> None:
    """An answer depends on sum (K-1-a) d steps back and sum a d ahead: all those and no others."""
    net = tdnn(1, (8, 8, 8), (1, 2, 4), taps=3, look_ahead=ahead, activation="tanh")
    x = torch.randn(1, 41, 1, requires_grad=True)
    net(x)[0, 20].sum().backward()
    seen = x.grad.flatten().nonzero().flatten()
    back, ahead_steps = (2 - ahead) * 7, ahead * 7
    assert seen.tolist() == list(range(20 - back, 20 + ahead_steps + 1))


def test_step_by_step_is_at_once_and_costs_the_same_always() -> None:
    net, x = tdnn(2, (4, 4), (1, 3)).double(), torch.randn(3, 20, 2, dtype=torch.float64)
    assert isinstance(net, CausalEncoder)
    torch.testing.assert_close(stepped(net, x), net(x), rtol=0, atol=1e-12)
    state = net.start(3, x)
    for x_t in x.unbind(1):
        _, state = net.step(x_t, state)
        assert [line.shape for (line,) in state] == [(3, 2, 2), (3, 6, 4)]


@pytest.mark.parametrize("ahead", [0, 1, 2])
def test_padding_changes_nothing_however_far_a_net_looks(ahead: int) -> None:
    spec = TDNNSpec(hidden=(5, 4), dilations=(1, 3), look_ahead=ahead, activation="tanh", pooling="max")
    net = spec.build(TDNNSpec.example()).double()
    lengths = torch.tensor([10, 3, 1])
    x = torch.randn(3, 10, 12, dtype=torch.float64, requires_grad=True)
    answers = net(x, lengths)
    for k, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(answers[k], net(x[k : k + 1, :length])[0], rtol=0, atol=1e-12)
    answers.square().sum().backward()
    assert x.grad[1, 3:].eq(0).all()
    features = net.encoder(x.detach().index_fill(1, torch.tensor([9]), 1e3), lengths)
    torch.testing.assert_close(features[1, :3], net.encoder(x.detach(), lengths)[1, :3], rtol=0, atol=0)


def test_a_net_that_looks_ahead_is_no_causal_encoder() -> None:
    net = TDNNSpec(look_ahead=1).build(TDNNSpec.example())
    assert not isinstance(net.encoder, CausalEncoder)
    with pytest.raises(ConfigError, match="CausalEncoder"):
        net.start(1)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"taps": 0}, "net.taps"),
        ({"look_ahead": 3}, r"net\.look_ahead: expected 0 to 2"),
        ({"look_ahead": -1}, r"net\.look_ahead"),
        ({"hidden": ()}, r"net\.hidden"),
        ({"dilations": (1, 0)}, r"net\.dilations: expected integers >= 1"),
        ({"dilations": (1,)}, r"net\.dilations: expected one a layer, 2"),
        ({"dropout": 1.0}, r"net\.dropout"),
        ({"activation": "rely"}, "relu"),
    ],
)
def test_bad_settings(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        replace(TDNNSpec(), **changes).build(TDNNSpec.example())


def test_bad_layers() -> None:
    with pytest.raises(ConfigError, match="taps"):
        TimeDelayLayer(1, 1, taps=2, look_ahead=2)
    with pytest.raises(ConfigError, match="dilations"):
        tdnn(1, (2, 2), (1,))
