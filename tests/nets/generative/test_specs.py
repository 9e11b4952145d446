import math
import subprocess
import sys

import pytest
import torch

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.nets.generative.autoencoder import Autoencoder
from neurarium.nets.generative.corruption import Corruption
from neurarium.nets.generative.gan import GAN, Within, sample
from neurarium.nets.generative.specs import (
    AutoencoderSpec,
    ConvolutionalAutoencoderSpec,
    DCGANSpec,
    GANSpec,
    in_scale,
)

SPECS = [AutoencoderSpec, ConvolutionalAutoencoderSpec, GANSpec, DCGANSpec]


def test_ends_in_the_scale_of_the_net() -> None:
    low, high = in_scale((0.0, 255.0), (2, 4, 4), (51.0, 0.0), (102.0, 50.0))
    torch.testing.assert_close(low, torch.tensor([[[-0.5]], [[0.0]]]))
    torch.testing.assert_close(high, torch.tensor([[[2.0]], [[5.1]]]))
    low, high = in_scale((0.0, 255.0), (3,), None, None)
    assert low.tolist() == [0, 0, 0]
    assert high.tolist() == [1, 1, 1]


@pytest.mark.parametrize("spec", SPECS)
def test_builds_for_grey_and_colour(spec) -> None:
    for shape in ((1, 28, 28), (3, 32, 32)):
        scaling = (100.0,) * shape[0], (50.0,) * shape[0]
        for given in ((), scaling):
            net = spec().build(shape, 10, *given)
            made = net(torch.zeros(2, *shape))
            assert made.shape == ((2, 1) if isinstance(net, GAN) else (2, *shape))


def test_noise_knows_black_and_white() -> None:
    net = AutoencoderSpec(noise="salt-and-pepper", amount=0.4).build((1, 8, 8), 10, (100.0,), (50.0,))
    assert isinstance(net, Autoencoder)
    damage = net.layers.corruption
    assert isinstance(damage, Corruption)
    assert (damage.noise, damage.amount, damage.low.item(), damage.high.item()) == (
        "salt-and-pepper", 0.4, -2.0, pytest.approx(3.1)
    )  # fmt: skip
    assert not any(isinstance(layer, Corruption) for layer in AutoencoderSpec().build((1, 8, 8), 10).modules())


def test_pictures_are_made_within_the_span_and_points_anywhere() -> None:
    for spec in (GANSpec(), DCGANSpec()):
        pictures = sample(spec.build((1, 28, 28), 10, (100.0,), (50.0,)), 20)
        assert pictures.min() >= -2.0
        assert pictures.max() <= 3.1
    assert not any(isinstance(layer, Within) for layer in GANSpec().build((2,), 8, (0.0,) * 2, (1.0,) * 2).modules())


@pytest.mark.parametrize("spec", SPECS)
def test_same_seed_same_weights(spec) -> None:
    nets = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        nets.append(torch.cat([p.flatten() for p in spec().build((1, 28, 28), 10).parameters()]))
    assert torch.equal(nets[0], nets[1])
    assert not torch.equal(nets[0], nets[2])


@pytest.mark.parametrize("spec", [ConvolutionalAutoencoderSpec, DCGANSpec])
def test_convolutions_need_pictures_of_a_size_to_be_halved_twice(spec) -> None:
    with pytest.raises(DataError, match=r"pictures, .* got examples of shape \(13,\); .* choose the net .* vectors"):
        spec().build((13,), 10)
    with pytest.raises(ShapeError, match="multiples of 4, got 30 x 28"):
        spec().build((1, 30, 28), 10)


@pytest.mark.parametrize(
    ("spec", "fields", "named"),
    [
        (AutoencoderSpec, {"code": 0}, "net.code"),
        (ConvolutionalAutoencoderSpec, {"amount": 1.5}, "net.amount"),
        (AutoencoderSpec, {"amount": math.nan}, "net.amount"),
        (AutoencoderSpec, {"span": (3.0, 3.0)}, "net.span"),
        (GANSpec, {"noise": 0}, "net.noise"),
        (DCGANSpec, {"penalty": -1.0}, "net.penalty"),
        (DCGANSpec, {"discriminator_rate": 0.0}, "net.discriminator_rate"),
        (GANSpec, {"span": (1.0,)}, "net.span"),
    ],
)
def test_what_no_net_can_be(spec, fields, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        spec(**fields)


def test_no_torch_until_built() -> None:
    code = "import sys, neurarium.nets.generative.specs; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
