import copy

import pytest
import torch
from torch import Tensor, nn

from neurarium.checks import ConfigError
from neurarium.nets.convolutional.densenet import DenseNet
from neurarium.nets.convolutional.resnet import ResNet
from neurarium.nets.convolutional.vgg import SmallVGG
from neurarium.nets.parts.normalization.batch import BatchNorm
from neurarium.training import fast_inference
from neurarium.training.device import DeviceConfig
from neurarium.training.fast_inference import (
    TOLERANCE,
    InferenceChoice,
    prepared_for_inference,
)

CPU = DeviceConfig(torch.device("cpu"))


def images(count: int = 4) -> Tensor:
    """Smooth ones, as images are."""
    coarse = torch.randn(count, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    return nn.functional.interpolate(coarse, size=(32, 32), mode="bilinear")


def trained(net: nn.Module) -> nn.Module:
    """With the statistics that a training on the images leaves behind; in training mode."""
    for module in net.modules():
        if isinstance(module, BatchNorm):
            module.momentum = None  # plain mean
    with torch.no_grad():
        net.train()(images(16))
    return net


def exact(net: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return copy.deepcopy(net).double().eval()(x.double())


NETS = {
    "resnet": lambda: ResNet(20, outputs=7),
    "densenet": lambda: DenseNet(40, outputs=7),
    "vgg": lambda: SmallVGG(3, outputs=7, width=8),
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_logits_are_those_of_float64_within_the_tolerance(name: str, precision: str) -> None:
    torch.manual_seed(0)
    net, x = trained(NETS[name]()), images()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    fast = prepared_for_inference(net, CPU, precision)
    got, expected = fast(x), exact(net, x)
    deviation = ((got - expected).norm() / expected.norm()).item()
    assert got.dtype == torch.float32
    assert deviation <= TOLERANCE[precision]
    if precision == "bfloat16":  # 8 bits cannot be as near as float32 is: it was taken
        assert deviation > TOLERANCE["float32"]
    assert net.training
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_which_numbers_are_bfloat16() -> None:
    fast = prepared_for_inference(DenseNet(40, outputs=7), CPU, "bfloat16")
    layers = dict(fast.net.named_modules())
    stem, norm = layers["stages.stem.conv0"], layers["stages.stage1.block.layer1.inner.norm1"]
    assert stem.weight.dtype == torch.bfloat16
    assert stem.weight.is_contiguous(memory_format=torch.channels_last)
    assert norm.weight.dtype == norm.running_var.dtype == torch.float32
    assert layers["head.output"].weight.dtype == torch.float32
    assert (fast.choice.folded, fast.choice.kept) == (18, 21)


def test_logits_are_not_rounded_to_8_bits() -> None:
    torch.manual_seed(0)
    logits = prepared_for_inference(trained(ResNet(20, outputs=500)), CPU, "bfloat16")(images())
    assert len(logits.unique()) > 1900  # of 2000; bfloat16 has about 1000 numbers between 0.05 and 3, either sign
    assert not torch.equal(logits, logits.bfloat16().float())


def test_answers_are_those_of_evaluation_without_gradient() -> None:
    torch.manual_seed(0)
    net = trained(SmallVGG(3, outputs=7, width=8))
    fast = prepared_for_inference(net, CPU, "float32")
    x = images()
    assert torch.equal(fast(x), fast(x))  # no dropout
    assert not fast(x).requires_grad
    torch.testing.assert_close(fast(x)[:1], fast(x[:1]), rtol=1e-4, atol=1e-5)


class RoundsAway(nn.Module):
    """The answer lies in the 9th bit of its input."""

    def __init__(self) -> None:
        super().__init__()
        self.pick = nn.Conv2d(1, 1, 1)
        self.output = nn.Linear(1, 2)
        with torch.no_grad():
            self.pick.weight.fill_(1.0)
            self.pick.bias.fill_(-256.0)
            self.output.weight.copy_(torch.tensor([[1.0], [-1.0]]))
            self.output.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.pick(x).flatten(1))


def test_bfloat16_is_given_up_where_the_probe_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_inference, "fast_bfloat16", lambda device: "avx512_bf16")
    net, probe = RoundsAway(), torch.tensor([256.5, 255.75]).reshape(2, 1, 1, 1)
    blind = prepared_for_inference(net, CPU)
    assert blind.choice.precision == "bfloat16"
    assert blind.choice.holds  # nothing was measured
    seeing = prepared_for_inference(net, CPU, probe=probe)
    assert seeing.choice.precision == "float32"
    assert seeing.choice.deviation == 0
    assert seeing.choice.same_classes == 1
    assert seeing.choice.in_words().startswith("float32 (bfloat16 moved logits by ")
    assert seeing(probe).tolist() == [[0.5, -0.5], [-0.25, 0.25]]
    asked = prepared_for_inference(net, CPU, "bfloat16", probe)
    assert asked.choice.precision == "bfloat16"
    assert not asked.choice.holds


def test_auto_follows_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    net = trained(ResNet(20, outputs=7))
    for feature, precision in ((None, "float32"), ("amx_bf16", "bfloat16")):
        monkeypatch.setattr(fast_inference, "fast_bfloat16", lambda device, feature=feature: feature)
        fast = prepared_for_inference(net, CPU, probe=images())
        assert fast.choice.precision == precision
        assert fast.choice.holds
        assert fast.device_config.precision == precision


def test_rectifiers_overwrite_in_the_copy_alone() -> None:
    net = ResNet(20, outputs=7)
    fast = prepared_for_inference(net, CPU, "float32")
    assert all(m.inplace for m in fast.modules() if isinstance(m, nn.ReLU))
    assert not any(m.inplace for m in net.modules() if isinstance(m, nn.ReLU))
    x = images()
    fast(x)
    assert torch.equal(x, images())


def test_a_net_that_cannot_be_folded_is_prepared_all_the_same() -> None:
    class OwnForward(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.bn = nn.Conv2d(3, 4, 3), BatchNorm(4)

        def forward(self, x: Tensor) -> Tensor:
            return self.bn(self.conv(x)).mean((2, 3))

    torch.manual_seed(0)
    net = trained(OwnForward())
    fast = prepared_for_inference(net, CPU, "float32")
    assert (fast.choice.folded, fast.choice.kept) == (0, 1)
    torch.testing.assert_close(fast(images()).double(), exact(net, images()), rtol=1e-4, atol=1e-5)


def test_bad_input() -> None:
    with pytest.raises(ConfigError, match="precision"):
        prepared_for_inference(nn.Linear(2, 2), CPU, "float16")
    with pytest.raises(ConfigError, match=r"float32 weights, got torch\.float64; call net\.float\(\)"):
        prepared_for_inference(nn.Linear(2, 2).double(), CPU)


def test_in_words() -> None:
    choice = InferenceChoice("bfloat16", "avx512_bf16", 53, 0, deviation=0.0123, same_classes=1.0)
    assert choice.in_words() == (
        "bfloat16 (avx512_bf16), channels-last, 53 of 53 batch normalizations folded, "
        "logits within 0.012 of their length, 100.0% same classes"
    )
    assert InferenceChoice("float32", "as asked", 0, 0).in_words() == "float32 (as asked), channels-last"
