import torch
from torch.nn import functional as F

from neurarium.learning.backprop.embedding import embedding_backward, embedding_forward

TOKENS = torch.tensor([[3, 0, 3], [1, 3, 4]])


def test_finite_differences(draw, gradcheck) -> None:
    gradcheck(lambda weight: embedding_forward(TOKENS, weight), embedding_backward, draw(5, 2))


def test_equality_with_torch_and_with_one_hot_codes(draw) -> None:
    weight, delta = draw(5, 2).requires_grad_(), draw(2, 3, 2)
    F.embedding(TOKENS, weight, padding_idx=3).backward(delta)
    y, cache = embedding_forward(TOKENS, weight.detach(), padding_token=3)
    torch.testing.assert_close(embedding_backward(delta, cache), weight.grad)
    codes = F.one_hot(TOKENS, 5).double()
    torch.testing.assert_close(y, codes @ weight.detach())
    _, cache = embedding_forward(TOKENS, weight.detach())
    torch.testing.assert_close(embedding_backward(delta, cache), torch.einsum("btv,btf->vf", codes, delta))
