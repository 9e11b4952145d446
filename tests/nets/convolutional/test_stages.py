import pytest
import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.alexnet import AlexNet, SmallAlexNet
from neurarium.nets.convolutional.densenet import DenseNet
from neurarium.nets.convolutional.resnet import ResNet
from neurarium.nets.convolutional.stages import StagedNet, change_head, stage_features
from neurarium.nets.convolutional.vgg import VGG, SmallVGG


def test_features_are_what_passes_through_the_net() -> None:
    torch.manual_seed(0)
    net = ResNet(20, channels=1, outputs=3).eval()
    passed: dict[str, Tensor] = {}
    for name, stage in net.stages.named_children():
        stage.register_forward_hook(lambda _m, _i, out, name=name: passed.update({name: out}))
    x = torch.randn(2, 1, 28, 28)
    logits = net(x)
    everything = dict(passed)
    maps = stage_features(net, x, net.stage_names)
    assert list(maps) == ["stem", "stage1", "stage2", "stage3"]
    assert all(torch.equal(maps[name], everything[name]) for name in maps)
    torch.testing.assert_close(net.output(maps["stage3"].mean((2, 3))), logits)


def test_nothing_after_the_last_wanted_stage_is_computed() -> None:
    net = ResNet(20, channels=1, outputs=3).eval()
    computed: list[str] = []
    for name, stage in net.stages.named_children():
        stage.register_forward_hook(lambda _m, _i, _o, name=name: computed.append(name))
    assert list(stage_features(net, torch.zeros(1, 1, 28, 28), ["stage1", "stem"])) == ["stem", "stage1"]
    assert computed == ["stem", "stage1"]


def test_features_of_unknown_stages() -> None:
    net, x = ResNet(20, channels=1), torch.zeros(1, 1, 28, 28)
    with pytest.raises(ConfigError, match="stem, stage1, stage2, stage3, got 'stage4'"):
        stage_features(net, x, ["stage4"])
    for at in ([], "stem"):
        with pytest.raises(ConfigError, match="a list with one or more"):
            stage_features(net, x, at)
    with pytest.raises(ShapeError, match="conv1"):
        stage_features(net, x[0], ["stem"])


@pytest.mark.parametrize(
    ("train", "learning"),
    [("output", {"output"}), ("head", {"linear6", "linear7", "output"})],
)
def test_another_head_learns_alone(train: str, learning: set[str]) -> None:
    torch.manual_seed(0)
    net = SmallVGG(width=4)
    before = {name: p.clone() for name, p in net.named_parameters()}
    assert change_head(net, 3, train=train) is net
    x = torch.randn(8, 1, 28, 28)
    assert net(x).shape == (8, 3)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, weight_decay=0.1)
    net(x).square().sum().backward()
    optimizer.step()
    changed = {name.split(".")[-2] for name, p in net.named_parameters() if not torch.equal(p, before[name][: len(p)])}
    assert changed == learning
    assert all(p.requires_grad for p in change_head(net, 3).parameters())


def test_another_head_keeps_dtype_and_refuses_no_class() -> None:
    net = change_head(ResNet(20).double(), 4)
    assert net.output.weight.dtype == torch.float64
    with pytest.raises(ConfigError, match="outputs: expected a number of classes >= 1, got 0"):
        change_head(net, 0)
    with pytest.raises(ConfigError, match="train"):
        change_head(net, 4, train="stem")


def test_weights_begin_as_he_draws_them() -> None:
    torch.manual_seed(0)
    net = ResNet(18, outputs=1000)
    for name, layer in net.named_modules():
        if isinstance(layer, nn.Conv2d) and layer.weight.numel() > 30_000:
            inputs = layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]
            assert layer.weight.std().item() == pytest.approx((2 / inputs) ** 0.5, rel=0.02), name
    assert net.output.weight.std().item() == pytest.approx(512**-0.5, rel=0.02)
    assert not net.output.bias.any()


@pytest.mark.parametrize(
    ("make", "least"),
    [(AlexNet, 63), (SmallAlexNet, 15), (VGG, 32), (SmallVGG, 8), (ResNet, 32), (DenseNet, 32)],
)
def test_the_least_size_passes_and_one_less_is_told_what_fits(make: type[StagedNet], least: int) -> None:
    with torch.device("meta"):
        net = make(channels=3, outputs=4).eval()
        assert net(torch.zeros(2, 3, least, least + 5)).shape == (2, 4)
        with pytest.raises(ShapeError) as caught:
            net(torch.zeros(2, 3, least + 5, least - 1))
        assert str((2, 3, least + 5, least - 1)) in caught.value.got
        assert f"(batch, 3, height, width) of at least {least} x {least} pixels" in caught.value.expected
        with pytest.raises(ShapeError, match=rf"at least {least} x {least} pixels for {make.__name__}"):
            make(channels=3, size=(least - 1, 200))


def test_the_small_forms_take_the_least_size_they_say() -> None:
    for net in (ResNet(20, size=4), ResNet(20, size=4, shortcut="projection"), DenseNet(40, size=4)):
        assert net.eval()(torch.zeros(1, 3, 4, 4)).shape == (1, 1000)


@pytest.mark.parametrize("shape", [(3, 64, 64), (2, 1, 64, 64), (2, 3, 64, 60)])
def test_a_net_built_for_a_size_takes_no_other(shape: tuple[int, ...]) -> None:
    net = ResNet(20, size=64)
    with pytest.raises(ShapeError, match=r"layer conv1: expected a batch of images \(batch, 3, 64, 64\)") as caught:
        net(torch.zeros(shape))
    assert str(shape) in caught.value.got
