import numpy as np
import pytest
import torch
from torch.nn import functional as F

from neurarium.learning.backprop.attention import attention_backward, attention_forward


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
@pytest.mark.parametrize("scale", [None, 1.0])
def test_finite_differences(batch: tuple[int, ...], scale: float | None, draw, gradcheck) -> None:
    gradcheck(
        lambda *qkv: attention_forward(*qkv, scale=scale),
        attention_backward,
        draw(*batch, 2, 3),
        draw(*batch, 4, 3),
        draw(*batch, 4, 2),
    )


def test_equality_with_torch_and_its_gradients(draw) -> None:
    q, k, v = (t.requires_grad_() for t in (draw(2, 3, 5, 4), draw(2, 3, 6, 4), draw(2, 3, 6, 7)))
    expected = F.scaled_dot_product_attention(q, k, v)
    delta = draw(2, 3, 5, 7)
    expected.backward(delta)
    c, cache = attention_forward(q.detach(), k.detach(), v.detach())
    torch.testing.assert_close(c, expected.detach())
    for ours, theirs in zip(attention_backward(delta, cache), (q, k, v), strict=True):
        torch.testing.assert_close(ours, theirs.grad)


def test_the_column_form_of_the_notes_is_the_transpose_with_scale_one(draw) -> None:
    q, k, v = draw(3, 4), draw(5, 4), draw(5, 2)  # positions in rows
    Q, K, V = q.numpy().T, k.numpy().T, v.numpy().T  # positions in columns
    scores = K.T @ Q
    weights = np.exp(scores) / np.exp(scores).sum(0)  # over the T = 5 positions of the keys (E16)
    np.testing.assert_allclose(attention_forward(q, k, v, scale=1.0)[0].numpy().T, V @ weights)
