import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.learning.saliency import (
    feature_maps,
    find_map_layer,
    grad_cam,
    gradient,
    integrated_gradients,
    map_layers,
)
from neurarium.nets.convolutional.crepe import Crepe
from neurarium.nets.convolutional.lenet import LeNet5
from neurarium.nets.convolutional.lenet_1998 import LeNet1998
from neurarium.nets.convolutional.neocognitron import Neocognitron
from neurarium.nets.convolutional.pooling import GlobalAverage
from neurarium.nets.feedforward.mlp import MLP

CLASSES = torch.tensor([3, 7])


def images(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(2, 1, 28, 28, generator=torch.Generator().manual_seed(0), dtype=dtype)


def make(kind: type[nn.Module], **options: object) -> nn.Module:
    torch.manual_seed(1)
    return kind(**options).double()


@pytest.fixture
def averaging() -> nn.Sequential:
    """A net whose class activation map is known: convolution, ReLU, global average, linear."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.BatchNorm2d(6), nn.ReLU(inplace=True), GlobalAverage(), nn.Linear(6, 10)
    ).double()


@pytest.mark.parametrize("kind", [LeNet5, LeNet1998, Neocognitron])
def test_gradient_is_the_slope_of_finite_differences(kind: type[nn.Module]) -> None:
    net, x, direction = make(kind).eval(), images(), images().flip(3)
    slopes = gradient(net, x, CLASSES)
    step = 1e-6
    with torch.no_grad():
        up, down = net(x + step * direction), net(x - step * direction)
    measured = (up - down)[torch.arange(2), CLASSES] / (2 * step)
    torch.testing.assert_close((slopes * direction).sum((1, 2, 3)), measured, rtol=1e-4, atol=1e-7)


def test_integrated_gradients_of_a_smooth_net_are_complete() -> None:
    net, x = make(LeNet5, activation="tanh").eval(), images()
    for baseline in (None, torch.full((1, 28, 28), -0.4, dtype=torch.float64)):
        start = torch.zeros_like(x) if baseline is None else baseline.expand_as(x)
        fractions = integrated_gradients(net, x, CLASSES, baseline, steps=400)
        with torch.no_grad():
            whole = (net(x) - net(start))[torch.arange(2), CLASSES]
        # max pooling has kinks on the way, which is all that the quadrature misses
        torch.testing.assert_close(fractions.sum((1, 2, 3)), whole, rtol=0, atol=0.01 * float(whole.abs().max()))


def test_the_quadratures_error_vanishes_where_nothing_has_kinks() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 3, 3, stride=2), nn.Tanh(), nn.Flatten(), nn.Linear(507, 10)).double()
    x = 0.3 * images()
    with torch.no_grad():
        whole = (net(x) - net(torch.zeros_like(x)))[torch.arange(2), CLASSES]
    errors = [
        float((integrated_gradients(net, x, CLASSES, steps=steps).sum((1, 2, 3)) - whole).abs().max())
        for steps in (1, 4, 16)
    ]
    assert errors[0] > 1e-4
    assert errors[1] < 1e-3 * errors[0]
    assert errors[2] < 1e-12


def test_integrated_gradients_of_a_linear_net_are_weight_times_input() -> None:
    net, x = nn.Linear(4, 3).double(), torch.randn(2, 4, dtype=torch.float64)
    fractions = integrated_gradients(net, x, torch.tensor([0, 2]), steps=1)
    torch.testing.assert_close(fractions, x * net.weight[[0, 2]].detach())


def test_grad_cam_is_the_class_activation_map(averaging: nn.Sequential) -> None:
    x = images()
    with torch.no_grad():
        maps = averaging[:3].eval()(x)
        activation = torch.einsum("nk,nkij->nij", averaging[4].weight[CLASSES], maps)
    expected = torch.relu(activation) / (24 * 24)
    torch.testing.assert_close(grad_cam(averaging, x, CLASSES), expected)
    torch.testing.assert_close(grad_cam(averaging, x, CLASSES, "2"), expected)
    assert expected.any()


@pytest.mark.parametrize(
    ("kind", "layer", "size"),
    [
        (LeNet5, "", (5, 5)), (LeNet5, "c1", (28, 28)), (LeNet1998, "", None), (Neocognitron, "", (7, 7)),
        (Neocognitron, "c1", (14, 14)),
    ],
)  # fmt: skip
def test_grad_cam_of_our_nets(kind: type[nn.Module], layer: str, size: tuple[int, int] | None) -> None:
    seen = grad_cam(make(kind), images(), CLASSES, layer)
    assert seen.ndim == 3
    assert size is None or seen.shape[1:] == size
    assert seen.isfinite().all()
    assert (seen >= 0).all()


def test_grad_cam_along_time() -> None:
    torch.manual_seed(0)
    seen = grad_cam(Crepe("tiny"), torch.randn(2, 1024), CLASSES)
    assert seen.shape == (2, 4)


def test_grad_cam_of_a_frozen_net(averaging: nn.Sequential) -> None:
    x = images()
    expected = grad_cam(averaging, x, CLASSES)
    torch.testing.assert_close(grad_cam(averaging.requires_grad_(False), x, CLASSES), expected)


def test_feature_maps_are_what_the_layer_made_before_others_changed_it(averaging: nn.Sequential) -> None:
    x = images()
    averaging.eval()
    with torch.no_grad():
        expected = F.conv2d(x, averaging[0].weight, averaging[0].bias)
        normed = averaging[1](expected)
    torch.testing.assert_close(feature_maps(averaging, x, "0"), expected)
    torch.testing.assert_close(feature_maps(averaging, x, "1"), normed)  # the ReLU behind works in place
    assert (normed < 0).any()


def test_layers_in_the_order_of_computation() -> None:
    assert list(map_layers(LeNet5(), images(torch.float32))) == [
        "layers.c1", "layers.s2", "layers.c1_relu", "layers.c3", "layers.s4", "layers.c3_relu",
    ]  # fmt: skip
    assert map_layers(Neocognitron(), images(torch.float32))["c2"] == (36, 7, 7)


def test_the_net_is_left_as_it_was(averaging: nn.Sequential) -> None:
    averaging.train()
    averaging[1].eval()
    before = {name: x.clone() for name, x in averaging.state_dict().items()}
    x = images()
    for look in (gradient, integrated_gradients, grad_cam):
        look(averaging, x, CLASSES)
    feature_maps(averaging, x)
    assert averaging.training
    assert not averaging[1].training
    assert all(torch.equal(x, before[name]) for name, x in averaging.state_dict().items())
    assert all(p.grad is None for p in averaging.parameters())
    assert not any(m._forward_hooks for m in averaging.modules())
    assert not x.requires_grad


def test_unknown_layers_and_nets_without_maps() -> None:
    x = images(torch.float32)
    with pytest.raises(ConfigError, match=r"layer: expected one of c1, .*, got 'c33'; did you mean c3"):
        grad_cam(LeNet5(), x, CLASSES, "c33")
    with pytest.raises(ConfigError, match=r"got 'f6'"):  # there is one, but it makes no maps
        feature_maps(LeNet5(), x, "f6")
    with pytest.raises(ConfigError, match=r"net: expected convolutional layers.*got MLP.*integrated_gradients"):
        grad_cam(MLP((784, 20, 10)), x, CLASSES)
    with pytest.raises(ConfigError, match="convolutional layers"):
        find_map_layer(nn.Linear(3, 2), torch.zeros(1, 3))


def test_bad_classes_baselines_and_steps() -> None:
    net, x = LeNet5(), images(torch.float32)
    with pytest.raises(ShapeError, match=r"classes: expected one class an example.*got \(1,\)"):
        gradient(net, x, torch.tensor([1]))
    with pytest.raises(ShapeError, match="expected classes 0 to 9, got 3 to 10"):
        grad_cam(net, x, torch.tensor([3, 10]))
    for shape in ((27,), (3, 2, 1, 28, 28)):
        with pytest.raises(ShapeError, match="baseline: expected a shape that broadcasts"):
            integrated_gradients(net, x, CLASSES, torch.zeros(shape))
    with pytest.raises(ConfigError, match="steps"):
        integrated_gradients(net, x, CLASSES, steps=0)


def test_a_global_average_is_not_where_the_maps_are() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Conv2d(2, 3, 1), nn.Flatten(), nn.Linear(3, 2)
    )
    x = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert find_map_layer(net, x) == "1"
    assert find_map_layer(net, x, "2") == "2"
    assert find_map_layer(net[:1], torch.zeros(1, 1, 3, 3)) == "0"  # a single position, where there is nothing else
