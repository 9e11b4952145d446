"""How patterns become couplings: Hebb's rule, the pseudo-inverse, Storkey's rule.

    Hebb            W = 1/n sum_t x_t x_t^T                           each pattern by itself
    pseudo-inverse  W = X^T (X X^T)^+ X                               projection onto the span of the patterns
    Storkey         w_ij += 1/n (x_i x_j - x_i h_ji - h_ij x_j),      pattern by pattern, from local knowledge
                    h_ij = sum_{k != i,j} w_ik x_k

X holds the patterns in rows, s of them with n neurons; w_ii = 0 afterwards. Hebb's rule expects patterns that are
nearly orthogonal, as random ones are; images are not. The pseudo-inverse makes every pattern a fixed point, however
they overlap; Storkey's rule lies between the two. The first two keep 2 s n numbers, Storkey's rule n^2.

Departs from the notes: 004 demands w_ii = 0 but prints Hebb's rule with the diagonal s/n, which pins every unit to the
state it has: more patterns are fixed points, and so are more states that nobody stored (errata E30, E63).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from neurarium.nets.connectionist.couplings import Couplings
from neurarium.nets.connectionist.hopfield_theory import critical_load, hebbian_capacity, storkey_capacity
from neurarium.nets.connectionist.patterns import check_patterns, warn_above


def hebbian(patterns: Float[Tensor, "patterns neurons"], *, diagonal: bool = False) -> Couplings:
    """Hebb's rule: units often in the same state strengthen each other; `diagonal` keeps w_ii = s/n, as in the notes.

    Raises ShapeError, DataError: no patterns of -1 and +1. Warns CapacityWarning: more than 0.138 n patterns, beyond
    which random ones are lost all at once.
    Source: D. Hebb, "The organization of behavior", 1949; J. Hopfield, 1982.

    Example:
        >>> hebbian(torch.tensor([[1.0, -1.0, 1.0, 1.0]])).matrix()[0]
        tensor([ 0.0000, -0.2500,  0.2500,  0.2500])
    """
    check_patterns(patterns)
    s, n = patterns.shape
    warn_above(
        critical_load() * n, s, n, "Hebb's rule", f"all of them exactly only up to {hebbian_capacity(n, True):.1f}"
    )
    removed = torch.full_like(patterns[0], 0.0 if diagonal else float(s))
    # integers and their halves are exact up to here
    exact = s * n * torch.finfo(patterns.dtype).eps < 1 / 4
    return Couplings(patterns.T.contiguous(), patterns.contiguous(), removed, 1 / n, whole=exact)


def pseudo_inverse(patterns: Float[Tensor, "patterns neurons"], *, diagonal: bool = False) -> Couplings:
    """Projection onto the span of the patterns: each of them is a fixed point, however they overlap.

    Repeated or dependent patterns change nothing: the span is what counts. Computed in float64. `diagonal` keeps the
    projection's own diagonal, which makes basins of attraction smaller.

    Raises ShapeError, DataError: no patterns of -1 and +1. Warns CapacityWarning: as many patterns as neurons or more:
    every state may be a fixed point.
    Source: L. Personnaz, I. Guyon, G. Dreyfus, "Collective computational properties of neural networks: new learning
    mechanisms", 1986; I. Kanter, H. Sompolinsky, "Associative recall of memory without errors", 1987 (no diagonal).
    """
    check_patterns(patterns)
    s, n = patterns.shape
    warn_above(float(n - 1), s, n, "the pseudo-inverse", "that many patterns span everything")
    x = patterns.double()
    left = (torch.linalg.pinv(x @ x.T, hermitian=True) @ x).T
    own = (left * x.T).sum(1)
    dtype = patterns.dtype
    removed = torch.zeros_like(own) if diagonal else own
    return Couplings(left.to(dtype).contiguous(), patterns.contiguous(), removed.to(dtype))


def storkey(patterns: Float[Tensor, "patterns neurons"]) -> Couplings:
    """Storkey's rule: like Hebb's, less what the net already says about the pattern; the order matters a little.

    With w_ii = 0 and h = W x the sums h_ij are h_i - w_ij x_j, so that one pattern is one update of rank two,

        W <- (1 + 2/n) W + 1/n (u x^T + x u^T),    u = x/2 - h,    then w_ii <- 0

    Raises ShapeError, DataError: no patterns of -1 and +1. Warns CapacityWarning: more than n / sqrt(2 ln n) patterns.
    Source: A. Storkey, "Increasing the capacity of a Hopfield network without sacrificing functionality", 1997.
    """
    check_patterns(patterns)
    s, n = patterns.shape
    warn_above(storkey_capacity(n), s, n, "Storkey's rule")
    w = patterns.new_zeros(n, n)
    for x in patterns:
        u = x / 2 - w @ x
        w.addmm_(torch.stack([u, x], 1), torch.stack([x, u]), beta=1 + 2 / n, alpha=1 / n)
        w.fill_diagonal_(0)
    return Couplings(w, None, patterns.new_zeros(n))


STORAGES: dict[str, Callable[[Tensor], Couplings]] = {
    "hebbian": hebbian,
    "pseudo-inverse": pseudo_inverse,
    "storkey": storkey,
}
