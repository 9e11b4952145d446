import torch

from neurarium.nets.attention.alignment import AdditiveAttention, MultiplicativeAttention, masked_softmax


def test_softmax_over_what_is_seen() -> None:
    scores = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [1.0, 1.0, 1.0]], requires_grad=True)
    seen = torch.tensor([[True, True, False], [True, True, True], [False, False, False]])
    weights = masked_softmax(scores, seen)
    torch.testing.assert_close(weights[0, :2], torch.tensor([1.0, 2.0]).softmax(0))
    torch.testing.assert_close(weights[1], scores[1].softmax(0))
    assert weights[2].tolist() == [0, 0, 0]
    (gradient,) = torch.autograd.grad((weights * torch.tensor([1.0, -2.0, 5.0])).sum(), scores)
    assert gradient.isfinite().all()
    assert gradient[2].tolist() == [0, 0, 0]
    assert gradient[0, 2] == 0


def test_order_of_the_source_makes_no_difference() -> None:
    """Attention sees a set: keys in another order give the same context."""
    for module in (AdditiveAttention(4, 3), MultiplicativeAttention(4, 3)):
        queries, keys, lengths = torch.randn(2, 5, 4), torch.randn(2, 6, 3), torch.tensor([6, 6])
        order = torch.randperm(6)
        context, weights = module(queries, keys, lengths)
        other, permuted = module(queries, keys[:, order], lengths)
        torch.testing.assert_close(other, context)
        torch.testing.assert_close(permuted, weights[:, :, order])
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 5))
