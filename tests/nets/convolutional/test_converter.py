"""Weights under torchvision's names; torchvision itself is the oracle where it is installed."""

import re
import sys
import warnings
from collections import OrderedDict
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.catalog import NETS, named_specs
from neurarium.nets.convolutional.converter import load_named, load_torchvision, to_torchvision, torchvision_names
from neurarium.nets.convolutional.densenet import DenseNet
from neurarium.nets.convolutional.resnet import ResNet
from neurarium.nets.convolutional.stages import StagedNet
from neurarium.nets.convolutional.vgg import SmallVGG
from neurarium.record.schema import image_schema

OUTPUTS = 11
PUBLISHED = ["alexnet", *(name for kind in NETS.values() for name in kind.sizes)]


@pytest.fixture(scope="module")
def models() -> ModuleType:
    """torchvision's models. Its compiled operators, which no model needs, may be missing: then they are declared."""
    pytest.importorskip("PIL")
    library = torch.library.Library("torchvision", "FRAGMENT")
    for _ in range(100):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                import torchvision.models as found
            return found
        except ModuleNotFoundError:
            pytest.skip("torchvision is not installed")
        except RuntimeError as error:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if missing is None:
                raise
            library.define(f"{missing[1]}(Tensor a) -> Tensor")
            for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[name]
    raise AssertionError("torchvision goes on missing operators")


@pytest.fixture(scope="module")
def linear_layers() -> dict[str, Tensor]:
    """The large weights that all VGGs have in common, drawn once."""
    generator = torch.Generator().manual_seed(5)
    shapes = {"classifier.0.weight": (4096, 512 * 49), "classifier.3.weight": (4096, 4096)}
    return {name: torch.empty(s).uniform_(-0.01, 0.01, generator=generator) for name, s in shapes.items()}


def peer_net(models: ModuleType, name: str, drawn: dict[str, Tensor]) -> nn.Module:
    """Weights drawn here, so that no default is taken for what was copied."""
    with torch.device("meta"):
        net = models.get_model(name.replace("-", "_"), weights=None, num_classes=OUTPUTS)
    generator, state = torch.Generator().manual_seed(1), OrderedDict[str, Tensor]()
    for key, value in net.state_dict().items():
        if name.startswith("vgg") and key in drawn:
            state[key] = drawn[key]
        elif key.endswith("num_batches_tracked"):
            state[key] = torch.tensor(3)
        elif value.ndim > 1:
            spread = (6 / value[0].numel()) ** 0.5
            state[key] = torch.empty(value.shape).uniform_(-spread, spread, generator=generator)
        else:
            state[key] = torch.empty(value.shape).uniform_(0.5, 1.5, generator=generator)
    net.load_state_dict(state, assign=True)
    return net


def own_net(name: str, side: int, state: dict[str, Tensor]) -> StagedNet:
    with torch.device("meta"):
        net = named_specs()[name].build(image_schema((3, side, side), OUTPUTS))
    assert isinstance(net, StagedNet)
    net.to_empty(device="cpu")
    load_torchvision(net, state)
    return net


def answers(net: nn.Module, side: int, weights: list[Tensor]) -> list[Tensor]:
    """Logits in evaluation; logits in training, and their gradients for the images and some weights."""
    x = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(2)).requires_grad_()
    with torch.no_grad():
        evaluated = net.eval()(x)
    torch.manual_seed(3)  # of dropout
    logits = net.train()(x)
    loss = (logits * torch.linspace(-1, 1, OUTPUTS)).square().sum()
    return [evaluated, logits.detach(), *torch.autograd.grad(loss, [x, *weights])]


@pytest.mark.more
@pytest.mark.parametrize("name", PUBLISHED)
def test_is_torchvisions_net(models: ModuleType, linear_layers: dict[str, Tensor], name: str) -> None:
    peer = peer_net(models, name, linear_layers)
    theirs = dict(peer.named_parameters())
    side = 32 if name.startswith("vgg") else 64
    net = own_net(name, side, peer.state_dict())
    names = torchvision_names(net)
    assert [names[key] for key in net.state_dict()] == list(peer.state_dict())
    small = [key for key, p in net.named_parameters() if p.numel() < 3e6]
    chosen = [small[0], small[len(small) // 3], small[2 * len(small) // 3], small[-2], small[-1]]
    own = dict(net.named_parameters())
    expected = answers(peer, side, [theirs[names[key]] for key in chosen])
    got = answers(net, side, [own[key] for key in chosen])
    for ours, wanted in zip(got, expected, strict=True):
        assert wanted.isfinite().all()
        assert wanted.any()
        assert (ours - wanted).norm() <= 1e-5 * wanted.norm()
    state = peer.state_dict()
    for key, statistics in net.named_buffers():  # moved alike by the step in training
        torch.testing.assert_close(statistics, state[names[key]], rtol=1e-5, atol=1e-6)


def test_names_of_each_kind_of_layer() -> None:
    with torch.device("meta"):
        schema = image_schema((3, 64, 64), 5)
        nets = {name: named_specs()[name].build(schema) for name in ("alexnet", "vgg11-bn", "resnet50", "densenet121")}
    names = {name: torchvision_names(net) for name, net in nets.items() if isinstance(net, StagedNet)}
    assert names["alexnet"]["stages.stage5.conv5.bias"] == "features.10.bias"
    assert names["alexnet"]["head.linear6.weight"] == "classifier.1.weight"
    assert names["vgg11-bn"]["stages.stage3.norm3_2.weight"] == "features.12.weight"
    assert names["vgg11-bn"]["head.output.bias"] == "classifier.6.bias"
    assert names["resnet50"]["stages.stem.norm1.running_mean"] == "bn1.running_mean"
    assert names["resnet50"]["stages.stage3.block6.branch.conv3.weight"] == "layer3.5.conv3.weight"
    assert names["resnet50"]["stages.stage1.block1.shortcut.conv.weight"] == "layer1.0.downsample.0.weight"
    assert names["densenet121"]["stages.stage4.transition.conv.weight"] == "features.transition3.conv.weight"
    assert names["densenet121"]["stages.stage4.norm.weight"] == "features.norm5.weight"
    assert (
        names["densenet121"]["stages.stage2.block.layer12.outer.conv2.weight"]
        == "features.denseblock2.denselayer12.conv2.weight"
    )
    assert all(len(set(table.values())) == len(table) for table in names.values())


def test_every_missing_and_unexpected_key_is_told_and_nothing_is_copied() -> None:
    net = ResNet(20, outputs=5)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    state = dict(to_torchvision(ResNet(20, outputs=5)))
    del state["bn1.weight"], state["layer3.2.conv2.weight"]
    state |= {"extra": torch.zeros(1), "layer4.0.conv1.weight": torch.zeros(1)}
    with pytest.raises(ConfigError) as caught:
        load_torchvision(net, state)
    assert "2 missing (bn1.weight, layer3.2.conv2.weight)" in caught.value.got
    assert "2 unexpected (extra, layer4.0.conv1.weight)" in caught.value.got
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_every_tensor_of_another_size_is_told_and_nothing_is_copied() -> None:
    net = ResNet(20, outputs=5)
    before = net.stages.stem.conv1.weight.clone()
    with pytest.raises(ShapeError) as caught:
        load_torchvision(net, to_torchvision(ResNet(20, channels=1, outputs=7)))
    assert caught.value.got == "conv1.weight (16, 1, 3, 3), fc.weight (7, 64), fc.bias (7,)"
    assert caught.value.expected == "conv1.weight (16, 3, 3, 3), fc.weight (5, 64), fc.bias (5,)"
    assert torch.equal(net.stages.stem.conv1.weight, before)


def test_old_files_have_no_counts_of_batches_and_dotted_names() -> None:
    torch.manual_seed(0)
    net, other = DenseNet(40, outputs=5), DenseNet(40, outputs=5)
    old = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", key): value
        for key, value in to_torchvision(net).items()
        if not key.endswith("num_batches_tracked")
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    load_torchvision(other, old)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), other.parameters(), strict=True))


def test_weights_keep_the_nets_dtype() -> None:
    net = ResNet(20, outputs=5).double()
    state = to_torchvision(ResNet(20, outputs=5))
    load_torchvision(net, state)
    assert net.output.weight.dtype == torch.float64
    assert torch.equal(net.output.weight.float(), state["fc.weight"])


def test_a_net_that_torchvision_has_not() -> None:
    with pytest.raises(ConfigError, match="AlexNet, VGG, ResNet or DenseNet, got SmallVGG"):
        torchvision_names(SmallVGG())


def test_own_table_of_names() -> None:
    net = nn.Linear(2, 1)
    with pytest.raises(ConfigError, match=r"1 missing \(b\)"):
        load_named(net, {"w": torch.ones(1, 2)}, {"weight": "w", "bias": "b"})
