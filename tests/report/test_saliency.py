import numpy as np
import pytest
import torch

from neurarium.checks import ConfigError, ShapeError
from neurarium.nets.convolutional.lenet import LeNet5
from neurarium.nets.feedforward.mlp import MLP
from neurarium.report.saliency import saliency_figure

X = torch.randn(2, 3, 16, 20, generator=torch.Generator().manual_seed(0))
RAW = torch.randint(256, X.shape, generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
CLASSES, LABELS = torch.tensor([1, 2]), ("said cat (98 %),\nis dog", "said $x")


@pytest.fixture
def net():
    torch.manual_seed(0)
    return LeNet5(channels=3, size=(16, 20), outputs=4)


def test_a_row_an_image(net):
    figure = saliency_figure(net, X, RAW, CLASSES, LABELS, "c3")
    figure.draw_without_rendering()
    assert len(figure.axes) == 8
    assert figure.axes[0].get_ylabel() == LABELS[0]
    assert figure.axes[3].get_title() == "Grad-CAM"
    assert figure.get_supxlabel().endswith("Grad-CAM of layer layers.c3")
    for row in range(2):
        image, slope, fraction, seen = figure.axes[4 * row : 4 * row + 4]
        np.testing.assert_allclose(image.images[0].get_array(), RAW[row].permute(1, 2, 0) / 255)
        assert [len(axes.images) for axes in (image, slope, fraction, seen)] == [1, 1, 1, 2]
        low, high = fraction.images[0].get_clim()
        assert -low == high == pytest.approx(np.abs(fraction.images[0].get_array()).max())
        assert seen.images[1].get_array().shape == (16, 20)


def test_raw_numbers_are_stretched_between_the_ends(net):
    figure = saliency_figure(net, X, RAW.float(), CLASSES, LABELS, ends=(0.0, 510.0))
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), RAW[0].permute(1, 2, 0) / 510)


def test_gradients_are_those_of_the_class(net):
    figure = saliency_figure(net, X, RAW, CLASSES, LABELS)
    x = X.clone().requires_grad_()
    net(x)[1, 2].backward()
    np.testing.assert_allclose(figure.axes[5].images[0].get_array(), x.grad[1].abs().amax(0), atol=1e-6)


def test_bad_input(net):
    with pytest.raises(ShapeError, match=r"as many as raw ones, classes and labels, got \(2, 3, 16, 20\) with 2, 2, 1"):
        saliency_figure(net, X, RAW, CLASSES, LABELS[:1])
    with pytest.raises(ShapeError, match="at least one image"):
        saliency_figure(net, X[:0], RAW[:0], CLASSES[:0], ())
    with pytest.raises(ConfigError, match="convolutional layers"):
        saliency_figure(MLP((960, 4)), X, RAW, CLASSES, LABELS)
