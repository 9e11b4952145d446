import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.lenet import LeNet5, map_size
from neurarium.nets.convolutional.specs import LeNet5Spec, LeNet1998Spec
from neurarium.nets.parts.activation import ACTIVATIONS
from neurarium.record.schema import image_schema


def _textbook(net: LeNet5, x: Tensor, activation: str, margin: int) -> Tensor:
    """Activation before pooling, c5 as the convolution of the original."""
    weights, phi = net.state_dict(), ACTIVATIONS[activation].function
    x = F.pad(x, (margin,) * 4)
    for name in ("c1", "c3"):
        x = phi(F.conv2d(x, weights[f"layers.{name}.weight"], weights[f"layers.{name}.bias"]))
        x = F.max_pool2d(x, 2)
    c5 = weights["layers.c5.weight"].view(120, 16, *x.shape[2:])
    x = phi(F.conv2d(x, c5, weights["layers.c5.bias"])).flatten(1)
    x = phi(F.linear(x, weights["layers.f6.weight"], weights["layers.f6.bias"]))
    return F.linear(x, weights["layers.output.weight"], weights["layers.output.bias"])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_is_the_textbook_function_whatever_the_order_of_pooling(activation: str) -> None:
    torch.manual_seed(0)
    net = LeNet5(activation=activation).double()
    x = torch.randn(3, 1, 28, 28, dtype=torch.float64)
    torch.testing.assert_close(net(x), _textbook(net, x, activation, margin=2), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("channels", "size", "margin"), [(3, 32, 0), (1, 12, 2), (3, (20, 45), 2), (2, 40, 0)])
def test_other_images(channels: int, size: int | tuple[int, int], margin: int) -> None:
    height, width = (size, size) if isinstance(size, int) else size
    net = LeNet5(channels, size, outputs=7).double()
    x = torch.randn(2, channels, height, width, dtype=torch.float64)
    assert net(x).shape == (2, 7)
    torch.testing.assert_close(net(x), _textbook(net, x, "relu", margin), rtol=1e-10, atol=1e-10)


def test_sizes_of_the_original() -> None:
    shapes: dict[str, tuple[int, ...]] = {}
    net = LeNet5()
    for name, layer in net.layers.named_children():
        layer.register_forward_hook(lambda _m, _i, out, name=name: shapes.update({name: tuple(out.shape[1:])}))
    net(torch.zeros(1, 1, 28, 28))
    expected = {
        "c1": (6, 28, 28),
        "s2": (6, 14, 14),
        "c3": (16, 10, 10),
        "s4": (16, 5, 5),
        "c5": (120,),
        "f6": (84,),
    }
    assert expected.items() <= shapes.items()
    assert shapes["output"] == (10,)


def test_parameter_count() -> None:
    by_hand = 6 * 26 + 16 * (6 * 25 + 1) + 120 * (400 + 1) + 84 * 121 + 10 * 85
    assert by_hand == 61_706
    assert sum(p.numel() for p in LeNet5().parameters()) == by_hand


def test_pooling_goes_first_only_where_the_activation_is_monotone() -> None:
    assert [*dict(LeNet5().layers.named_children())][:3] == ["c1", "s2", "c1_relu"]
    assert [*dict(LeNet5(activation="gelu").layers.named_children())][:3] == ["c1", "c1_gelu", "s2"]


def test_channels_last_is_the_same_function_and_stays_so() -> None:
    torch.manual_seed(0)
    net = LeNet5()
    x = torch.randn(4, 1, 28, 28)
    expected = net(x).detach()
    net = net.to(memory_format=torch.channels_last)
    pooled: list[Tensor] = []
    net.layers.s4.register_forward_hook(lambda _m, _i, out: pooled.append(out))
    torch.testing.assert_close(net(x.to(memory_format=torch.channels_last)), expected, rtol=1e-5, atol=1e-5)
    assert pooled[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("spec", [LeNet5Spec(), LeNet1998Spec()])
def test_too_small_images_are_told_the_least_size(spec: LeNet5Spec | LeNet1998Spec) -> None:
    assert map_size(12, 12) == (1, 1)
    with pytest.raises(ShapeError, match=r"c1: expected images of at least 12 x 12 pixels, got 11 x 30"):
        spec.build(image_schema((1, 11, 30), 10))


@pytest.mark.parametrize("spec", [LeNet5Spec(), LeNet1998Spec()])
def test_vectors_are_refused(spec: LeNet5Spec | LeNet1998Spec) -> None:
    with pytest.raises(ShapeError, match=r"\(channels, height, width\)"):
        spec.build(image_schema((13,), 3))


@pytest.mark.parametrize("shape", [(1, 28, 28), (2, 3, 28, 28), (2, 1, 28, 27), (2, 1, 4, 4)])
def test_wrong_batch_names_layer_and_what_fits(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"layer c1: expected .*\(batch, 1, 28, 28\)") as caught:
        LeNet5()(torch.zeros(shape))
    assert str(shape) in str(caught.value)


def test_unknown_activation() -> None:
    with pytest.raises(ConfigError, match="relu"):
        LeNet5Spec(activation="rellu").build(image_schema((1, 28, 28), 10))
