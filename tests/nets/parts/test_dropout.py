import itertools

import numpy as np
import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError
from neurarium.nets.feedforward.mlp import MLP
from neurarium.nets.parts.dropout import dropout, exact_ensemble, scaled_weight

DOUBLE = torch.float64


def _mlp(sizes: tuple[int, ...], p: float, activation: str = "relu", norm: str = "none") -> MLP:
    torch.manual_seed(0)
    net = MLP(sizes, activation, dropout=p, norm=norm).to(DOUBLE)
    for parameter in net.parameters():  # biases away from zero
        parameter.data += 0.2 * torch.randn_like(parameter)
    return net


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_expectation_over_masks_is_the_activation_itself(p: float) -> None:
    x = torch.tensor([1.0, -2.0, 3.0], dtype=DOUBLE)
    inverted, plain = torch.zeros_like(x), torch.zeros_like(x)
    for bits in itertools.product([False, True], repeat=3):
        kept = torch.tensor(bits)
        probability = (1 - p) ** sum(bits) * p ** (3 - sum(bits))
        inverted += probability * dropout(x, kept, p)
        plain += probability * dropout(x, kept, p, inverted=False)
    torch.testing.assert_close(inverted, x, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(plain, (1 - p) * x, rtol=1e-12, atol=1e-12)


def test_torch_drops_with_probability_p() -> None:
    torch.manual_seed(0)
    x = torch.randn(100_000) + 3
    y = nn.functional.dropout(x, 0.2)
    fraction = (y == 0).float().mean().item()
    assert fraction == pytest.approx(0.2, abs=5 * (0.2 * 0.8 / 1e5) ** 0.5)
    torch.testing.assert_close(y, dropout(x, y != 0, 0.2))


def test_both_ways_of_scaling_are_one() -> None:
    # trained without inversion, weights are 1 - p times those trained with it
    p, x, kept = 0.3, torch.randn(6, 4, dtype=DOUBLE), torch.rand(6, 4) < 0.7
    plain = torch.randn(2, 4, dtype=DOUBLE)
    inverted = scaled_weight(plain, p)
    training = dropout(x, kept, p, inverted=False) @ plain.T
    torch.testing.assert_close(dropout(x, kept, p) @ inverted.T, training, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(x @ scaled_weight(plain, p).T, x @ inverted.T, rtol=0.0, atol=0.0)


def test_ensemble_by_loops_in_numpy() -> None:
    net, x = _mlp((3, 4, 2), p=0.3), torch.randn(5, 3, dtype=DOUBLE)
    first, second = net.layers.linear1, net.layers.linear2
    hidden = np.maximum(x.numpy() @ first.weight.detach().numpy().T + first.bias.detach().numpy(), 0)
    mean = arithmetic = np.zeros((5, 2))
    geometric = np.ones((5, 2))
    for bits in itertools.product([0, 1], repeat=4):
        b = np.array(bits)
        probability = 0.7 ** b.sum() * 0.3 ** (4 - b.sum())
        logits = (hidden * b / 0.7) @ second.weight.detach().numpy().T + second.bias.detach().numpy()
        softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        mean, arithmetic = mean + probability * logits, arithmetic + probability * softmax
        geometric = geometric * softmax**probability
    found = exact_ensemble(net, x)
    assert found.members == 16
    np.testing.assert_allclose(found.outputs.numpy(), mean, rtol=1e-10)
    np.testing.assert_allclose(found.arithmetic.numpy(), arithmetic, rtol=1e-10)
    np.testing.assert_allclose(found.geometric.numpy(), geometric / geometric.sum(1, keepdims=True), rtol=1e-10)


def test_linear_net_and_its_mean_are_one() -> None:
    net, x = _mlp((3, 5, 4, 2), p=0.4, activation="identity"), torch.randn(6, 3, dtype=DOUBLE)
    torch.testing.assert_close(exact_ensemble(net, x).outputs, net.eval()(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_one_softmax_layer_and_the_geometric_mean_are_one_the_arithmetic_is_not(p: float) -> None:
    torch.manual_seed(1)
    net, x = nn.Sequential(nn.Dropout(p), nn.Linear(10, 4)).to(DOUBLE), torch.randn(7, 10, dtype=DOUBLE)
    found, scaled = exact_ensemble(net, x), net.eval()(x).softmax(1).detach()
    torch.testing.assert_close(found.geometric, scaled, rtol=1e-10, atol=1e-10)
    assert (found.arithmetic - scaled).abs().max() > 1e-3


def test_deep_nets_are_only_close() -> None:
    # A hidden layer after a dropped one: the logits bend in the masks (errata E69).
    net, x = _mlp((6, 8, 8, 3), p=0.2), torch.randn(20, 6, dtype=DOUBLE)
    found, scaled = exact_ensemble(net, x), net.eval()(x).softmax(1).detach()
    gap = (found.geometric - scaled).abs().max()
    assert 1e-4 < gap < 0.1
    torch.manual_seed(2)
    net.train()
    drawn = torch.stack([net(x).detach() for _ in range(4000)])
    error = drawn.std(0) / 4000**0.5
    assert ((drawn.mean(0) - found.outputs).abs() < 5 * error).all()


def test_layers_of_different_p_images_and_a_layer_used_twice() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.drop = nn.Dropout(0.25)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.drop(x) + 10 * self.drop(x)

    x = torch.randn(2, 1, 2, 2, dtype=DOUBLE)
    net = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.0), Twice(), nn.Flatten())
    found = exact_ensemble(net, x)
    assert found.members == 2**12
    torch.testing.assert_close(found.outputs, 11 * x.flatten(1), rtol=1e-10, atol=1e-10)


def test_the_net_is_left_as_it_was() -> None:
    net, x = _mlp((3, 4, 2), p=0.5, norm="batch"), torch.randn(5, 3, dtype=DOUBLE)
    net.train()
    net.layers.dropout1.eval()
    before = {name: t.clone() for name, t in net.state_dict().items()}
    exact_ensemble(net, x)
    assert net.layers.linear1.training
    assert not net.layers.dropout1.training
    assert not net.layers.dropout1._forward_hooks
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (nn.Sequential(nn.Linear(3, 30), nn.Dropout(0.5)), "1 to 20 units that dropout can drop, got 30"),
        (nn.Sequential(nn.Linear(3, 30)), "got 0"),
        (nn.Sequential(nn.AlphaDropout(0.5)), "0: expected nn.Dropout, unit by unit, got AlphaDropout"),
        (nn.Sequential(nn.Dropout(1.0)), "got 1"),
    ],
)
def test_nets_that_cannot_be_enumerated(net: nn.Module, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        exact_ensemble(net, torch.zeros(2, 3))
