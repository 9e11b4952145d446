"""Size of signals and error signals by depth: what the lecture claims of first weights, and the chain of laws."""

import math

import pytest
import torch
from torch import Tensor, nn

from neurarium.learning.trace import LayerTrace, trace
from neurarium.nets.convolutional.lenet import LeNet5
from neurarium.nets.feedforward.mlp import MLP


def deep(activation: str, initial: str, depth: int = 20, width: int = 300) -> MLP:
    torch.manual_seed(0)
    return MLP([width] * (depth + 1), activation=activation, init=initial)


def entries(net: nn.Module, inputs: Tensor | tuple[Tensor, ...]) -> dict[str, LayerTrace]:
    found = trace(net, inputs, jacobian_examples=0)
    return {entry.title.removeprefix("layers."): entry for entry in found.layers}


@pytest.mark.parametrize(
    ("activation", "initial", "scale", "factor"),
    [
        ("relu", "he", 1, 1), ("identity", "lecun", 1, 1), ("identity", "xavier", 1, 1),
        ("relu", "lecun", 1, 1 / math.sqrt(2)), ("identity", "uniform", 1, 1 / math.sqrt(3)),
        ("tanh", "normal", 1, 0.01 * math.sqrt(300)), ("relu", "he", 2, 2),
    ],
)  # fmt: skip
def test_signals_keep_their_size_under_the_scheme_and_else_vanish_or_explode(
    activation: str, initial: str, scale: float, factor: float
) -> None:
    net = deep(activation, initial)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(scale)
    found = trace(net, torch.randn(200, 300), jacobian_examples=0)
    first, *_, last = [entry for entry in found.layers if entry.kind == "Linear"]
    for ratio in (last.rms / first.rms, first.error_rms / last.error_rms):
        assert abs(math.log(ratio) - 19 * math.log(factor)) < math.log(2)
    assert (first.title in found.vanishing) == (factor**19 < 1e-3)
    assert (first.title in found.exploding) == (factor > 1)


@pytest.mark.parametrize(("activation", "initial"), [("relu", "he"), ("tanh", "lecun"), ("identity", "uniform")])
def test_laws_through_twenty_layers(activation: str, initial: str) -> None:
    """The laws of He (1, 2 in turn), of a linear net (3^-l), and of tanh by its own expectation, against the chain."""
    linear = [e for e in entries(deep(activation, initial), torch.randn(200, 300)).values() if e.kind == "Linear"]
    for depth, entry in enumerate(linear):
        # a layer's logarithm spreads with variance 5/n for ReLU, 2/n for linear units, less for tanh
        tolerance = 4 * math.sqrt((depth + 1) * (5 if activation == "relu" else 2) / 300)
        assert abs(2 * math.log(entry.rms / entry.expected)) < tolerance
        known = {"relu": math.log(2), "identity": -(depth + 1) * math.log(3)}
        if activation in known:
            assert 2 * math.log(entry.expected) == pytest.approx(known[activation], abs=0.2)
    assert linear[-1].error_expected is None
    for depth, entry in enumerate(linear[:-1]):
        assert abs(2 * math.log(entry.error_rms / entry.error_expected)) < 4 * math.sqrt((20 - depth) * 5 / 300)
        if activation == "identity":
            relative = entry.error_expected / linear[-1].error_rms
            assert 2 * math.log(relative) == pytest.approx(-(19 - depth) * math.log(3), abs=0.2)


def test_the_chain_stops_at_pooling_and_starts_again() -> None:
    torch.manual_seed(0)
    net, x = LeNet5(), torch.randn(50, 1, 28, 28)
    found = entries(net, x)
    assert found["s2"].expected is found["c1_relu"].expected is None  # a rectifier of maxima: not normal
    assert found["c3"].expected is not None
    assert found["c5_relu"].expected == pytest.approx(found["c5"].expected / math.sqrt(2), rel=1e-5)
    assert found["c1"].error_expected is found["s2"].error_expected is None  # through maxima, and a rectifier of them
    assert found["c5_relu"].error_expected is not None
    # along an axis of 28 with a margin of 2, the windows of 5 at either end lose 2 and 1: 134 of 140 are left
    weight = net.layers.c1.weight
    expected = 25 * weight.square().mean() * x.square().mean() * (134 / 140) ** 2
    assert found["c1"].expected == pytest.approx(expected.sqrt().item(), rel=1e-5)


class Residual(nn.Module):
    """x + f(x) between two linear layers: the chain breaks at the sum."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.branch, self.last = (nn.Linear(64, 64, bias=False) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        return self.last(h + self.branch(h))


def test_a_sum_outside_of_layers_breaks_the_chain() -> None:
    torch.manual_seed(0)
    net, x = Residual(), torch.randn(100, 64)
    found = entries(net, x)
    h = x @ net.first.weight.T
    h = h + h @ net.branch.weight.T
    expected = 64 * net.last.weight.square().mean() * h.square().mean()
    assert found["last"].expected == pytest.approx(expected.sqrt().item(), rel=1e-4)  # from the measured sum
    assert found["first"].error_expected is None  # used by the sum too
    assert found["branch"].error_expected is None


class Functional(nn.Module):
    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.first, self.last, self.inplace = nn.Linear(30, 48), nn.Linear(12, 5), inplace

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        if self.inplace:
            h.relu_()
        return self.last(h.view(-1, 12))


def test_views_hand_on_and_overwriting_breaks() -> None:
    torch.manual_seed(0)
    x = torch.randn(500, 30) * 3
    assert entries(Functional(inplace=False), x)["first"].error_expected is not None
    net = Functional(inplace=True)
    broken = entries(net, x)
    assert broken["first"].error_expected is None
    z = x @ net.first.weight.T + net.first.bias
    assert broken["first"].rms == pytest.approx(z.square().mean().sqrt().item(), rel=1e-5)
    halved = 12 * net.last.weight.square().mean() * z.relu().square().mean() + net.last.bias.square().mean()
    assert broken["last"].expected == pytest.approx(halved.sqrt().item(), rel=1e-4)


def test_a_layer_used_twice_has_two_entries_and_weights_may_be_parametrized() -> None:
    torch.manual_seed(0)
    shared = nn.utils.parametrizations.weight_norm(nn.Linear(16, 16))
    found = entries(nn.Sequential(shared, nn.Tanh(), shared), torch.randn(50, 16))
    assert list(found) == ["0, use 1", "1", "0, use 2"]
    assert all(entry.expected for entry in found.values())
    assert found["1"].error_expected


@pytest.mark.parametrize("training", [True, False])
def test_the_law_is_that_of_the_mode(training: bool) -> None:
    torch.manual_seed(0)
    linear, shrunk = nn.Linear(200, 400), nn.Linear(400, 300)
    net = nn.Sequential(linear, nn.BatchNorm1d(400), nn.ReLU(), nn.Dropout(0.4), shrunk, nn.ReLU())
    found = entries(net.train(training), 2 * torch.randn(400, 200))
    for entry in found.values():
        assert entry.rms == pytest.approx(entry.expected, rel=0.05)
        if entry.error_expected is not None:
            assert entry.error_rms == pytest.approx(entry.error_expected, rel=0.1)
    gain = 1 / math.sqrt(0.6) if training else 1.0
    assert found["3"].expected == pytest.approx(gain * found["2"].expected)
    assert found["1"].expected == pytest.approx(1 if training else found["0"].expected, rel=1e-4)


def test_whole_numbers_as_inputs() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Embedding(500, 64), nn.Flatten(), nn.Linear(128, 10))
    found = entries(net, torch.randint(0, 500, (100, 2)))
    assert found["0"].expected == pytest.approx(1, rel=0.02)
    assert found["0"].error_rms == pytest.approx(found["0"].error_expected, rel=0.1)


class Weighed(nn.Module):
    """Rows of a table, each times a number: two inputs, of which one is integers."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.inner, self.output = nn.Embedding(500, 64), nn.Linear(64, 64, bias=False), nn.Linear(64, 3)

    def forward(self, chosen: Tensor, factor: Tensor) -> Tensor:
        return self.output(self.inner(self.table(chosen)) * factor[:, None])


def test_several_inputs() -> None:
    torch.manual_seed(0)
    found = entries(Weighed(), (torch.randint(0, 500, (100,)), torch.randn(100)))
    assert list(found) == ["table", "inner", "output"]
    assert found["inner"].error_expected is None  # a product outside of layers breaks the chain
    assert found["table"].error_expected == pytest.approx(found["table"].error_rms, rel=0.1)
