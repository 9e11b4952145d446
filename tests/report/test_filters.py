import numpy as np
import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError
from neurarium.nets.convolutional.lenet import LeNet5
from neurarium.nets.convolutional.neocognitron import Neocognitron
from neurarium.nets.feedforward.mlp import MLP
from neurarium.report.filters import filters_figure, find_filters, mosaic


def drawn(figure):
    (image,) = figure.axes[0].images
    return np.ma.filled(image.get_array().astype(float), np.nan), image.get_clim()


def test_filters_of_one_channel_on_one_scale():
    net = LeNet5()
    figure = filters_figure(net)
    figure.draw_without_rendering()
    whole, limits = drawn(figure)
    weight = net.layers.c1.weight.detach().numpy()
    assert whole.shape == (5, 6 * 6 - 1)
    for n in range(6):
        np.testing.assert_allclose(whole[:, 6 * n : 6 * n + 5], weight[n, 0], rtol=1e-6)
    assert np.isnan(whole[:, 5]).all()
    assert limits == pytest.approx((-np.abs(weight).max(), np.abs(weight).max()))
    assert figure.get_suptitle() == "Filters of layers.c1"
    assert figure.axes[0].get_xlabel() == "6 filters of 5 x 5"


def test_a_filter_for_each_pair_of_planes():
    net = LeNet5()
    figure = filters_figure(net, "c3", most=10)
    whole, _ = drawn(figure)
    assert whole.shape == (6 * 6 - 1, 10 * 6 - 1)
    np.testing.assert_allclose(whole[12:17, 42:47], net.layers.c3.weight[7, 2].detach().numpy(), rtol=1e-6)
    assert figure.axes[0].get_xlabel() == "the first 10 of 16 filters of 5 x 5"
    assert figure.axes[0].get_ylabel() == "channel below"


def test_colors_are_stretched_together():
    net = nn.Sequential(nn.Conv2d(3, 2, 3))
    with torch.no_grad():
        net[0].weight.copy_(torch.linspace(-1, 3, 54).reshape(2, 3, 3, 3))
    (image,) = filters_figure(net).axes[0].images
    whole = np.asarray(image.get_array())
    assert whole.shape == (3, 7, 3)
    np.testing.assert_allclose(whole[:, 4:], (net[0].weight[1].detach().permute(1, 2, 0) + 1) / 4, atol=1e-6)
    np.testing.assert_allclose(whole[:, 3], 1.0)


def test_many_channels_are_cut_short():
    figure = filters_figure(nn.Sequential(nn.Conv2d(20, 3, 1)))
    assert figure.axes[0].get_xlabel() == "3 filters, 16 of 20 channels of 1 x 1"
    figure.draw_without_rendering()


def test_layers_are_found_by_name():
    net = Neocognitron()
    assert find_filters(net)[0] == "s1"
    assert find_filters(net, "s2")[1] is net.s2.weight
    assert find_filters(LeNet5(), "layers.c3")[0] == find_filters(LeNet5(), "c3")[0]
    with pytest.raises(ConfigError, match=r"layer: expected one of c1, c3, got 'c33'; did you mean c3\?"):
        filters_figure(LeNet5(), "c33")
    with pytest.raises(ConfigError, match=r"net: expected convolutional layers.*got MLP, which has none"):
        filters_figure(MLP((4, 3, 2)))


def test_mosaic():
    tiles = [np.full((2, 1), float(n)) for n in range(3)]
    nan = np.nan
    expected = [[0, nan, 1], [0, nan, 1], [nan, nan, nan], [2, nan, nan], [2, nan, nan]]
    np.testing.assert_array_equal(mosaic(tiles, columns=2), expected)
