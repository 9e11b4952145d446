import pytest
import torch
from torch import nn

from neurarium.nets.parts.normalization.weight import weight_norm, weight_norm_gradients, weight_normalized

DOUBLE = torch.float64
SHAPES = [(4, 3), (4, 3, 2, 2)]


def _draw(shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    v = torch.randn(shape, dtype=DOUBLE, requires_grad=True)
    g = torch.tensor([1.5, -2.0, 0.1, 7.0], dtype=DOUBLE, requires_grad=True)
    return v, g


@pytest.mark.parametrize("shape", SHAPES)
def test_length_is_that_of_g_and_direction_that_of_v(shape: tuple[int, ...]) -> None:
    v, g = _draw(shape)
    w = weight_norm(v, g)
    torch.testing.assert_close(w.flatten(1).norm(dim=1), g.abs(), rtol=1e-12, atol=0.0)
    cosine = torch.cosine_similarity(w.flatten(1), v.flatten(1))
    torch.testing.assert_close(cosine, g.sign(), rtol=1e-12, atol=0.0)
    torch.testing.assert_close(weight_norm(3.7 * v, g), w, rtol=1e-12, atol=1e-12)
    peer = torch._weight_norm(v, g.reshape(-1, *[1] * (v.ndim - 1)), 0)
    torch.testing.assert_close(w, peer, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_those_of_autograd_and_dv_is_orthogonal_to_v(shape: tuple[int, ...]) -> None:
    v, g = _draw(shape)
    dw = torch.randn(shape, dtype=DOUBLE)
    expected = torch.autograd.grad(weight_norm(v, g), [v, g], dw)
    dv, dg = weight_norm_gradients(dw, v.detach(), g.detach())
    torch.testing.assert_close(dv, expected[0], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(dg, expected[1], rtol=1e-10, atol=1e-10)
    assert (dv * v).flatten(1).sum(1).abs().max() < 1e-10
    assert torch.autograd.gradcheck(weight_norm, (v, g))


def test_gradient_is_the_projection_of_the_notes() -> None:
    v, g = (t.detach() for t in _draw((4, 3)))
    dw, w = torch.randn(4, 3, dtype=DOUBLE), weight_norm(v, g)
    dv, _ = weight_norm_gradients(dw, v, g)
    for unit in range(4):
        projection = torch.eye(3, dtype=DOUBLE) - torch.outer(w[unit], w[unit]) / w[unit].dot(w[unit])
        torch.testing.assert_close(dv[unit], g[unit] / v[unit].norm() * projection @ dw[unit], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layer", [nn.Linear(5, 3), nn.Conv2d(2, 4, 3, bias=False)])
def test_a_layer_keeps_its_weight_and_learns_length_and_direction(layer: nn.Linear | nn.Conv2d) -> None:
    before = layer.weight.detach().clone()
    same = weight_normalized(layer)
    assert same is layer
    torch.testing.assert_close(layer.weight, before)
    length, direction = layer.parametrizations.weight.original0, layer.parametrizations.weight.original1
    with torch.no_grad():
        length *= 2
        direction *= 5
    torch.testing.assert_close(layer.weight, 2 * before)


def test_descent_only_lengthens_v() -> None:
    layer = weight_normalized(nn.Linear(5, 3).to(DOUBLE))
    direction = layer.parametrizations.weight.original1
    optimizer = torch.optim.SGD([direction], lr=0.1)
    lengths = [direction.detach().norm(dim=1)]
    for _ in range(5):
        optimizer.zero_grad()
        layer(torch.randn(8, 5, dtype=DOUBLE)).square().sum().backward()
        optimizer.step()
        lengths.append(direction.detach().norm(dim=1))
        assert (lengths[-1] > lengths[-2]).all()
