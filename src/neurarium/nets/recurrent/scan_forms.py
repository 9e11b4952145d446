"""The scan in torch's own operations: step by step in place, and by halves in logarithmic depth.

Both take a (1 or batch, 1 or time, features), b (batch, time, features) and h0 (batch, features).
"""

from collections.abc import Callable

import torch
from torch import Tensor

Forward = Callable[[Tensor, Tensor, Tensor, bool], Tensor]


def by_steps(a: Tensor, b: Tensor, h0: Tensor, reverse: bool) -> Tensor:
    """One step after the other, each written where it stays."""
    h = torch.empty_like(b, memory_format=torch.contiguous_format)
    factors = a.unbind(1) * (b.shape[1] if a.shape[1] == 1 else 1)
    steps = list(zip(factors, b.unbind(1), h.unbind(1), strict=True))
    before = h0
    for a_t, b_t, h_t in reversed(steps) if reverse else steps:
        torch.addcmul(b_t, a_t, before, out=h_t)
        before = h_t
    return h


def by_halves(a: Tensor, b: Tensor, h0: Tensor, reverse: bool) -> Tensor:
    """Pairs of steps made one, the half as many scanned, what is between filled in: 2 log2(T) passes, T in work.

    Differentiable by autograd as it stands. Products of many factors are kept in twice the precision: near 1 their
    rounding adds up. Where |a| > 1 they may overflow though no state does.

    Source: G. Blelloch, "Prefix sums and their applications", 1990.
    """
    if reverse:
        return by_halves(a.flip(1), b.flip(1), h0, False).flip(1)
    first = b[:, :1] + a[:, :1] * h0[:, None]
    return _halves(a, torch.cat([first, b[:, 1:]], 1))


def _halves(a: Tensor, b: Tensor) -> Tensor:
    time, constant = b.shape[1], a.shape[1] == 1
    if time == 1:
        return b
    a_even, a_odd = (a, a) if constant else (a[:, 0::2], a[:, 1::2])
    b_even, b_odd = b[:, 0::2], b[:, 1::2]
    pairs = b_odd.shape[1]
    both = a_odd.to(_wide(a)) * a_even[:, :pairs]
    h_odd = _halves(both, torch.addcmul(b_odd, a_odd.to(b.dtype), b_even[:, :pairs]))
    later = (a_even if constant else a_even[:, 1:]).to(b.dtype)
    h_even = torch.cat([b_even[:, :1], torch.addcmul(b_even[:, 1:], later, h_odd[:, : b_even.shape[1] - 1])], 1)
    woven = torch.stack([h_even[:, :pairs], h_odd], 2).flatten(1, 2)
    return woven if time % 2 == 0 else torch.cat([woven, h_even[:, -1:]], 1)


def _wide(a: Tensor) -> torch.dtype:
    if a.device.type == "mps":  # has no such numbers
        return a.dtype
    return torch.complex128 if a.is_complex() else torch.float64


def backward_by(
    forward: Forward, a: Tensor, h: Tensor, h0: Tensor, grad: Tensor, reverse: bool, of_a: bool
) -> tuple[Tensor | None, Tensor, Tensor]:
    """Gradients by a (None unless asked for), b and h0 from the gradient by h: a scan the other way.

    g_t = dL/dh_t + conj(a_(t+1)) g_(t+1),    dL/db_t = g_t,    dL/da_t = g_t conj(h_(t-1)),    dL/dh_0 = conj(a_1) g_1
    """
    back = 1 if reverse else -1
    g = forward(a.conj().roll(back, 1), grad, torch.zeros_like(h0), not reverse)
    end = -1 if reverse else 0
    g0 = a[:, end].conj() * g[:, end]
    if not of_a:
        return None, g, g0
    before = torch.cat([h[:, 1:], h0[:, None]] if reverse else [h0[:, None], h[:, :-1]], 1)
    return (g * before.conj()).sum_to_size(a.shape), g, g0
