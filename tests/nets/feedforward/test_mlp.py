import itertools

import numpy as np
import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.feedforward.mlp import MLP, mlp
from neurarium.nets.feedforward.specs import MLPSpec
from neurarium.nets.parts.activation import ACTIVATIONS
from neurarium.record.schema import image_schema


def _linears(net: MLP) -> list[nn.Linear]:
    return [layer for layer in net.layers if isinstance(layer, nn.Linear)]


def test_equals_numpy_and_last_layer_is_linear() -> None:
    random = np.random.default_rng(0)
    sizes = [5, 7, 3, 4]
    w = [random.normal(size=(n, m)) for m, n in itertools.pairwise(sizes)]
    b = [random.normal(size=n) for n in sizes[1:]]
    x = random.normal(size=(6, 5))
    expected = np.tanh(np.tanh(x @ w[0].T + b[0]) @ w[1].T + b[1]) @ w[2].T + b[2]
    got = mlp(torch.from_numpy(x), [*map(torch.from_numpy, w)], [*map(torch.from_numpy, b)], torch.tanh)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12, atol=1e-12)
    assert np.abs(expected).max() > 1  # beyond what a squashed output could reach


@pytest.mark.parametrize("hidden", [(), (3,), (4, 1, 4), (5,) * 12])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_module_is_the_function_for_any_depth_and_activation(hidden: tuple[int, ...], activation: str) -> None:
    net = MLPSpec(hidden=hidden, activation=activation).build(image_schema((2, 3), 4)).double()
    assert isinstance(net, MLP)
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    linears = _linears(net)
    assert [layer.out_features for layer in linears] == [*hidden, 4]
    expected = mlp(
        x.flatten(1), [l.weight for l in linears], [l.bias for l in linears], ACTIVATIONS[activation].function
    )
    torch.testing.assert_close(net(x), expected, rtol=1e-10, atol=1e-10)


def test_parameter_count() -> None:
    net = MLP((784, 256, 256, 10))
    assert sum(p.numel() for p in net.parameters()) == 784 * 256 + 256 + 256 * 256 + 256 + 256 * 10 + 10


def test_renaming_hidden_units_changes_nothing() -> None:
    net = MLP((6, 9, 8, 3), activation="gelu").double()
    x = torch.randn(4, 6, dtype=torch.float64)
    before = net(x).detach()
    first, second, third = _linears(net)
    with torch.no_grad():
        for below, above in ((first, second), (second, third)):
            order = torch.randperm(below.out_features)
            below.weight.copy_(below.weight[order])
            below.bias.copy_(below.bias[order])
            above.weight.copy_(above.weight[:, order])
    torch.testing.assert_close(net(x), before, rtol=1e-10, atol=1e-10)


def test_dropout_only_while_training_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    net = MLP((3, 50, 1), dropout=0.4)
    x = torch.randn(1, 3)
    torch.testing.assert_close(net.eval()(x), net.eval()(x), rtol=0, atol=0)
    kept = net.eval()(x)
    # The output is linear in the mask, so its mean over masks is the value without dropout.
    drawn = net.train()(x.expand(20_000, 3))
    assert drawn.std() > 0.05
    assert abs(drawn.mean() - kept).item() < 4 * drawn.std().item() / 20_000**0.5


def test_initial_weights_and_zero_biases() -> None:
    torch.manual_seed(0)
    first, *_ = linears = _linears(MLP((1000, 400, 10), init="lecun"))
    assert first.weight.std().item() == pytest.approx(1000**-0.5, rel=0.01)
    assert all(layer.bias.count_nonzero() == 0 for layer in linears)


@pytest.mark.parametrize("shape", [(6,), (4, 5), (4, 2, 2), (0, 7)])
def test_wrong_input_names_layer_and_sizes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"linear1: expected .* 6 numbers each, got a tensor of shape \(") as caught:
        MLP((6, 3))(torch.zeros(shape))
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize(
    "spec",
    [
        MLPSpec(hidden=(3, 0)),
        MLPSpec(dropout=1.0),
        MLPSpec(dropout=-0.1),
        MLPSpec(activation="rely"),
        MLPSpec(init="hee"),
    ],
)
def test_settings_that_cannot_be_used(spec: MLPSpec) -> None:
    with pytest.raises(ConfigError):
        spec.build(image_schema((4,), 2))


@pytest.mark.parametrize("norm", ["batch", "layer", "group", "weight"])
def test_normalization_stands_between_layer_and_activation(norm: str) -> None:
    torch.manual_seed(0)
    net = MLPSpec(hidden=(8, 6), activation="tanh", dropout=0.1, norm=norm).build(image_schema((5,), 3)).double().eval()
    assert isinstance(net, MLP)
    between = [] if norm == "weight" else [f"{norm}norm"]
    names = [f"{part}{l}" for l in (1, 2) for part in ("linear", *between, "tanh", "dropout")]
    assert list(dict(net.layers.named_children())) == [*names, "linear3"]
    for parameter in net.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    x = torch.randn(7, 5, dtype=torch.float64)
    a = x
    for l in (1, 2):
        linear = net.layers.get_submodule(f"linear{l}")
        if norm == "weight":
            length, v = linear.parametrizations.weight.original0, linear.parametrizations.weight.original1
            z = a @ (length * v / v.square().sum(1, keepdim=True).sqrt()).T + linear.bias
        else:
            gamma, beta = (getattr(net.layers.get_submodule(f"{norm}norm{l}"), name) for name in ("weight", "bias"))
            z = a @ linear.weight.T + (0 if norm == "batch" else linear.bias)
            if norm == "batch":  # before any training: mean 0, variance 1
                z = z / (1 + 1e-5) ** 0.5
            else:
                parts = z.reshape(7, {"layer": 1, "group": {1: 4, 2: 3}[l]}[norm], -1)
                centered = parts - parts.mean(2, keepdim=True)
                z = (centered / (centered.square().mean(2, keepdim=True) + 1e-5).sqrt()).reshape(z.shape)
            z = gamma * z + beta
        a = z.tanh()
    expected = a @ net.layers.linear3.weight.T + net.layers.linear3.bias
    torch.testing.assert_close(net(x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("norm", ["none", "batch", "layer", "group", "weight"])
def test_every_parameter_learns_whatever_the_normalization(norm: str) -> None:
    torch.manual_seed(0)
    net = MLP((5, 8, 8, 3), norm=norm)
    net(torch.randn(32, 5)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 1e-4 for p in net.parameters())


def test_names_without_normalization_are_as_ever() -> None:
    assert list(MLP((4, 3, 2), dropout=0.5).state_dict()) == [
        f"layers.linear{l}.{part}" for l in (1, 2) for part in ("weight", "bias")
    ]


@pytest.mark.parametrize("norm", ["layer", "group"])
def test_a_layer_of_one_unit_would_say_nothing_after_normalization(norm: str) -> None:
    with pytest.raises(ConfigError, match="norm: expected batch, weight or none"):
        MLP((4, 1, 2), norm=norm)


def test_unknown_normalization() -> None:
    with pytest.raises(ConfigError, match="one of none, batch, layer, group, weight, got 'layr'; did you mean layer"):
        MLP((4, 3, 2), norm="layr")
