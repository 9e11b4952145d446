import math
import subprocess
import sys

import pytest
import torch

from neurarium.checks import ConfigError, DataError, ShapeError
from neurarium.nets.catalog import NETS
from neurarium.nets.generative.autoencoder import Autoencoder
from neurarium.nets.generative.corruption import Corruption
from neurarium.nets.generative.gan import GAN, ScaledSigmoid
from neurarium.nets.generative.specs import AutoencoderSpec, ConvolutionalAutoencoderSpec, DCGANSpec, GANSpec
from neurarium.record.schema import Field, Schema

SPECS = [AutoencoderSpec, ConvolutionalAutoencoderSpec, GANSpec, DCGANSpec]


def schema(
    shape: tuple[int, ...],
    mean: float | None = None,
    std: float = 50.0,
    value_range: tuple[float, float] | None = (0.0, 255.0),
) -> Schema:
    """Without a target, which no net here asks for; means and deviations are those of every channel."""
    scale = ((), ()) if mean is None else ((mean,) * shape[0], (std,) * shape[0])
    return Schema({"x": Field(shape, mean=scale[0], std=scale[1], value_range=value_range)})


@pytest.mark.parametrize("spec", SPECS)
def test_builds_for_gray_and_color(spec) -> None:
    for shape in ((1, 28, 28), (3, 32, 32)):
        for given in (schema(shape, value_range=None), schema(shape), schema(shape, 100.0)):
            net = spec().build(given)
            made = net(torch.zeros(2, *shape))
            assert made.shape == ((2, 1) if isinstance(net, GAN) else (2, *shape))


@pytest.mark.parametrize("spec", [AutoencoderSpec, ConvolutionalAutoencoderSpec])
def test_noise_knows_black_and_white(spec) -> None:
    net = spec(corruption="salt-and-pepper", amount=0.4).build(schema((1, 8, 8), 100.0))
    assert isinstance(net, Autoencoder)
    damage = net.layers.corruption
    assert isinstance(damage, Corruption)
    assert (damage.noise, damage.amount, damage.low.item(), damage.high.item()) == (
        "salt-and-pepper", 0.4, -2.0, pytest.approx(3.1)
    )  # fmt: skip
    assert net.corruption is damage
    assert not any(isinstance(layer, Corruption) for layer in spec().build(schema((1, 8, 8), 100.0)).modules())


def test_pictures_are_made_within_the_value_range_and_points_anywhere() -> None:
    for spec in (GANSpec(), DCGANSpec()):
        images = spec.build(schema((1, 28, 28), 100.0)).sample(20)
        assert images.min() >= -2.0
        assert images.max() <= 3.1
        within = spec.build(schema((1, 28, 28), 100.0)).generator.within
        assert (within.low.item(), within.high.item()) == (-2.0, pytest.approx(3.1))
    points = schema((2,), 0.0, 1.0, None)
    assert not any(isinstance(layer, ScaledSigmoid) for layer in GANSpec().build(points).modules())


@pytest.mark.parametrize(
    "spec",
    [
        AutoencoderSpec(corruption="masking"), ConvolutionalAutoencoderSpec(corruption="gaussian"),
        GANSpec(), DCGANSpec(),
    ],
)  # fmt: skip
def test_the_value_range_must_be_known_where_it_counts(spec) -> None:
    name = next(name for name, kind in NETS.items() if isinstance(spec, kind))
    with pytest.raises(DataError, match=f"value range of the input: .*the net {name} counts on, got none"):
        spec.build(schema((1, 28, 28), 100.0, value_range=None))


@pytest.mark.parametrize("spec", [AutoencoderSpec(), ConvolutionalAutoencoderSpec()])
def test_the_value_range_does_not_matter_without_noise(spec) -> None:
    assert spec.build(schema((1, 28, 28), 100.0, value_range=None)).corruption is None


@pytest.mark.parametrize("spec", SPECS)
def test_same_seed_same_weights(spec) -> None:
    nets = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        nets.append(torch.cat([p.flatten() for p in spec().build(schema((1, 28, 28))).parameters()]))
    assert torch.equal(nets[0], nets[1])
    assert not torch.equal(nets[0], nets[2])


@pytest.mark.parametrize("spec", [ConvolutionalAutoencoderSpec, DCGANSpec])
def test_convolutions_need_pictures_of_a_size_to_be_halved_twice(spec) -> None:
    other = "gan" if spec is DCGANSpec else "autoencoder"
    with pytest.raises(ShapeError, match=rf"images, .* got examples of shape \(13,\); .* the net {other} for vectors"):
        spec().build(schema((13,)))
    with pytest.raises(ShapeError, match="multiples of 4, got 30 x 28"):
        spec().build(schema((1, 30, 28)))


@pytest.mark.parametrize(
    ("spec", "fields", "named"),
    [
        (AutoencoderSpec, {"latent_dim": 0}, "net.latent_dim"),
        (ConvolutionalAutoencoderSpec, {"amount": 1.5}, "net.amount"),
        (AutoencoderSpec, {"amount": math.nan}, "net.amount"),
        (GANSpec, {"latent_dim": 0}, "net.latent_dim"),
        (DCGANSpec, {"penalty": -1.0}, "net.penalty"),
        (DCGANSpec, {"discriminator_rate": 0.0}, "net.discriminator_rate"),
    ],
)
def test_what_no_net_can_be(spec, fields, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        spec(**fields)


def test_no_torch_until_built() -> None:
    code = "import sys, neurarium.nets.generative.specs; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
