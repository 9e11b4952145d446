import pytest
import torch
from torch.nn import functional as F

from neurarium.checks import ShapeError
from neurarium.learning.backprop.normalization import (
    batch_norm_backward,
    batch_norm_forward,
    layer_norm_backward,
    layer_norm_forward,
)


def test_layer_norm_by_finite_differences(draw, gradcheck) -> None:
    gradcheck(layer_norm_forward, layer_norm_backward, draw(2, 3, 4), draw(4), draw(4))
    gradcheck(layer_norm_forward, lambda delta, cache: layer_norm_backward(delta, cache)[0], draw(3, 4))


@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2), (2, 3, 2, 2)])
def test_batch_norm_by_finite_differences(shape: tuple[int, ...], draw, gradcheck) -> None:
    gradcheck(batch_norm_forward, batch_norm_backward, draw(*shape), draw(3), draw(3))
    statistics = (draw(3), draw(3).square() + 0.1)
    gradcheck(
        lambda *args: batch_norm_forward(*args, statistics=statistics),
        batch_norm_backward,
        draw(*shape),
        draw(3),
        draw(3),
    )


def test_layer_norm_against_torch(draw) -> None:
    x, gamma, beta = (t.requires_grad_() for t in (draw(5, 2, 6), draw(6), draw(6)))
    expected = F.layer_norm(x, (6,), gamma, beta, eps=0.01)
    delta = draw(5, 2, 6)
    expected.backward(delta)
    y, cache = layer_norm_forward(x.detach(), gamma.detach(), beta.detach(), eps=0.01)
    torch.testing.assert_close(y, expected.detach())
    for ours, theirs in zip(layer_norm_backward(delta, cache), (x, gamma, beta), strict=True):
        torch.testing.assert_close(ours, theirs.grad)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(7, 4), (3, 4, 5, 2)])
def test_batch_norm_against_torch(shape: tuple[int, ...], training: bool, draw) -> None:
    x, gamma, beta = (t.requires_grad_() for t in (draw(*shape), draw(4), draw(4)))
    mean, variance = draw(4), draw(4).square()
    expected = F.batch_norm(x, mean.clone(), variance.clone(), gamma, beta, training=training, eps=0.01)
    delta = draw(*shape)
    expected.backward(delta)
    y, cache = batch_norm_forward(
        x.detach(), gamma.detach(), beta.detach(), 0.01, statistics=None if training else (mean, variance)
    )
    torch.testing.assert_close(y, expected.detach())
    for ours, theirs in zip(batch_norm_backward(delta, cache), (x, gamma, beta), strict=True):
        torch.testing.assert_close(ours, theirs.grad)


def test_the_signal_behind_a_normalization_has_no_mean_and_no_part_along_its_output(draw) -> None:
    _, cache = layer_norm_forward(draw(3, 8), eps=0.0)
    dx, _, _ = layer_norm_backward(draw(3, 8), cache)
    torch.testing.assert_close(dx.sum(1), torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close((dx * cache.z).sum(1), torch.zeros(3, dtype=torch.float64))


def test_one_number_a_feature_is_refused() -> None:
    with pytest.raises(ShapeError, match="more than one number"):
        batch_norm_forward(torch.zeros(1, 3))
