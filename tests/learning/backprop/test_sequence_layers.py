import copy
from dataclasses import replace

import pytest
import torch

from neurarium.checks import ConfigError
from neurarium.learning.backprop.chain import chain_of
from neurarium.learning.backprop.convolution import convolution_forward
from neurarium.learning.backprop.linear import linear_forward
from neurarium.learning.backprop.time_delay import time_delay_forward
from neurarium.nets.recurrent.delay_specs import FSMNSpec, TDNNSpec
from neurarium.nets.recurrent.tdnn import TimeDelayLayer
from neurarium.record.schema import Field, Schema

LENGTHS = torch.tensor([9, 4, 1])
TOKENS = Schema({"tokens": Field((None,), tuple("abcdef"), axis="tokens")}, {"y": Field((), ("0", "1"))})


def check(spec: TDNNSpec, schema: Schema, x: torch.Tensor, lengths: torch.Tensor | None) -> None:
    """Outputs and gradients of the chain are those of autograd."""
    torch.manual_seed(1)
    net = spec.build(schema).double()
    peer = copy.deepcopy(net)
    chain = chain_of(net)
    torch.manual_seed(2)
    y = chain.forward(x, lengths)
    torch.manual_seed(2)
    expected = peer(x, lengths)
    torch.testing.assert_close(y, expected.detach(), rtol=0, atol=1e-12)
    delta = torch.randn_like(y)
    expected.backward(delta)
    _, gradients = chain.backward(delta)
    assert gradients.keys() == dict(peer.named_parameters()).keys()
    for name, parameter in peer.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=0, atol=1e-10)


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
@pytest.mark.parametrize("look_ahead", [0, 1, 2])
def test_a_net_of_series_has_the_gradients_of_autograd(pooling, look_ahead: int) -> None:
    spec = TDNNSpec(hidden=(5, 4, 3), dilations=(1, 2, 3), look_ahead=look_ahead, pooling=pooling, activation="tanh")
    x = torch.randn(3, 9, 12, dtype=torch.float64)
    check(spec, spec.example(), x, LENGTHS)
    check(replace(spec, dropout=0.4), spec.example(), x, None)


def test_a_net_of_tokens_too() -> None:
    check(
        TDNNSpec(hidden=(5,), dilations=(2,), look_ahead=1, embedding_dim=3),
        TOKENS,
        torch.arange(27).view(3, 9) % 6,
        LENGTHS,
    )


def test_a_time_delay_layer_is_delays_and_linear_maps(draw) -> None:
    """The rules of z^-1 and of W x add up to the convolution's."""
    layer, x = TimeDelayLayer(2, 3, taps=3, dilation=2, activation="identity").double(), draw(2, 7, 2)
    weight, bias = layer.convolution.weight, layer.convolution.bias
    y = bias + sum(linear_forward(time_delay_forward(x, 4 - 2 * k)[0], weight[:, :, k])[0] for k in range(3))
    torch.testing.assert_close(chain_of(layer).forward(x), y)
    assert convolution_forward(x.transpose(1, 2), weight, bias, dilation=2)[0].shape == (2, 3, 3)


def test_encoders_without_rules_are_named() -> None:
    net = FSMNSpec().build(FSMNSpec.example())
    with pytest.raises(ConfigError, match=r"layer encoder\.layers\.0: .* got FSMNLayer"):
        chain_of(net)
    each = Schema(TDNNSpec.example().inputs, {"y": Field((None,), ("0", "1"), axis="time")})
    with pytest.raises(ConfigError, match="pooling"):
        chain_of(TDNNSpec().build(each))
