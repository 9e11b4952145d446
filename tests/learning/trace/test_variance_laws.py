import math

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import torch
from torch import nn

from neurarium.learning.trace.variance_laws import backward_law, forward_law, kernel_fraction
from neurarium.nets.parts.activation import Swish

Q = 2.25


def by_quadrature(function, q: float) -> float:
    """E[f(z)^2], z ~ N(0, q)."""

    def integrand(z: float) -> float:
        return function(z) ** 2 * scipy.stats.norm.pdf(z, scale=math.sqrt(q))

    return sum(scipy.integrate.quad(integrand, *ends, epsabs=1e-10)[0] for ends in ((-15, 0), (0, 15)))


@pytest.mark.parametrize(
    ("layer", "function", "derivative"),
    [
        (nn.ReLU(), lambda z: max(z, 0.0), lambda z: float(z > 0)),
        (nn.ReLU(inplace=True), lambda z: max(z, 0.0), lambda z: float(z > 0)),
        (nn.Tanh(), np.tanh, lambda z: 1 / np.cosh(z) ** 2),
        (nn.Sigmoid(), scipy.stats.logistic.cdf, scipy.stats.logistic.pdf),
        (nn.PReLU(init=0.3), lambda z: z if z > 0 else 0.3 * z, lambda z: 1.0 if z > 0 else 0.3),
        (nn.ELU(), lambda z: z if z > 0 else math.expm1(z), lambda z: 1.0 if z > 0 else math.exp(z)),
        (
            nn.GELU(),
            lambda z: z * scipy.stats.norm.cdf(z),
            lambda z: scipy.stats.norm.cdf(z) + z * scipy.stats.norm.pdf(z),
        ),
        (
            Swish(),
            lambda z: z * scipy.stats.logistic.cdf(z),
            lambda z: scipy.stats.logistic.cdf(z) + z * scipy.stats.logistic.pdf(z),
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_activations_by_quadrature(layer: nn.Module, function, derivative) -> None:
    assert forward_law(layer, Q) == pytest.approx(by_quadrature(function, Q), rel=1e-5)
    assert backward_law(layer, Q) == pytest.approx(by_quadrature(derivative, Q), rel=1e-3)
    assert forward_law(layer, Q, normal=False) is None
    assert backward_law(layer, Q, normal=False) is None


def test_linear_by_the_mean_over_weights() -> None:
    """Signs drawn anew leave E[w^2] and make the weights independent: the mean over draws is the law."""
    torch.manual_seed(0)
    layer = nn.Linear(30, 20)
    x, error = torch.randn(200, 30) * math.sqrt(Q) + 0.5, torch.randn(200, 20)
    q, d = x.square().mean().item(), error.square().mean().item()
    forwards, backwards = [], []
    for _ in range(400):
        weight = layer.weight.detach() * (torch.randint(0, 2, (20, 30)) * 2 - 1)
        forwards.append((x @ weight.T + layer.bias).square().mean().item())
        backwards.append((error @ weight).square().mean().item())
    assert forward_law(layer, q) == pytest.approx(np.mean(forwards), rel=0.02)
    assert backward_law(layer, q, per_input=20 / 30) * d == pytest.approx(np.mean(backwards), rel=0.02)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 5, 3, padding=1),
        nn.Conv2d(4, 6, (3, 2), stride=2, padding=(2, 0), groups=2),
        nn.Conv1d(2, 3, 3, dilation=2, padding=2),
        nn.Conv2d(2, 3, 3, padding="same", padding_mode="circular"),
    ],
    ids=["padded", "groups", "dilated", "circular"],
)
def test_convolutions_by_the_mean_over_weights(layer: nn.Module) -> None:
    """White noise in, weights drawn anew with the same mean square: padding, stride, groups and all."""
    torch.manual_seed(0)
    space = (7, 9) if isinstance(layer, nn.Conv2d) else (11,)
    x = torch.randn(60, layer.in_channels, *space, requires_grad=True)
    with torch.no_grad():
        layer.bias.fill_(0.5)
    fraction = kernel_fraction(layer, x.shape)
    forwards, backwards = [], []
    size = layer.weight.detach().square().mean().sqrt()
    for _ in range(150):
        with torch.no_grad():
            layer.weight.copy_(torch.randn_like(layer.weight))
            layer.weight.mul_(size / layer.weight.square().mean().sqrt())
        y = layer(x)
        forwards.append(y.square().mean().item())
        backwards.append(torch.autograd.grad(y, x, torch.randn_like(y))[0].square().mean().item())
    per_input = y.numel() / x.numel()
    assert forward_law(layer, x.square().mean().item(), fraction) == pytest.approx(np.mean(forwards), rel=0.04)
    assert backward_law(layer, 1.0, fraction, per_input) == pytest.approx(np.mean(backwards), rel=0.04)


def test_share_of_a_padded_kernel_by_hand() -> None:
    # 4 corners see 4 of 9, 8 edges 6 of 9, 4 inner ones all
    assert kernel_fraction(nn.Conv2d(7, 8, 3, padding=1), torch.Size([5, 7, 4, 4])) == pytest.approx(
        (4 * 4 + 8 * 6 + 4 * 9) / (16 * 9)
    )
    assert kernel_fraction(nn.Conv2d(7, 8, 3), torch.Size([5, 7, 4, 4])) == 1
    assert kernel_fraction(nn.Linear(3, 4), torch.Size([5, 3])) == 1


def test_normalization() -> None:
    torch.manual_seed(0)
    gamma, beta = torch.tensor([1.0, 2.0, 3.0, 0.0]), torch.tensor([0.5, 0.0, -0.5, 1.0])
    x = torch.randn(5000, 4) * 3
    # E[gamma^2] = 14/4, E[beta^2] = 1.5/4
    assert forward_law(nn.LayerNorm(4, elementwise_affine=False, eps=0.0), 9.0) == 1
    layer = nn.LayerNorm(4, eps=1.0)
    with torch.no_grad():
        layer.weight.copy_(gamma)
        layer.bias.copy_(beta)
    assert forward_law(layer, 9.0) == pytest.approx(3.5 * 0.9 + 0.375)
    assert backward_law(layer, 9.0) == pytest.approx(3.5 / 10)

    batch = nn.BatchNorm1d(4, eps=1e-9)
    with torch.no_grad():
        batch.weight.copy_(gamma)
        batch.bias.copy_(beta)
    batch.eval()
    assert forward_law(batch, 9.0) == pytest.approx(3.5 * 9 + 0.375)  # no statistics yet: it passes on what comes
    assert batch(x).square().mean().item() == pytest.approx(3.5 * 9 + 0.375, rel=0.05)
    batch.momentum = None
    assert forward_law(batch.train(), 9.0) == pytest.approx(3.5 + 0.375)
    assert backward_law(batch, 9.0) == pytest.approx(3.5 / 9)
    batch(x)
    batch.eval()
    assert forward_law(batch, 9.0) == pytest.approx(3.5 + 0.375)
    assert batch(x).square().mean().item() == pytest.approx(3.5 + 0.375, rel=0.01)
    assert backward_law(batch, 9.0) == pytest.approx(3.5 / 9, rel=0.05)


def test_layers_without_a_law() -> None:
    for layer in (nn.MaxPool2d(2), nn.AvgPool2d(2), nn.LSTM(3, 4), nn.Softmax(1)):
        assert forward_law(layer, Q) is None
        assert backward_law(layer, Q) is None


def test_dropout() -> None:
    assert forward_law(nn.Dropout(0.9).eval(), Q) == forward_law(nn.Flatten(), Q) == Q
    torch.manual_seed(0)
    layer, x = nn.Dropout(0.3), math.sqrt(Q) * torch.randn(100_000)
    assert forward_law(layer, Q) == pytest.approx(layer(x).square().mean().item(), rel=0.02)
    assert backward_law(layer, Q) * Q == forward_law(layer, Q)
    assert forward_law(nn.Dropout(1.0), Q) == 0
    assert forward_law(nn.AlphaDropout(0.5), Q) is backward_law(nn.AlphaDropout(0.5), Q) is None
