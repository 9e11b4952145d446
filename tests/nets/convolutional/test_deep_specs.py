import subprocess
import sys

import pytest
import torch

from neurarium.checks import ShapeError
from neurarium.nets.catalog import NETS, named_specs
from neurarium.nets.convolutional.deep_specs import DenseNetSpec, PlainNetSpec, ResNetSpec, VGGSpec
from neurarium.nets.convolutional.resnet import ResNet
from neurarium.nets.spec import NetSpec
from neurarium.nets.summary import summarize
from neurarium.record.schema import image_schema

SIZES = {name: spec for name, spec in named_specs().items() if name not in NETS}
KINDS = ("alexnet", "alexnet-small", "vgg-small", "resnet", "plain", "densenet")
SPECS = [*SIZES.values(), *(NETS[name]() for name in KINDS)]

# Multiply-adds for an image of 224 x 224, in thousand millions, as torchvision's documentation prints them.
PUBLISHED = {"alexnet": 0.71, "vgg16": 15.47, "resnet18": 1.81, "resnet34": 3.66, "resnet50": 4.09, "densenet121": 2.83}


@pytest.mark.more
@pytest.mark.parametrize("name", PUBLISHED)
def test_cost_as_published(name: str) -> None:
    with torch.device("meta"):
        summary = summarize(named_specs()[name].build(image_schema((3, 224, 224), 1000)), (3, 224, 224))
    assert round(summary.multiply_adds / 1e9, 2) == PUBLISHED[name]
    assert sum(row.parameters for row in summary.rows) == summary.parameters


def test_names_say_the_depth() -> None:
    for name, spec in SIZES.items():
        assert isinstance(spec, VGGSpec | ResNetSpec | DenseNetSpec)
        assert name.startswith(f"{type(spec).__name__.removesuffix('NetSpec').removesuffix('Spec').lower()}")
        assert str(spec.depth) in name
        if isinstance(spec, VGGSpec):
            assert spec.batch_norm == name.endswith("-bn")


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_net_is_built_for_the_shape(spec: NetSpec) -> None:
    with torch.device("meta"):
        net = spec.build(image_schema((1, 64, 72), 7)).eval()
        assert net(torch.zeros(2, 1, 64, 72)).shape == (2, 7)
        with pytest.raises(ShapeError, match=r"\(batch, 1, 64, 72\)"):
            net(torch.zeros(2, 1, 64, 64))


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_vectors_and_tiny_images_are_refused(spec: NetSpec) -> None:
    with torch.device("meta"):
        with pytest.raises(ShapeError, match=r"\(channels, height, width\)"):
            spec.build(image_schema((13,), 3))
        with pytest.raises(ShapeError, match=r"at least \d+ x \d+ pixels.*got 3 x 3; enlarge the images, or choose"):
            spec.build(image_schema((1, 3, 3), 3))


def test_the_plain_net_has_no_shortcut() -> None:
    with torch.device("meta"):
        net = PlainNetSpec(56).build(image_schema((1, 28, 28), 10))
        assert isinstance(net, ResNet)
        assert not any("shortcut" in name for name, _ in net.named_modules())


def test_specs_load_no_torch() -> None:
    code = "import sys, neurarium.nets.convolutional.deep_specs; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
