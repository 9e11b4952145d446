import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurarium.checks import ConfigError, ShapeError
from neurarium.learning.backprop.attention import attention_backward, attention_forward
from neurarium.learning.backprop.chain import Chain, chain_of
from neurarium.learning.backprop.layer import Layer
from neurarium.learning.backprop.losses import softmax_cross_entropy_backward, softmax_cross_entropy_forward
from neurarium.learning.backprop.lstm import LSTMCache, lstm_backward, lstm_forward
from neurarium.learning.backprop.time_delay import time_delay_backward, time_delay_forward
from neurarium.nets.convolutional.lenet import LeNet5
from neurarium.nets.feedforward.mlp import MLP

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}


def deep_mixture() -> nn.Sequential:
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 4, 3, padding="same", bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2)),
        nn.Sequential(nn.Conv2d(4, 6, 3, stride=2, dilation=2, groups=2), nn.Sigmoid()),
        nn.Flatten(),
        nn.Linear(6 * 5 * 5, 20),
        nn.LayerNorm(20),
        nn.GELU(),
        nn.Linear(20, 10, bias=False),
    )


NETS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mlp": (lambda: MLP((784, 30, 20, 10)), (784,)),
    "mlp-tanh": (lambda: MLP((784, 30, 10), activation="tanh"), (1, 28, 28)),
    "mlp-batch": (lambda: MLP((784, 30, 10), activation="silu", norm="batch"), (784,)),
    "lenet5": (LeNet5, (1, 28, 28)),
    "lenet5-gelu": (lambda: LeNet5(activation="gelu"), (1, 28, 28)),
    "mixture": (deep_mixture, (1, 28, 28)),
}


def make(name: str, dtype: torch.dtype) -> tuple[nn.Module, Tensor, Tensor]:
    build, shape = NETS[name]
    torch.manual_seed(0)
    return build().to(dtype), torch.randn(8, *shape, dtype=dtype), torch.arange(8)


def explicit_gradients(chain: Chain, x: Tensor, targets: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    loss, cache = softmax_cross_entropy_forward(chain.forward(x), targets)
    return loss, chain.backward(softmax_cross_entropy_backward(1.0, cache))[1]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("name", NETS)
def test_whole_nets_have_the_gradients_of_autograd(name: str, dtype: torch.dtype) -> None:
    net, x, targets = make(name, dtype)
    peer, x_peer = copy.deepcopy(net), x.clone().requires_grad_()
    expected = F.cross_entropy(peer(x_peer), targets)
    expected.backward()
    chain = chain_of(net)
    loss, cache = softmax_cross_entropy_forward(chain.forward(x), targets)
    dx, gradients = chain.backward(softmax_cross_entropy_backward(1.0, cache), to_input=True)
    near = {"rtol": 0, "atol": TOLERANCE[dtype]}
    torch.testing.assert_close(loss, expected.detach(), **near)
    torch.testing.assert_close(dx, x_peer.grad, **near)
    assert gradients.keys() == {n for n, _ in net.named_parameters()}
    for parameter_name, parameter in peer.named_parameters():
        torch.testing.assert_close(gradients[parameter_name], parameter.grad, **near)
    for ours, theirs in zip(net.buffers(), peer.buffers(), strict=True):  # running statistics moved alike
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", ["mlp", "lenet5", "mixture"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_twenty_steps_end_with_the_weights_of_autograd(name: str, dtype: torch.dtype) -> None:
    net, x, targets = make(name, dtype)
    peer, chain, parameters = copy.deepcopy(net), chain_of(net), dict(net.named_parameters())
    optimizer = torch.optim.SGD(peer.parameters(), lr=0.02)
    first = last = torch.zeros(())
    for step in range(20):
        last, gradients = explicit_gradients(chain, x, targets)
        first = last if step == 0 else first
        with torch.no_grad():
            for parameter_name, gradient in gradients.items():
                parameters[parameter_name] -= 0.02 * gradient
        optimizer.zero_grad()
        F.cross_entropy(peer(x), targets).backward()
        optimizer.step()
    assert last < first  # it learned
    for ours, theirs in zip(net.parameters(), peer.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=TOLERANCE[dtype])


def test_no_graph_is_built() -> None:
    net, x, _ = make("lenet5", torch.float32)
    chain = chain_of(net)
    y = chain.forward(x)
    assert not y.requires_grad
    _, gradients = chain.backward(torch.ones_like(y))
    assert not any(g.requires_grad for g in gradients.values())
    assert all(p.grad is None for p in net.parameters())


def test_dropout_draws_what_the_module_draws_and_rests_in_evaluation() -> None:
    torch.manual_seed(0)
    net, x, targets = MLP((6, 40, 3), dropout=0.5), torch.randn(5, 6), torch.arange(5) % 3
    chain = chain_of(net)
    torch.manual_seed(7)
    F.cross_entropy(net(x), targets).backward()
    torch.manual_seed(7)
    _, gradients = explicit_gradients(chain, x, targets)
    for name, parameter in net.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad)
    net.eval()
    assert torch.equal(chain.forward(x), net(x).detach())
    assert chain.backward(torch.ones(5, 3))[1].keys() == gradients.keys()


def test_tokens_through_an_embedding() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Embedding(7, 4, padding_idx=0), nn.Flatten(), nn.Linear(12, 3)).double()
    tokens, targets = torch.tensor([[1, 2, 0], [6, 6, 6]]), torch.tensor([0, 2])
    F.cross_entropy(net(tokens), targets).backward()
    _, gradients = explicit_gradients(chain_of(net), tokens, targets)
    for name, parameter in net.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad)


def test_a_parameter_in_two_places_gathers_both_gradients() -> None:
    torch.manual_seed(0)
    shared = nn.Linear(4, 4)
    net = nn.Sequential(shared, nn.Tanh(), shared).double()
    x, targets = torch.randn(3, 4, dtype=torch.float64), torch.arange(3)
    F.cross_entropy(net(x), targets).backward()
    _, gradients = explicit_gradients(chain_of(net), x, targets)
    assert gradients.keys() == {"0.weight", "0.bias"}
    torch.testing.assert_close(gradients["0.weight"], shared.weight.grad)


def test_the_way_back_ends_at_the_lowest_layer_that_learns() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    net[0].requires_grad_(False)
    seen: list[str] = []
    chain = chain_of(net)
    chain.forward(torch.randn(5, 3))
    _, gradients = chain.backward(torch.ones(5, 2), watch=lambda name, delta: seen.append(name))
    assert gradients.keys() == {"2.weight", "2.bias"}
    assert seen == ["2"]


def test_error_signals_can_be_watched() -> None:
    net, x, targets = make("mlp-tanh", torch.float64)
    signals: dict[str, Tensor] = {}
    chain = chain_of(net)
    _, cache = softmax_cross_entropy_forward(chain.forward(x), targets)
    chain.backward(softmax_cross_entropy_backward(1.0, cache), watch=signals.__setitem__)
    assert list(signals) == ["layers.linear2", "layers.tanh1", "layers.linear1"]
    hidden = net.layers[1](net.layers[0](x.flatten(1))).detach().requires_grad_()
    F.cross_entropy(net.layers[2](hidden), targets).backward()
    torch.testing.assert_close(signals["layers.tanh1"], hidden.grad)


def test_layers_of_ones_own_join_in() -> None:
    half = Layer("half", lambda x: (x / 2, None), lambda delta, cache, to_input: (delta / 2,))
    linear = chain_of(nn.Sequential(nn.Linear(2, 1))).layers[0]
    chain = Chain([half, linear])
    chain.forward(torch.tensor([[2.0, 4.0]]))
    _, gradients = chain.backward(torch.ones(1, 1))
    assert gradients["0.weight"].tolist() == [[1.0, 2.0]]


def test_a_sequence_net_of_recurrence_delay_and_attention() -> None:
    torch.manual_seed(0)
    embedding, rnn = nn.Embedding(7, 4).double(), nn.LSTM(4, 5, batch_first=True).double()
    output = nn.Linear(5, 3).double()
    tokens, targets = torch.randint(0, 7, (6, 9)), torch.arange(6) % 3

    hidden, _ = rnn(embedding(tokens))
    delayed = F.pad(hidden, (0, 0, 2, 0))[:, :-2]
    expected = F.cross_entropy(output(F.scaled_dot_product_attention(delayed, delayed, delayed)[:, -1]), targets)
    expected.backward()

    def lstm(x: Tensor) -> tuple[Tensor, LSTMCache]:
        zero, bias = x.new_zeros(len(x), 5), rnn.bias_ih_l0 + rnn.bias_hh_l0
        (states, _), cache = lstm_forward(x, zero, zero, rnn.weight_ih_l0, rnn.weight_hh_l0, bias)
        return states, cache

    def lstm_back(delta: Tensor, cache: LSTMCache, to_input: bool) -> tuple[Tensor, ...]:
        dx, _, _, dw, du, db = lstm_backward(delta, cache)
        return dx, dw, du, db, db

    def last_back(delta: Tensor, shape: torch.Size, to_input: bool) -> tuple[Tensor]:
        dx = delta.new_zeros(shape)
        dx[:, -1] = delta
        return (dx,)

    chain = Chain(
        [
            *chain_of(nn.Sequential(embedding)).layers,
            Layer("lstm", lstm, lstm_back, tuple(rnn.named_parameters())),
            Layer("delay", lambda x: time_delay_forward(x, 2), lambda d, steps, _: (time_delay_backward(d, steps),)),
            Layer("attention", lambda x: attention_forward(x, x, x), lambda d, c, _: (sum(attention_backward(d, c)),)),
            Layer("last", lambda x: (x[:, -1], x.shape), last_back),
            *chain_of(output).layers,
        ]
    )
    loss, gradients = explicit_gradients(chain, tokens, targets)
    torch.testing.assert_close(loss, expected.detach())
    peers = {"0.weight": embedding.weight, **dict(rnn.named_parameters()), **dict(output.named_parameters())}
    assert gradients.keys() == peers.keys()
    for name, parameter in peers.items():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=0, atol=1e-10)


def test_back_needs_forth() -> None:
    chain = chain_of(nn.Sequential(nn.Linear(2, 1)))
    chain.forward(torch.zeros(1, 2))
    chain.backward(torch.ones(1, 1))
    with pytest.raises(ConfigError, match="forward pass before it"):
        chain.backward(torch.ones(1, 1))


def test_inputs_that_the_module_would_refuse() -> None:
    with pytest.raises(ShapeError, match="c1"):
        chain_of(LeNet5()).forward(torch.zeros(2, 3, 28, 28))
    with pytest.raises(ShapeError, match="784 numbers"):
        chain_of(MLP((784, 10))).forward(torch.zeros(2, 27, 28))
