import copy
import math

import pytest
import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.learning.variance import variances
from neurarium.nets.convolutional.lenet import LeNet5
from neurarium.nets.feedforward.mlp import MLP


def deep(activation: str, initial: str, depth: int = 20, width: int = 300) -> MLP:
    torch.manual_seed(0)
    return MLP([width] * (depth + 1), activation=activation, init=initial)


def test_measured_numbers_are_those_of_the_tensors() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4))
    x = torch.randn(9, 6) + 1
    rows = variances(net, x)
    z = x @ net[0].weight.T + net[0].bias
    a = torch.tanh(z)
    y = a @ net[2].weight.T + net[2].bias
    assert [(row.name, row.kind) for row in rows] == [("0", "Linear"), ("1", "Tanh"), ("2", "Linear")]
    for row, out, into in zip(rows, (z, a, y), (x, z, a), strict=True):
        assert row.mean_square == pytest.approx(out.square().mean().item(), rel=1e-5)
        assert row.variance == pytest.approx(out.var(correction=0).item(), rel=1e-5)
        assert row.ratio == pytest.approx((out.square().mean() / into.square().mean()).item(), rel=1e-5)
    error = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    delta_a = error @ net[2].weight
    delta_z = delta_a * (1 - a.square())
    for row, delta in zip(rows, (delta_z, delta_a, error), strict=True):
        assert row.error_signal == pytest.approx(delta.square().mean().item(), rel=1e-5)


@pytest.mark.parametrize(("activation", "initial"), [("relu", "he"), ("tanh", "lecun"), ("identity", "uniform")])
def test_theory_through_twenty_layers(activation: str, initial: str) -> None:
    """The laws of He (1, 2 in turn), of a linear net (3^-l), and of tanh by its own expectation, against the chain."""
    rows = variances(deep(activation, initial), torch.randn(200, 300))
    linear = [row for row in rows if row.kind == "Linear"]
    for depth, row in enumerate(linear):
        # a layer's logarithm spreads with variance 5/n for ReLU, 2/n for linear units, less for tanh
        tolerance = 4 * math.sqrt((depth + 1) * (5 if activation == "relu" else 2) / 300)
        assert row.theory is not None
        assert abs(math.log(row.mean_square / row.theory)) < tolerance
        known = {"relu": math.log(2), "identity": -(depth + 1) * math.log(3)}
        if activation in known:
            assert math.log(row.theory) == pytest.approx(known[activation], abs=0.2)
        if row is not linear[-1]:
            assert row.error_theory is not None
            assert abs(math.log(row.error_signal / row.error_theory)) < 4 * math.sqrt((20 - depth) * 5 / 300)
            if activation == "identity":
                assert math.log(row.error_theory) == pytest.approx(-(19 - depth) * math.log(3), abs=0.2)


def test_theory_stops_at_pooling_and_starts_again() -> None:
    torch.manual_seed(0)
    net, x = LeNet5(), torch.randn(50, 1, 28, 28)
    rows = {row.name.removeprefix("layers."): row for row in variances(net, x)}
    assert rows["c1"].theory is not None
    assert rows["s2"].theory is rows["c1_relu"].theory is None  # a rectifier of maxima: not normal
    assert rows["c3"].theory is not None
    assert rows["c5_relu"].theory == pytest.approx(rows["c5"].theory / 2, rel=1e-5)
    assert rows["c1"].error_theory is rows["s2"].error_theory is None  # through maxima, and a rectifier of them
    assert rows["c5_relu"].error_theory is not None
    # along an axis of 28 with a margin of 2, the windows of 5 at either end lose 2 and 1: 134 of 140 are left
    weight = net.layers.c1.weight
    expected = 25 * weight.square().mean() * x.square().mean() * (134 / 140) ** 2
    assert rows["c1"].theory == pytest.approx(expected.item(), rel=1e-5)


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
    net = Residual()
    x = torch.randn(100, 64)
    rows = {row.name: row for row in variances(net, x)}
    h = x @ net.first.weight.T
    h = h + h @ net.branch.weight.T
    expected = 64 * net.last.weight.square().mean().item() * h.square().mean().item()
    assert rows["last"].theory == pytest.approx(expected, rel=1e-4)  # from the measured sum
    assert rows["first"].error_theory is None  # used by the sum too
    assert rows["branch"].error_theory is None


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
    kept = {row.name: row for row in variances(Functional(inplace=False), x)}
    assert kept["first"].error_theory is not None
    net = Functional(inplace=True)
    broken = {row.name: row for row in variances(net, x)}
    assert broken["first"].error_theory is None
    z = x @ net.first.weight.T + net.first.bias
    assert broken["first"].mean_square == pytest.approx(z.square().mean().item(), rel=1e-5)
    halved = 12 * net.last.weight.square().mean() * z.relu().square().mean() + net.last.bias.square().mean()
    assert broken["last"].theory == pytest.approx(halved.item(), rel=1e-4)


def test_layers_that_work_in_place_change_nothing() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 10))
    over = copy.deepcopy(plain)
    over[1] = nn.ReLU(inplace=True)
    x = torch.randn(40, 20)
    assert variances(over, x) == variances(plain, x)


def test_a_layer_used_twice_has_two_rows_and_weights_may_be_parametrised() -> None:
    torch.manual_seed(0)
    shared = nn.utils.parametrizations.weight_norm(nn.Linear(16, 16))
    rows = variances(nn.Sequential(shared, nn.Tanh(), shared), torch.randn(50, 16))
    assert [row.name for row in rows] == ["0", "1", "0"]
    assert all(row.theory is not None for row in rows)


def test_whole_numbers_as_inputs() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Embedding(500, 64), nn.Flatten(), nn.Linear(128, 10))
    rows = variances(net, torch.randint(0, 500, (100, 2)))
    assert rows[0].ratio is None
    assert rows[0].theory == pytest.approx(1, rel=0.02)
    assert rows[0].error_signal == pytest.approx(rows[0].error_theory, rel=0.2)


class Weighed(nn.Module):
    """Rows of a table, each times a number: two inputs, of which one is integers."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.inner, self.output = nn.Embedding(500, 64), nn.Linear(64, 64, bias=False), nn.Linear(64, 3)

    def forward(self, chosen: Tensor, factor: Tensor) -> Tensor:
        return self.output(self.inner(self.table(chosen)) * factor[:, None])


def test_several_inputs() -> None:
    torch.manual_seed(0)
    net, chosen, factor = Weighed(), torch.randint(0, 500, (100,)), torch.randn(100)
    rows = {row.name: row for row in variances(net, (chosen, factor))}
    assert list(rows) == ["table", "inner", "output"]
    error = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))
    signal = error @ net.output.weight * factor[:, None]
    assert rows["inner"].error_signal == pytest.approx(signal.square().mean().item(), rel=1e-5)
    assert rows["table"].error_signal == pytest.approx((signal @ net.inner.weight).square().mean().item(), rel=1e-5)
    assert rows["inner"].error_theory is None  # a product outside of layers breaks the chain


def test_the_net_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.ReLU(inplace=True), nn.Linear(8, 2))
    net[1].eval()
    net[0].weight.grad = torch.ones(8, 8)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    x, state = torch.randn(5, 8), torch.get_rng_state()
    kept = x.clone()
    assert variances(net, x) == variances(net, x)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert torch.equal(net[0].weight.grad, torch.ones(8, 8))
    assert net[4].weight.grad is None
    assert [module.training for module in net] == [True, False, True, True, True]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(x, kept)
    assert not x.requires_grad


def test_a_net_without_gradients_has_its_forward_half() -> None:
    class Sign(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.detach().sign()

    rows = variances(nn.Sequential(nn.Linear(4, 3), Sign()), torch.randn(5, 4))
    assert rows[1].mean_square == 1
    assert all(row.error_signal is None for row in rows)


def test_refuses() -> None:
    with pytest.raises(ShapeError, match="inputs"):
        variances(nn.Linear(3, 2), torch.zeros(0, 3))
    with pytest.raises(ShapeError, match="no tensor"):
        variances(nn.Linear(3, 2), ())
    with pytest.raises(ConfigError, match="net"):
        variances(nn.LSTM(3, 2), torch.zeros(4, 5, 3))
