"""Folded nets against the nets that they come from; the formula by hand and in NumPy."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from neurarium.checks import ConfigError
from neurarium.nets.convolutional.alexnet import SmallAlexNet
from neurarium.nets.convolutional.crepe import Crepe
from neurarium.nets.convolutional.densenet import DenseNet
from neurarium.nets.convolutional.folding import batch_norms, fold_batch_norm, folded
from neurarium.nets.convolutional.resnet import ResNet
from neurarium.nets.convolutional.vgg import VGG, SmallVGG
from neurarium.nets.parts.normalization.batch import BatchNorm


def trained(net: nn.Module) -> nn.Module:
    """In float64, with statistics and parameters that are nothing in particular, some of gamma's below zero."""
    generator = torch.Generator().manual_seed(1)
    net = net.double()
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
            if module.affine:
                nn.init.normal_(module.weight, 0.8, 0.5, generator)
                nn.init.normal_(module.bias, 0, 0.3, generator)
    return net


def norm_of(features: int, kind: Callable[[int], nn.Module] = BatchNorm) -> nn.Module:
    return trained(kind(features))


def assert_same(net: nn.Module, x: Tensor) -> nn.Module:
    """Outputs of the folded net are the net's own; it is another object, the net is as it was."""
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.train()
    fold = fold_batch_norm(net)
    assert net.training
    assert not any(m.training for m in fold.modules())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    with torch.no_grad():
        expected, got = net.eval()(x), fold(x)
    assert expected.std() > 1e-6
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10 * expected.abs().max().item())
    return fold


def test_the_formula_by_hand() -> None:
    norm = BatchNorm(2, eps=0.5)
    norm.running_mean, norm.running_var = torch.tensor([1.0, -2.0]), torch.tensor([3.5, 0.5])
    norm.weight.data, norm.bias.data = torch.tensor([4.0, -3.0]), torch.tensor([0.25, 10.0])
    weight, bias = folded(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([7.0, 8.0]), norm)
    # s = 4 / sqrt(4) = 2 and -3 / sqrt(1) = -3; bias 2 (7 - 1) + 1/4 and -3 (8 + 2) + 10
    assert weight.tolist() == [[2.0, 4.0], [-9.0, -12.0]]
    assert bias.tolist() == [12.25, -20.0]


def test_a_convolution_in_numpy() -> None:
    torch.manual_seed(0)
    norm = norm_of(3)
    w, b = torch.randn(3, 2, 2, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    x = np.random.default_rng(0).normal(size=(2, 5))
    maps = np.array([[np.sum(w[o].numpy() * x[:, u : u + 2]) for u in range(4)] for o in range(3)]) + b.numpy()[:, None]
    gamma, beta, mean, var = (
        t.detach().numpy()[:, None] for t in (norm.weight, norm.bias, norm.running_mean, norm.running_var)
    )
    expected = beta + gamma * (maps - mean) / np.sqrt(var + norm.eps)
    got = torch.conv1d(torch.from_numpy(x)[None], *folded(w, b, norm))
    np.testing.assert_allclose(got[0].detach().numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("build", "before", "after"),
    [
        (lambda: ResNet(20, outputs=5), 19, 0),
        (lambda: ResNet(20, outputs=5, shortcut="projection"), 21, 0),
        (lambda: ResNet(20, outputs=5, shortcut="none"), 19, 0),
        (lambda: ResNet(18, outputs=5), 20, 0),
        (lambda: ResNet(50, outputs=5), 53, 0),
        (lambda: SmallVGG(3, outputs=5), 6, 0),
        (lambda: SmallAlexNet(3, outputs=5), 0, 0),
        # of 3 blocks with 6 layers: norm1 and norm2 of each, 2 transitions, 1 at the end
        (lambda: DenseNet(40, outputs=5), 39, 21),
        (lambda: DenseNet(40, outputs=5, bottleneck=False), 39, 39),
    ],
)
def test_nets_of_the_house(build: Callable[[], nn.Module], before: int, after: int) -> None:
    torch.manual_seed(0)
    net = trained(build())
    assert len(batch_norms(net)) == before
    fold = assert_same(net, torch.randn(2, 3, 32, 32, dtype=torch.float64))
    assert len(batch_norms(fold)) == after


def test_densenet_121_keeps_what_stands_before_rectifiers() -> None:
    with torch.device("meta"):
        net = DenseNet(121)
    stay = set(batch_norms(fold_batch_norm(net)))
    assert set(batch_norms(net)) - stay == {
        "stages.stem.norm0",
        *(name for name in batch_norms(net) if name.endswith("norm2")),
    }
    assert len(batch_norms(net)) - len(stay) == 1 + 6 + 12 + 24 + 16


def test_vgg_11_with_batch_norm() -> None:
    with torch.device("meta"):
        net = VGG(11, batch_norm=True)
    assert (len(batch_norms(net)), len(batch_norms(fold_batch_norm(net)))) == (8, 0)


def test_a_norm_behind_a_rectifier_stays() -> None:
    net = trained(Crepe("tiny"))
    fold = assert_same(net, torch.randn(2, 1024, dtype=torch.float64))
    assert batch_norms(fold) == batch_norms(net)


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (nn.Linear(4, 6), (5, 4)),
        (nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2, bias=False), (2, 4, 9)),
        (nn.Conv2d(4, 6, 3, padding=2, padding_mode="circular", dilation=2), (2, 4, 7, 8)),
        (nn.Conv3d(4, 6, (1, 2, 3)), (2, 4, 3, 4, 5)),
        (nn.ConvTranspose1d(4, 6, 3, stride=2), (2, 4, 5)),
        (nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1, bias=False), (2, 4, 5, 6)),
    ],
)
def test_kinds_of_layers(layer: nn.Module, x: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    kinds = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
    net = nn.Sequential(layer.double(), nn.Dropout(), norm_of(6, kinds[len(x)]), norm_of(6), nn.ReLU())
    assert batch_norms(assert_same(net, torch.randn(x, dtype=torch.float64))) == ()


def test_without_gamma_and_beta() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6).double(), norm_of(6, lambda n: nn.BatchNorm1d(n, affine=False)))
    assert batch_norms(assert_same(net, torch.randn(5, 4, dtype=torch.float64))) == ()


@pytest.mark.parametrize(
    "layer", [nn.ConvTranspose1d(4, 6, 3, groups=2), weight_norm(nn.Conv1d(4, 6, 3))], ids=["groups", "parametrised"]
)
def test_layers_that_take_nothing_up(layer: nn.Module) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(layer.double(), norm_of(6))
    assert batch_norms(assert_same(net, torch.randn(2, 4, 7, dtype=torch.float64))) == ("1",)


def test_a_norm_over_positions_of_a_linear_layer_stays() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6).double(), norm_of(3))
    assert batch_norms(assert_same(net, torch.randn(2, 3, 4, dtype=torch.float64))) == ("1",)


def test_modules_that_stand_in_a_net_twice() -> None:
    torch.manual_seed(0)
    relu, linear = nn.ReLU(), nn.Linear(4, 4).double()
    net = nn.Sequential(relu, linear, relu, norm_of(4), linear, norm_of(4), linear, relu)
    fold = assert_same(net, torch.randn(5, 4, dtype=torch.float64))
    assert batch_norms(fold) == ("3",)
    assert torch.equal(fold[1].weight, fold[6].weight)
    assert not torch.equal(fold[1].weight, fold[4].weight)


def test_memory_layout_is_kept() -> None:
    net = nn.Sequential(nn.Conv2d(4, 6, 3), BatchNorm(6)).to(memory_format=torch.channels_last)
    assert fold_batch_norm(net)[0].weight.is_contiguous(memory_format=torch.channels_last)


class OwnForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.bn = nn.BatchNorm2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class RectifiedNorm(nn.BatchNorm2d):
    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input).relu()


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (nn.Sequential(OwnForward(), nn.ReLU()), r"got 0\.bn in Sequential, of unknown place or class"),
        (nn.BatchNorm2d(2), "got net in BatchNorm2d"),
        (nn.Sequential(nn.Conv2d(1, 2, 3), RectifiedNorm(2)), "got 1 in Sequential"),
        (nn.Sequential(*(OwnForward() for _ in range(6))), r"3\.bn and 2 more"),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, track_running_stats=False)), "running statistics"),
    ],
)
def test_what_is_not_known_is_refused(net: nn.Module, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        fold_batch_norm(net)
