import copy
from collections import OrderedDict

import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError
from neurarium.learning.backprop.chain import chain_of
from neurarium.learning.backprop.translation import TRANSLATIONS, translate
from neurarium.nets.convolutional.lenet_1998 import LeNet1998
from neurarium.nets.feedforward.mlp import MLP
from neurarium.nets.parts.normalization.batch import BatchNorm

# a module of every kind that is understood, and an input for it
SAMPLES = [
    (nn.Linear(4, 3), (5, 4)),
    (nn.Linear(4, 3, bias=False), (5, 2, 4)),
    (nn.Conv1d(2, 3, 3, padding="same"), (5, 2, 8)),
    (nn.Conv1d(2, 4, 3, stride=2, padding="valid", groups=2), (5, 2, 8)),
    (nn.Conv2d(2, 3, (3, 2), stride=(1, 2), padding=(2, 0), dilation=2), (5, 2, 8, 7)),
    (nn.Embedding(6, 3), None),
    (nn.ReLU(), (5, 4)),
    (nn.Sigmoid(), (5, 4)),
    (nn.Tanh(), (5, 4)),
    (nn.LeakyReLU(0.2), (5, 4)),
    (nn.GELU(), (5, 4)),
    (nn.SiLU(), (5, 4)),
    (nn.Identity(), (5, 4)),
    (nn.Softmax(1), (5, 4, 2)),
    (nn.Dropout(0.0), (5, 4)),
    (nn.Flatten(), (5, 4, 2)),
    (nn.MaxPool1d(2), (5, 2, 8)),
    (nn.MaxPool2d(3, stride=2, padding=1), (5, 2, 8, 8)),
    (nn.AvgPool1d(2, padding=1), (5, 2, 8)),
    (nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), (5, 2, 8, 8)),
    (nn.LayerNorm(4), (5, 3, 4)),
    (nn.LayerNorm(4, elementwise_affine=False), (5, 4)),
    (nn.LayerNorm(4, bias=False, eps=0.1), (5, 4)),
    (nn.BatchNorm1d(4), (5, 4)),
    (nn.BatchNorm1d(4, momentum=None), (5, 4, 3)),
    (nn.BatchNorm2d(4, affine=False, momentum=0.3), (5, 4, 3, 2)),
    (nn.BatchNorm2d(4, track_running_stats=False), (5, 4, 3, 2)),
    (BatchNorm(4), (5, 4, 3)),
]


def test_the_samples_are_of_all_kinds() -> None:
    assert {type(module) for module, _ in SAMPLES} == set(TRANSLATIONS)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize(("module", "shape"), SAMPLES, ids=[repr(module) for module, _ in SAMPLES])
def test_every_layer_computes_and_differentiates_as_its_module(module, shape, training: bool) -> None:
    torch.manual_seed(0)
    module = copy.deepcopy(module).double().train(training)
    peer = copy.deepcopy(module)
    chain = chain_of(nn.Sequential(module))
    for _ in range(2):  # twice, so that running statistics are used after they moved
        x = torch.randint(0, 6, (5, 3)) if shape is None else torch.randn(shape, dtype=torch.float64)
        x_peer = x.clone() if shape is None else x.clone().requires_grad_()
        peer.zero_grad()
        expected = peer(x_peer)
        delta = torch.randn_like(expected)
        expected.backward(delta)
        torch.testing.assert_close(chain.forward(x), expected.detach())
        dx, gradients = chain.backward(delta, to_input=True)
        torch.testing.assert_close(dx, x_peer.grad)
        assert gradients.keys() == {f"0.{name}" for name, _ in peer.named_parameters()}
        for name, parameter in peer.named_parameters():
            torch.testing.assert_close(gradients[f"0.{name}"], parameter.grad)
        for ours, theirs in zip(module.buffers(), peer.buffers(), strict=True):
            torch.testing.assert_close(ours, theirs)


REFUSED = [
    (nn.Conv2d(1, 1, 3, padding_mode="circular"), "padding_mode"),
    (nn.Conv2d(1, 1, 2, padding="same"), "padding"),
    (nn.Embedding(3, 2, max_norm=1.0), "max_norm"),
    (nn.MaxPool2d(2, ceil_mode=True), "ceil_mode"),
    (nn.MaxPool2d(2, dilation=2), "dilation"),
    (nn.AvgPool2d(2, divisor_override=3), "divisor_override"),
    (nn.LayerNorm((3, 4)), "normalized_shape"),
    (nn.GELU("tanh"), "approximate"),
    (nn.Softmax(), "dim"),
    (nn.GRU(2, 3), "one of Linear, "),
    (nn.Bilinear(2, 3, 4), "one of Linear, "),
]


@pytest.mark.parametrize(("module", "says"), REFUSED, ids=[repr(module) for module, _ in REFUSED])
def test_what_has_no_rule_is_refused_by_name(module, says: str) -> None:
    with pytest.raises(ConfigError, match=r"^layer block\.1: expected") as refused:
        translate(nn.Sequential(OrderedDict(block=nn.Sequential(nn.ReLU(), module))))
    assert says in str(refused.value)
    assert type(module).__name__ in str(refused.value)


def test_a_subclass_may_compute_something_else() -> None:
    class Twice(nn.ReLU):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(input)

    with pytest.raises(ConfigError, match="got Twice"):
        translate(Twice())


def test_other_nets_of_the_library_are_named_with_their_layer() -> None:
    with pytest.raises(ConfigError, match=r"net: expected one of Linear, .*MLP, LeNet5., got LeNet1998"):
        translate(LeNet1998())
    with pytest.raises(ConfigError, match=r"layers\.linear1"):
        translate(MLP((4, 3, 2), norm="weight"))


def test_names_are_those_of_the_module() -> None:
    net = MLP((4, 3, 2))
    names = {name for layer in translate(net) for name, tensor in layer.parameters if tensor is not None}
    assert names == {name for name, _ in net.named_parameters()}
