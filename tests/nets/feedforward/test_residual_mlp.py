import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.feedforward.mlp import MLP
from neurarium.nets.feedforward.residual_mlp import ResidualMLP, as_plain


def test_against_numpy() -> None:
    torch.manual_seed(0)
    net = ResidualMLP((7, 4, 4, 3), "tanh").double()
    x = np.random.default_rng(0).normal(size=(5, 7))
    p = {name: value.detach().numpy() for name, value in net.named_parameters()}
    one, two = "layers.residual1", "layers.residual2"
    a = x @ p[f"{one}.projection"].T + np.tanh(x @ p[f"{one}.branch.0.weight"].T + p[f"{one}.branch.0.bias"])
    a = a + np.tanh(a @ p[f"{two}.branch.0.weight"].T + p[f"{two}.branch.0.bias"])
    expected = a @ p["layers.output.weight"].T + p["layers.output.bias"]
    np.testing.assert_allclose(net(torch.from_numpy(x)).detach(), expected, rtol=1e-12)
    assert len(p) == 7


@pytest.mark.parametrize("sizes", [(6, 6, 6, 2), (5, 8, 3, 8, 2)], ids=["no projection", "projections"])
def test_a_plain_net_three_times_as_wide_computes_the_same(sizes: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    net = ResidualMLP(sizes).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_()
    plain = as_plain(net)
    x = torch.randn(50, sizes[0], dtype=torch.float64)
    torch.testing.assert_close(plain(x), net(x), rtol=1e-10, atol=1e-10)
    widths = [layer.out_features for layer in plain.layers if isinstance(layer, nn.Linear)][:-1]
    # two for each number carried past the rectifier, and the branch
    assert widths == [2 * before + here for before, here in itertools.pairwise(sizes[:-1])]


def test_only_rectifiers_have_a_plain_form() -> None:
    for net in (ResidualMLP((3, 3, 2), "tanh"), ResidualMLP((3, 3, 2), maps=2)):
        with pytest.raises(ConfigError, match="relu"):
            as_plain(net)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_signal_and_error_signal_keep_their_size_at_every_depth(activation: str) -> None:
    forwards, backwards = [], []
    for depth in (16, 64, 256):
        torch.manual_seed(0)
        net = ResidualMLP((32, *[32] * depth, 1), activation)
        x = torch.randn(64, 32, requires_grad=True)
        a = net.layers[:-1](x)
        a.square().sum().backward()
        forwards.append((a.square().mean() / x.square().mean()).item())
        backwards.append((x.grad.square().mean() / (2 * a).square().mean()).item())
    # He's weights unshrunk double the mean square in each layer
    assert max(forwards) / min(forwards) < 2
    assert max(backwards) / min(backwards) < 2
    assert all(0.5 < ratio < 3 for ratio in forwards + backwards)


def trained_error(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Fraction of wrong answers on the examples it learned from."""
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for step in range(30):
        part = slice(128 * step % len(x), 128 * step % len(x) + 128)
        optimizer.zero_grad()
        F.cross_entropy(net(x[part]), y[part]).backward()
        optimizer.step()
    with torch.no_grad():
        return (net(x).argmax(1) != y).float().mean().item()


@pytest.mark.more
def test_a_hundred_layers_learn_real_digits_where_a_plain_net_does_not() -> None:
    images, labels = load_digits(return_X_y=True)
    x, y = torch.from_numpy(images[:512] / 8 - 1).float(), torch.from_numpy(labels[:512])
    sizes = (64, *[16] * 100, 10)
    torch.manual_seed(0)
    deep = trained_error(ResidualMLP(sizes), x, y)
    torch.manual_seed(0)
    plain = trained_error(MLP(sizes), x, y)
    assert deep < 0.2
    assert plain > 0.8  # ten classes: as good as guessing


def test_bad_input() -> None:
    with pytest.raises(ConfigError, match="residual layer"):
        ResidualMLP((3, 2))
    with pytest.raises(ShapeError, match=r"residual1: expected .* 12 numbers"):
        ResidualMLP((12, 4, 2))(torch.zeros(3, 5))


def test_an_example_of_any_shape_is_flattened() -> None:
    net, x = ResidualMLP((12, 4, 2)), torch.randn(3, 1, 3, 4)
    assert torch.equal(net(x), net(x.reshape(3, math.prod(x.shape[1:]))))
