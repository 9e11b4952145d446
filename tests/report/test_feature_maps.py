import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.lenet import LeNet5
from neurarium.nets.convolutional.neocognitron import Neocognitron
from neurarium.report.feature_maps import feature_maps_figure

X = torch.randn(1, 28, 28, generator=torch.Generator().manual_seed(0))


def test_maps_are_those_of_the_layer():
    torch.manual_seed(0)
    net = LeNet5()
    figure = feature_maps_figure(net, X, layer="c1")
    figure.draw_without_rendering()
    seen, made, _ = figure.axes
    expected = torch.nn.functional.conv2d(X[None], net.layers.c1.weight, net.layers.c1.bias, padding=2)[0].detach()
    whole = np.ma.filled(made.images[0].get_array().astype(float), np.nan)
    assert whole.shape == (2 * 29 - 1, 4 * 29 - 1)
    np.testing.assert_allclose(whole[29:57, 29:57], expected[5], atol=1e-5)
    low, high = made.images[0].get_clim()
    assert -low == high == pytest.approx(expected.abs().max().item(), rel=1e-4)
    assert seen.get_xlabel() == "image, 28 x 28"
    assert made.get_xlabel() == "6 channels, 28 x 28 each, in rows from the top left"


def test_maps_without_signs_begin_at_zero_and_raw_pixels_are_shown():
    raw = np.arange(784, dtype=np.uint16).astype(np.uint8).reshape(1, 28, 28)
    figure = feature_maps_figure(Neocognitron(), X, raw, most=20)
    seen, made, _ = figure.axes
    np.testing.assert_allclose(seen.images[0].get_array(), raw[0] / 255)
    assert made.images[0].get_clim()[0] == 0
    assert figure.get_suptitle() == "What c2 makes of an image"
    assert made.get_xlabel().startswith("the first 20 of 36 channels, 7 x 7")


def test_raw_numbers_are_stretched_between_the_ends():
    raw = np.linspace(-1, 3, 784).reshape(1, 28, 28)
    seen = feature_maps_figure(LeNet5(), X, raw, ends=(0.0, 2.0)).axes[0]
    np.testing.assert_allclose(seen.images[0].get_array(), (raw[0] / 2).clip(0, 1))


def test_bad_input():
    with pytest.raises(ShapeError, match="one image"):
        feature_maps_figure(LeNet5(), X[None])
    with pytest.raises(ConfigError, match=r"got \'c33\'; did you mean c3"):
        feature_maps_figure(LeNet5(), X, layer="c33")
