"""Whole traces: against backward passes by hand, on nets of every make, and with the net left as it was."""

import copy
import json
import math

import pytest
import torch
from torch import nn
from torch.autograd.functional import jacobian
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.data.batch import Batch
from neurarium.learning.loss import Loss
from neurarium.learning.trace import Trace, trace
from neurarium.nets.convolutional.lenet import LeNet5
from neurarium.nets.feedforward.mlp import MLP
from neurarium.record.schema import Field

DOUBLE = torch.float64


def draw(*shape):
    return torch.randn(*shape, dtype=DOUBLE, generator=torch.Generator().manual_seed(3))


class Recurrent(nn.Module):
    """The last hidden state of an LSTM, batch second as torch has it."""

    def __init__(self):
        super().__init__()
        self.memory, self.output = nn.LSTM(5, 6, num_layers=2, dropout=0.3), nn.Linear(6, 3)

    def forward(self, x):
        return self.output(self.memory(x)[1][0][-1])


class Unrolled(nn.Module):
    """One cell used at every time step."""

    def __init__(self):
        super().__init__()
        self.cell = nn.RNNCell(4, 4, bias=False)

    def forward(self, x):
        hidden = torch.zeros(len(x), 4, dtype=x.dtype)
        for step in range(x.shape[1]):
            hidden = self.cell(x[:, step], hidden)
        return hidden


class ByHand(nn.Module):
    """Nothing but a parameter and functions."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, dtype=DOUBLE))

    def forward(self, x):
        return F.relu(x @ self.weight)


def two_layers():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()


def test_error_signals_and_gradients_by_hand():
    net, x, t = two_layers(), draw(5, 4), torch.tensor([0, 1, 2, 1, 0])
    w1, b1, w2, b2 = (p.detach().numpy() for p in net.parameters())
    a = x.numpy() @ w1.T + b1
    h = torch.from_numpy(a).tanh().numpy()
    logits = torch.from_numpy(h @ w2.T + b2)
    d2 = ((logits.softmax(1) - F.one_hot(t, 3)) / 5).numpy()
    dh = d2 @ w2
    d1 = dh * (1 - h**2)
    found = trace(net, x, t, learning_rate=0.5)
    for entry, delta in zip(found.layers, (d1, dh, d2), strict=True):
        assert entry.error_norm == pytest.approx((delta**2).sum() ** 0.5, rel=1e-6)
        assert entry.error_rms == pytest.approx((delta**2).mean() ** 0.5, rel=1e-6)
    gradient = ((d1.T @ x.numpy()) ** 2).sum() + (d1.sum(0) ** 2).sum()
    weight = (w1**2).sum() + (b1**2).sum()
    assert found["0"].gradient_norm == pytest.approx(gradient**0.5, rel=1e-6)
    assert found["0"].weight_norm == pytest.approx(weight**0.5, rel=1e-6)
    assert found["0"].update_ratio == pytest.approx(0.5 * (gradient / weight) ** 0.5, rel=1e-6)
    assert found["1"].factor == pytest.approx(((dh**2).mean() / (d2**2).mean()) ** 0.5, rel=1e-6)
    assert found.factor == pytest.approx(((d1**2).mean() / (d2**2).mean()) ** 0.5, rel=1e-6)
    assert found.loss == pytest.approx(float(F.cross_entropy(logits, t)))
    assert found["0"].mean == pytest.approx(a.mean())
    assert found["0"].deviation == pytest.approx(a.std())


@pytest.mark.parametrize("training", [True, False])
def test_jacobians_of_layers_are_those_of_their_functions(training):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5),
        nn.Linear(27, 18), nn.LayerNorm(18), nn.Softmax(1),
    ).double().train(training)  # fmt: skip
    x = draw(4, 1, 8, 8)
    found = trace(net, x, jacobian_examples=4, iterations=12)
    before = [x]
    for layer in copy.deepcopy(net):
        before.append(layer.eval()(before[-1]) if isinstance(layer, nn.Dropout) else layer(before[-1].clone()).detach())
    # batch normalization in training (place 1) bears no single example; behind an active dropout inputs are others
    for place in (0, 2, 3, 6) if training else (0, 2, 3, 6, 7, 8):
        full = torch.stack(
            [jacobian(lambda row, l=place: net[l](row.clone()), r[None]).reshape(-1, r.numel()) for r in before[place]]
        )
        expected = torch.linalg.svdvals(full)[:, :3].mean(0).tolist()
        assert found.layers[place].singular_values == pytest.approx(expected, rel=1e-3), found.layers[place]
        norm = float(full.square().sum((1, 2)).mean().sqrt())
        assert found.layers[place].jacobian_norm == pytest.approx(norm, rel=0.25)
    variance = before[1].var((0, 2, 3), correction=0) if training else torch.ones(3)
    scale = (net[1].weight.detach() / (variance + net[1].eps).sqrt()).abs()
    assert found.layers[1].singular_values[0] == pytest.approx(float(scale.max()))
    assert found.layers[1].jacobian_norm == pytest.approx(float(scale.square().sum() * 36) ** 0.5)
    assert found.layers[4].singular_values == found.layers[5].singular_values == (1, 1, 1)


@pytest.mark.parametrize("weights", [True, False])
def test_self_attention_is_a_function_of_one_input(weights):
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(6, 2, batch_first=True).double()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = attention

        def forward(self, x):
            mask = torch.full((5, 5), -torch.inf, dtype=DOUBLE).triu(1)
            return self.inner(x, x, x, need_weights=weights, attn_mask=mask)[0]

    net, x = Net(), draw(5, 5, 6)  # as many examples as places: the mask must not be cut
    found = trace(net, x, jacobian_examples=5, iterations=15)
    full = torch.stack([jacobian(net, row[None]).reshape(30, 30) for row in x])
    assert [entry.kind for entry in found.layers] == ["MultiheadAttention"]
    assert found["inner"].parameters == sum(p.numel() for p in attention.parameters())
    expected = torch.linalg.svdvals(full)[:, :3].mean(0).tolist()
    assert found["inner"].singular_values == pytest.approx(expected, rel=1e-4)


def test_a_sigmoid_net_of_thirty_layers_vanishes_by_a_quarter_a_layer():
    # W orthogonal, and biases that keep every net input near 0, where the derivative is 1/4: each layer multiplies
    # the error signal by sigma(W) / 4 exactly
    layers = []
    for seed in range(30):
        torch.manual_seed(seed)
        linear = nn.Linear(16, 16)
        nn.init.orthogonal_(linear.weight)
        with torch.no_grad():
            linear.bias.copy_(-linear.weight.sum(1) / 2)
        layers += [linear, nn.Sigmoid()]
    net = nn.Sequential(*layers).double()
    found = trace(net, 0.5 + 0.01 * draw(8, 16))
    assert found.factor == pytest.approx(0.25, rel=1e-3)
    assert found.layers[0].error_rms / found.layers[-1].error_rms == pytest.approx(0.25**30, rel=0.01)
    # (1/4)^5 = 1/1024 is reached at the net input of the fifth layer from the end: entry 50 of 0 to 59
    assert found.vanishing == tuple(str(place) for place in range(51))
    assert found.exploding == ()
    assert found["31"].singular_values == pytest.approx((0.25, 0.25, 0.25), rel=1e-3)
    assert found["30"].singular_values == pytest.approx((1, 1, 1))


def test_a_badly_scaled_linear_net_explodes():
    net = nn.Sequential(*(nn.Linear(12, 12, bias=False) for _ in range(6)))
    for layer in net:
        nn.init.orthogonal_(layer.weight, gain=10)
    found = trace(net, torch.randn(8, 12))
    assert found.factor == pytest.approx(10, rel=1e-4)
    assert found.exploding[:2] == ("0", "1")  # 10^5 and 10^4 times the last
    assert "3" not in found.exploding
    assert found.vanishing == ()


def test_a_layer_used_many_times_has_an_entry_for_each_use():
    net = Unrolled().double()
    found = trace(net, draw(3, 7, 4))
    assert [entry.title for entry in found.layers] == [f"cell, use {n}" for n in range(1, 8)]
    assert len({entry.error_rms for entry in found.layers}) == 7
    assert len({entry.gradient_norm for entry in found.layers}) == 1
    assert found["cell"] is found.layers[0]
    assert found["cell, use 3"] is found.layers[2]
    with pytest.raises(ConfigError, match="did you mean"):
        found["cel"]


def test_a_net_of_functions_is_one_layer():
    net = ByHand()
    found = trace(net, draw(6, 4))
    assert [(entry.title, entry.kind, entry.output_shape) for entry in found.layers] == [("(net)", "ByHand", (3,))]


NETS = {
    "mlp": (lambda: MLP((12, 8, 3), activation="sigmoid", dropout=0.2), (6, 12), 0),
    "lenet5": (LeNet5, (4, 1, 28, 28), 0),
    "lstm": (Recurrent, (7, 4, 5), 1),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (4, 5, 8), 0),
    "transformer, batch second": (lambda: nn.TransformerEncoderLayer(8, 2, 16), (5, 4, 8), 1),
    "batch norm": (lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Dropout(), nn.Linear(5, 2)), (8, 4), 0),
    "fixed beginning": (
        lambda: nn.Sequential(nn.Linear(4, 5).requires_grad_(False), nn.ReLU(True), nn.Linear(5, 2)), (8, 4), 0,
    ),
    "flat first, then in place": (lambda: nn.Sequential(nn.Flatten(), nn.ReLU(True), nn.Linear(6, 2)), (8, 2, 3), 0),
    "weight norm": (lambda: nn.Sequential(weight_norm(nn.Linear(4, 5)), nn.Linear(5, 2)), (8, 4), 0),
    "spectral norm": (lambda: nn.Sequential(spectral_norm(nn.Linear(4, 5))), (8, 4), 0),
}  # fmt: skip


@pytest.fixture(params=NETS)
def any_net(request):
    make, shape, axis = NETS[request.param]
    torch.manual_seed(0)
    return make(), torch.randn(shape), axis


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("fails", [False, True])
def test_the_net_is_left_as_it_was(any_net, training, fails):
    net, x, axis = any_net
    net.train(training)
    for p in net.parameters():
        p.grad = torch.full_like(p, 0.5)
    before = copy.deepcopy(net)
    buffers = [id(b) for b in net.buffers()]
    torch.manual_seed(11)
    state = torch.get_rng_state()

    def loss(outputs, targets):
        if fails:
            raise KeyError("on purpose")
        return outputs.square().mean()

    if fails:
        with pytest.raises(KeyError):
            trace(net, x, x, loss, batch_axis=axis)
    else:
        trace(net, x, x, loss, batch_axis=axis, optimizer=torch.optim.Adam(net.parameters()))
    assert torch.equal(state, torch.get_rng_state())
    assert [id(b) for b in net.buffers()] == buffers
    for old, new in zip(before.parameters(), net.parameters(), strict=True):
        assert torch.equal(old, new)
        assert old.requires_grad == new.requires_grad
        assert (new.grad == 0.5).all()
    assert all(map(torch.equal, before.buffers(), net.buffers()))
    for old, new in zip(before.modules(), net.modules(), strict=True):
        assert old.training == new.training
        assert len(new._forward_hooks) == len(new._forward_pre_hooks) == 0


def test_every_layer_of_every_net_has_its_numbers(any_net):
    net, x, axis = any_net
    found = trace(net, x, batch_axis=axis, learning_rate=0.1)
    for entry in found.layers:
        assert entry.error_rms is not None, entry
        assert entry.jacobian_norm is not None, entry
        assert entry.finite, entry
        if any(p.requires_grad for p in net.get_submodule(entry.name).parameters()):
            assert entry.gradient_norm > 0
            assert entry.update_ratio == pytest.approx(0.1 * entry.gradient_norm / entry.weight_norm)
    assert Trace.from_plain(json.loads(json.dumps(found.to_plain()))) == found


def test_layers_of_a_transformer_are_named():
    found = trace(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(), torch.randn(4, 5, 8))
    kinds = ["MultiheadAttention", "Dropout", "LayerNorm", "Linear", "Dropout", "Linear", "Dropout", "LayerNorm"]
    assert [entry.kind for entry in found.layers] == kinds


def test_a_batch_and_a_criterion_do_as_inputs_and_loss():
    net, x, t = two_layers(), draw(5, 4), torch.tensor([0, 1, 2, 1, 0])
    criterion = Loss("squared-error").build(Field((), ("a", "b", "c")))
    pair = trace(net, Batch((x,), (t,), 5), loss=criterion)
    outputs = net(x).detach()
    assert pair.loss == pytest.approx(float((outputs - F.one_hot(t, 3)).square().sum() / 10))


def test_a_batch_without_targets_and_one_with_several():
    net, x = two_layers(), draw(5, 4)
    assert trace(net, Batch((x,), (), 5)) == trace(net, x)
    several = Batch((x,), (draw(5, 3), draw(5)), 5)
    with pytest.raises(ConfigError, match="loss: expected one that takes 2 targets"):
        trace(net, several)
    found = trace(net, several, loss=lambda y, targets: (y - targets[0]).square().mean() * targets[1].square().sum())
    error = (net(x).detach() - several.targets[0]).square().mean()
    assert found.loss == pytest.approx(float(error * several.targets[1].square().sum()))


class Energy(nn.Module):
    """A number for each group of rows: its sum over a layer of each row."""

    def __init__(self):
        super().__init__()
        self.inner, self.output = nn.Linear(3, 4), nn.Linear(4, 1)

    def forward(self, x, counts):
        each = self.output(self.inner(x).tanh()).squeeze(1)
        group = torch.repeat_interleave(torch.arange(len(counts)), counts)
        return each.new_zeros(len(counts)).index_add(0, group, each)


def test_a_net_called_in_a_way_of_its_own_whose_outputs_are_a_gradient():
    torch.manual_seed(0)
    net, x, counts = Energy().double(), draw(7, 3), torch.tensor([3, 4])

    def forces(model):
        places = x.clone().requires_grad_()
        return torch.autograd.grad(model(places, counts).sum(), places, create_graph=True)[0]

    def loss(y, targets):
        return (y - targets).square().sum()

    found = trace(net, Batch((x, counts), (torch.ones(7, 3, dtype=DOUBLE),), 2), loss=loss, forward=forces)
    assert found.examples == 2
    # by hand: forces_n = W1^T (w2 * (1 - tanh^2 a_n)), the error signal at a_n by its derivative
    w1, w2 = net.inner.weight.detach(), net.output.weight.detach()[0]
    a = (x @ w1.T + net.inner.bias.detach()).requires_grad_()
    by_hand = (w2 * (1 - a.tanh().square())) @ w1
    (delta,) = torch.autograd.grad((by_hand - 1).square().sum(), a)
    assert found.loss == pytest.approx(float((by_hand.detach() - 1).square().sum()))
    assert found["inner"].error_norm == pytest.approx(float(delta.norm()))


def test_several_optimizers_take_a_step_each():
    net, x, t = two_layers(), draw(5, 4), torch.tensor([0, 1, 2, 1, 0])
    halves = [torch.optim.SGD(net[0].parameters(), lr=0.5), torch.optim.Adam(net[2].parameters(), lr=0.1)]
    found, first = trace(net, x, t, optimizer=halves), trace(net, x, t, learning_rate=0.5)
    assert found.update == "one step of SGD and Adam"
    assert found["0"].update_ratio == pytest.approx(first["0"].update_ratio)
    # the first step of Adam moves every number by its rate
    weights = list(net[2].parameters())
    length = math.hypot(*(float(p.detach().norm()) for p in weights))
    assert found["2"].update_ratio == pytest.approx(0.1 * sum(p.numel() for p in weights) ** 0.5 / length, rel=1e-4)


def test_inputs_by_place_and_by_name():
    net = nn.Bilinear(3, 4, 5)
    a, b = torch.randn(6, 3), torch.randn(6, 4)
    assert trace(net, (a, b)) == trace(net, {"input1": a, "input2": b})


def test_dead_and_saturated_units_are_found():
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Sigmoid())
    with torch.no_grad():
        net[0].bias.copy_(torch.tensor([-1e3, 1e3, -1e3, -1e3]))
        net[2].weight.zero_()
        net[2].bias.copy_(torch.tensor([10.0, 0.0, -10.0, 1.0]))
    found = trace(net, torch.randn(16, 4))
    assert found["1"].dead == 0.75
    assert found["1"].zeros == 0.75
    assert found["3"].saturated == 0.5
    assert found["0"].error_rms == 0  # the weights after it are zero
    assert "0" in found.vanishing


def test_chosen_layers_alone_by_their_last_name_or_what_holds_them():
    net = MLP((12, 8, 8, 3))
    x = torch.randn(6, 12)
    found = trace(net, x, layers=["linear2"])
    assert [entry.name for entry in found.layers] == ["layers.linear2"]
    whole = trace(net, x, layers=["layers"])
    assert len(whole.layers) == 5
    assert found.last_error == whole.layers[-1].error_rms
    assert found.factor is not None


def test_numbers_that_are_not_finite_are_told():
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        net[0].weight[0, 0] = math.inf
    found = trace(net, torch.ones(5, 4))
    assert "0" in found.non_finite
    assert found["0"].largest == math.inf
    plain = json.dumps(found.to_plain(), allow_nan=False)
    assert Trace.from_plain(json.loads(plain))["0"].largest == math.inf


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"layers": ["liner1"]}, ConfigError, "did you mean linear1"),
        ({"layers": []}, ConfigError, "layers: expected layers that"),
        ({"targets": torch.zeros(5, dtype=torch.int64)}, ShapeError, "targets: expected"),
        ({"targets": torch.full((6,), 3)}, DataError, "class numbers from 0 to 2"),
        ({"targets": torch.zeros(6, 2)}, ShapeError, "shape \\(6, 3\\)"),
        ({"targets": torch.zeros(4, 3), "loss": nn.MSELoss()}, ShapeError, "outputs \\(6, 3\\)"),
        ({"targets": torch.zeros(6, 3), "loss": nn.L1Loss(reduction="none")}, ShapeError, "loss: expected a scalar"),
        ({"loss": nn.MSELoss()}, ConfigError, "targets: expected targets"),
        ({"inputs": torch.zeros(0, 12)}, ShapeError, "examples along axis 0"),
        ({"batch_axis": 2}, ShapeError, "examples along axis 2"),
        ({"singular_values": 0}, ConfigError, "singular_values"),
        ({"iterations": 0}, ConfigError, "iterations"),
        ({"jacobian_examples": -1}, ConfigError, "jacobian_examples"),
        ({"learning_rate": 0.0}, ConfigError, "learning_rate"),
        ({"model": nn.ReLU()}, ConfigError, "net: expected at least one parameter"),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_mistakes_are_explained(change, error, words):
    given = {"model": MLP((12, 8, 3)), "inputs": torch.randn(6, 12), **change}
    with pytest.raises(error, match=words):
        trace(**given)


def test_a_net_that_lets_no_gradient_out_is_refused():
    class Closed(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 2)

        def forward(self, x):
            return self.inner(x).detach()

    with pytest.raises(ConfigError, match="detach"):
        trace(Closed(), torch.randn(4, 3))


def test_without_jacobians():
    found = trace(two_layers(), draw(5, 4), jacobian_examples=0)
    assert [entry.jacobian_norm for entry in found.layers] == [None] * 3


def test_layers_behind_a_parametrisation_are_not_offered():
    net = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)), nn.Linear(2, 2))
    with pytest.raises(ConfigError, match=r"names of layers \(0, 1\)"):
        trace(net, torch.ones(2, 3), layers=["2"])
    assert [entry.name for entry in trace(net, torch.ones(2, 3), layers=["0"]).layers] == ["0"]
