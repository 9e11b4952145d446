import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from neurarium.checks import ConfigError
from neurarium.nets.parts.normalization.layer import EPS, layer_norm, make_layer_norm, scale_deviation_bound

DOUBLE = torch.float64


@pytest.mark.parametrize("shape", [(6,), (4, 6), (2, 3, 6)])
def test_equals_torch_in_value_and_gradient(shape: tuple[int, ...]) -> None:
    peer = nn.LayerNorm(6).to(DOUBLE)
    for p in peer.parameters():
        nn.init.normal_(p)
    x = torch.randn(shape, dtype=DOUBLE, requires_grad=True)
    ours, theirs = layer_norm(x, peer.weight, peer.bias), peer(x)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    signal = torch.randn(shape, dtype=DOUBLE)
    expected = torch.autograd.grad(theirs, [x, *peer.parameters()], signal)
    for mine, right in zip(torch.autograd.grad(ours, [x, *peer.parameters()], signal), expected, strict=True):
        torch.testing.assert_close(mine, right, rtol=1e-9, atol=1e-10)


def _normalized(alpha: float, size: float, eps: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """LN(a W x + a b), LN(W x + b), and the variance of W x + b."""
    generator = torch.Generator().manual_seed(0)
    W, b, x = (size * torch.randn(s, dtype=DOUBLE, generator=generator) for s in ((7, 5), (7,), (3, 5)))
    one, zero = torch.ones(7, dtype=DOUBLE), torch.zeros(7, dtype=DOUBLE)
    before = x @ W.T + b
    scaled = layer_norm(x @ (alpha * W).T + alpha * b, one, zero, eps)
    return scaled, layer_norm(before, one, zero, eps), before.var(1, correction=0)


@given(alpha=st.floats(1e-3, 1e3), size=st.floats(0.05, 10))
def test_scale_of_the_layer_before_does_not_matter(alpha: float, size: float) -> None:
    # exactly without eps (errata E24); within the derived bound with it
    scaled, expected, _ = _normalized(alpha, size, eps=0.0)
    torch.testing.assert_close(scaled, expected, rtol=1e-10, atol=1e-10)
    scaled, expected, variance = _normalized(alpha, size, EPS)
    bound = scale_deviation_bound(variance, alpha)[:, None] * expected.abs()
    assert ((scaled - expected).abs() <= bound * (1 + 1e-6) + 1e-13).all()


def test_the_bound_is_close_where_the_variance_is_far_above_eps() -> None:
    scaled, expected, variance = _normalized(0.5, 1.0, EPS)
    off = ((scaled - expected) / expected).abs()
    torch.testing.assert_close(off, scale_deviation_bound(variance, 0.5)[:, None].expand_as(off), rtol=1e-4, atol=1e-12)
    assert off.min() > 1e-8  # the invariance is not exact


def test_a_negative_factor_turns_the_sign() -> None:
    scaled, expected, _ = _normalized(-2.0, 1.0, eps=0.0)
    torch.testing.assert_close(scaled, -expected, rtol=1e-10, atol=1e-10)


def test_one_unit_is_refused() -> None:
    with pytest.raises(ConfigError, match="norm: expected batch, weight or none for a layer of one unit"):
        make_layer_norm(1)
