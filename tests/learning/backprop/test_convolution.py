import numpy as np
import pytest
import torch
from torch.nn import functional as F

from neurarium.checks import ShapeError
from neurarium.learning.backprop.convolution import convolution_backward, convolution_forward

SETTINGS = [
    {},
    {"stride": 2},
    {"padding": 2},
    {"dilation": 2},
    {"groups": 2},
    {"stride": 2, "padding": 1, "dilation": 2, "groups": 2},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_finite_differences(axes: int, settings: dict, draw, gradcheck) -> None:
    x, weight, bias = draw(2, 2, *(6, 5, 5)[:axes]), draw(2, 2 // settings.get("groups", 1), *(3, 2, 2)[:axes]), draw(2)
    gradcheck(lambda *args: convolution_forward(*args, **settings), convolution_backward, x, weight, bias)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_equality_with_autograd(settings: dict, draw) -> None:
    x, weight = draw(2, 4, 9, 8).requires_grad_(), draw(6, 4 // settings.get("groups", 1), 3, 2).requires_grad_()
    expected = F.conv2d(x, weight, **settings)
    delta = draw(*expected.shape)
    expected.backward(delta)
    y, cache = convolution_forward(x.detach(), weight.detach(), **settings)
    dx, dweight, dbias = convolution_backward(delta, cache)
    torch.testing.assert_close(y, expected.detach())
    torch.testing.assert_close(dx, x.grad)
    torch.testing.assert_close(dweight, weight.grad)
    assert dbias is None


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_volumes_against_autograd(settings: dict, draw) -> None:
    x, weight = draw(2, 4, 6, 5, 7).requires_grad_(), draw(6, 4 // settings.get("groups", 1), 3, 2, 3).requires_grad_()
    bias = draw(6).requires_grad_()
    expected = F.conv3d(x, weight, bias, **settings)
    delta = draw(*expected.shape)
    expected.backward(delta)
    y, cache = convolution_forward(x.detach(), weight.detach(), bias.detach(), **settings)
    wanted = (expected, x.grad, weight.grad, bias.grad)
    for got, right in zip((y, *convolution_backward(delta, cache)), wanted, strict=True):
        torch.testing.assert_close(got, right.detach())


def test_the_sums_of_the_docstring_written_out(draw) -> None:
    x, weight, s, p, e = draw(2, 3, 7), draw(4, 3, 2), 2, 1, 3
    y, cache = convolution_forward(x, weight, torch.zeros(4, dtype=torch.float64), stride=s, padding=p, dilation=e)
    delta = draw(*y.shape)
    dx, dweight, dbias = convolution_backward(delta, cache)
    d, signals = np.zeros((2, 3, 7)), delta.numpy()
    dw = np.zeros((4, 3, 2))
    for u in range(y.shape[2]):
        for t in range(2):
            v = s * u - p + e * t
            if 0 <= v < 7:
                dw[:, :, t] += signals[:, :, u].T @ x.numpy()[:, :, v]
                d[:, :, v] += signals[:, :, u] @ weight.numpy()[:, :, t]
    np.testing.assert_allclose(dx.numpy(), d, atol=1e-12)
    np.testing.assert_allclose(dweight.numpy(), dw, atol=1e-12)
    np.testing.assert_allclose(dbias.numpy(), signals.sum((0, 2)), atol=1e-12)


def test_the_lowest_layer_needs_no_signal_for_its_input(draw) -> None:
    y, cache = convolution_forward(draw(1, 1, 4, 4), draw(2, 1, 3, 3))
    dx, dweight, _ = convolution_backward(torch.ones_like(y), cache, to_input=False)
    assert dx is None
    assert dweight.shape == (2, 1, 3, 3)


def test_bad_shapes() -> None:
    with pytest.raises(ShapeError, match="2 channels"):
        convolution_forward(torch.zeros(1, 3, 5), torch.zeros(4, 2, 3))
    with pytest.raises(ShapeError, match="one to three axes"):
        convolution_forward(torch.zeros(1, 2, 5, 5, 5, 5), torch.zeros(4, 2, 3, 3, 3, 3))
