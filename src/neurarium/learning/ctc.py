"""Connectionist temporal classification: rows of tokens learned from longer series without knowing when each is said.

A net says at every step a token or a blank, p_t(k). A path of T of them says the row that is left when repetitions are
taken together and blanks taken out: "hh-ee-l-ll-o" says "hello". A row is as probable as all paths that say it:

    p(y | x) = sum over paths that say y of prod_t p_t(path_t)

With z = (blank, y_1, blank, y_2, ..., y_L, blank) and a_t(s) the probability of all beginnings of paths that have come
to z_s at step t,

    a_t(s) = p_t(z_s) (a_(t-1)(s) + a_(t-1)(s - 1) + a_(t-1)(s - 2)),    p(y | x) = a_T(2 L + 1) + a_T(2 L),

the last term in brackets only where z_s is no blank and differs from z_(s-2). A row of L tokens of which R equal the
one before needs L + R steps; in fewer it is impossible.

Source: A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber, "Connectionist temporal classification: labelling unsegmented
sequence data with recurrent neural networks", 2006.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

# log of a probability that none has, finite so that gradients are; its distance to true ones outlasts any series
_NEVER = -1e30


def ctc_forward(
    log_p: Float[Tensor, "batch time tokens"],
    targets: Int[Tensor, "batch longest"],
    lengths: Int[Tensor, "batch"],
    target_lengths: Int[Tensor, "batch"],
    blank: int = 0,
) -> Float[Tensor, "batch"]:
    """-log p(y | x) of each row by the recursion above, in logarithms; infinite where it is impossible.

    Args:
        log_p: log p_t(k); what stands behind a row's length changes nothing.
        targets: no blanks within their lengths; whatever behind.

    Example:
        >>> half = torch.full((1, 2, 2), 0.5).log()  # two steps; "1-", "-1" and "11" say "1"
        >>> ctc_forward(half, torch.tensor([[1]]), torch.tensor([2]), torch.tensor([1])).neg().exp()
        tensor([0.7500])
    """
    z, may_skip = _with_blanks(targets, blank)
    emitted = log_p.gather(2, z[:, None, :].expand(-1, log_p.shape[1], -1))
    never = torch.full_like(emitted[:, 0], _NEVER)
    reached = torch.cat([emitted[:, 0, :2], never[:, 2:]], 1)
    for t in range(1, log_p.shape[1]):
        one = torch.cat([never[:, :1], reached[:, :-1]], 1)
        two = torch.cat([never[:, :2], reached[:, :-2]], 1)
        ways = torch.stack([reached, one, torch.where(may_skip, two, never)])
        there = (t < lengths)[:, None]
        reached = torch.where(there, emitted[:, t] + ways.logsumexp(0), reached)
    row = torch.arange(len(z), device=z.device)
    last = reached[row, 2 * target_lengths]
    before = torch.where(target_lengths > 0, reached[row, (2 * target_lengths - 1).clamp(min=0)], never[:, 0])
    return -torch.logaddexp(last, before).masked_fill(needed(targets, target_lengths) > lengths, -torch.inf)


def ctc_loss(
    log_p: Float[Tensor, "batch time tokens"],
    targets: Int[Tensor, "batch longest"],
    lengths: Int[Tensor, "batch"],
    target_lengths: Int[Tensor, "batch"],
    blank: int = 0,
) -> Float[Tensor, "batch"]:
    """The same by torch's kernel."""
    filled = targets.clamp(min=0)
    return F.ctc_loss(log_p.transpose(0, 1), filled, lengths, target_lengths, blank, reduction="none")


def needed(targets: Int[Tensor, "batch longest"], target_lengths: Int[Tensor, "batch"]) -> Int[Tensor, "batch"]:
    """Steps that a row of tokens needs at least.

    Example:
        >>> needed(torch.tensor([[7, 7, 7, 3]]), torch.tensor([3]))  # 7-7-7
        tensor([5])
    """
    place = torch.arange(1, max(targets.shape[1], 1), device=targets.device)
    repeated = (targets[:, 1:] == targets[:, :-1]) & (place < target_lengths[:, None])
    return target_lengths + repeated.sum(1)


def said_by(path: Sequence[int], blank: int = 0) -> list[int]:
    """The row that a path says.

    Example:
        >>> said_by([0, 2, 2, 0, 2, 1, 1])
        [2, 2, 1]
    """
    return [token for before, token in zip([blank, *path], path, strict=False) if token not in (before, blank)]


def _with_blanks(targets: Tensor, blank: int) -> tuple[Tensor, Tensor]:
    """z, and where a path may come from the token before the last blank."""
    batch, longest = targets.shape
    z = torch.full((batch, 2 * longest + 1), blank, dtype=torch.long, device=targets.device)
    z[:, 1::2] = targets.clamp(min=0)
    may_skip = torch.zeros_like(z, dtype=torch.bool)
    may_skip[:, 3::2] = z[:, 3::2] != z[:, 1:-2:2]
    return z, may_skip
