"""One sweep of a Hopfield network's units for many probes at once: the unit-by-unit dynamics in few matrix products.

States stand in columns here (n, probes), fields in the units of L R x: without the scale of the couplings, less the
threshold, with `keep` times its own state added so that a unit without any field keeps what it was.

| sweep | price | for |
|---|---|---|
| by blocks | a product for each block of units, corrections within it | probes far from rest |
| sparse | a product for all fields, then one column for each unit that turns | probes near rest |
"""

from collections.abc import Callable

import torch
from torch import Tensor

from neurarium.nets.connectionist.couplings import Couplings

# Units whose fields come from one matrix product; within a block they are kept up to date unit by unit.
_BLOCK = 32
# Where a probe turned fewer units than this in a sweep, the next sweep goes from one such unit to the next.
FEW = 16
# Up to so many neurons the couplings between all of them are written out for that.
_WRITTEN_OUT = 4096


def sweep_by_blocks(
    couplings: Couplings, before: Tensor, units: Tensor, threshold: Tensor, keep: float, own: Tensor | None
) -> tuple[Tensor, list[Tensor]]:
    """Update all units once; return the states and, where `own` gives w_ii, by how much each update moved H."""
    states, inner = before.clone(), couplings.inner(before)
    inner = inner.clone() if couplings.right is None else inner
    drops = []
    for part in units.split(_BLOCK):
        old = states.index_select(0, part)
        new, fields = _block(couplings, part, old, inner, threshold[part], keep)
        change = new - old
        states.index_copy_(0, part, new)
        if couplings.right is None:
            inner.index_copy_(0, part, new)
        else:
            inner.addmm_(couplings.right.index_select(1, part), change)
        if own is not None:
            # a unit's row of `fields` still holds its field at the moment of its update
            met = couplings.scale * (fields - keep * old).double()
            drops.append(-change * met - own[part] * change.square() / 2)
    return states, drops


def _block(
    couplings: Couplings, part: Tensor, old: Tensor, inner: Tensor, threshold: Tensor, keep: float
) -> tuple[Tensor, Tensor]:
    """Update the units `part` in turn; return their new states and the field each met (both units x probes)."""
    left = couplings.left.index_select(0, part)
    right = None if couplings.right is None else couplings.right.index_select(1, part)
    near = left.index_select(1, part) if right is None else left @ right
    fields = torch.addmm((keep - couplings.removed[part, None]) * old - threshold[:, None], left, inner)
    new, plus = old.clone(), old.new_ones(())
    turning = (fields * old).amin(1) < 0
    if int(turning.sum()) > len(part) // 3:
        # first take out what the units of the block add by their old states, then add it by their new ones
        fields.addmm_(near.tril(-1), old, alpha=-1)
        steps = zip(fields.unbind(), new.unbind(), near.T.unbind(), strict=True)
        for following, (field, becomes, weights) in enumerate(steps, start=1):
            torch.copysign(plus, field, out=becomes)
            fields[following:].addr_(weights[following:], becomes)
        return new, fields
    # where most probes are near rest: from one unit that a probe turns to the next
    following = 0
    while bool(turning.any()):
        unit = following + int(turning.nonzero()[0])
        following = unit + 1
        torch.copysign(plus, fields[unit], out=new[unit])
        fields[following:].addr_(near[following:, unit], new[unit] - old[unit])
        turning = (fields[following:] * old[following:]).amin(1) < 0
    return new, fields


def sparse_sweep(
    couplings: Couplings,
    columns: Callable[[Tensor], Tensor],
    before: Tensor,
    units: Tensor,
    threshold: Tensor,
    keep: float,
) -> Tensor:
    """Update all units once, at a price for each unit that turns instead of for each unit; return the states."""
    neurons, count = before.shape
    after, x = before.clone(), before.T.contiguous()
    fields = torch.addmm((keep - couplings.removed) * x - threshold, couplings.inner(before).T, couplings.left.T)
    pull = fields.mul_(x)  # below 0: the unit turns when its turn comes
    # how many updates of the sweep are left when a unit's turn comes, this one counted
    left_then = torch.arange(neurons, 0, -1, device=x.device).to(x.dtype)
    turn = torch.empty_like(left_then).scatter_(0, units, left_then)
    probes = torch.arange(count, device=x.device)
    now = x.new_full((count, 1), neurons + 1)
    while True:
        # products of zeros and ones in floating point, which are several times as fast as with truth values
        ahead = torch.lt(turn, now, out=torch.empty_like(pull))
        now = torch.lt(pull, 0, out=torch.empty_like(pull)).mul_(ahead).mul_(turn).amax(1, keepdim=True)
        moving = now[:, 0].nonzero()[:, 0]
        if not len(moving):
            return after
        if len(moving) < len(probes):
            pull, x, probes, now = (kept.index_select(0, moving) for kept in (pull, x, probes, now))
        unit = units[neurons - now[:, 0].long()]
        old = x.gather(1, unit[:, None])
        after[unit, probes] = -old[:, 0]
        # its own pull and those of units before it are stale from here on, and not looked at again in this sweep
        pull.addcmul_(columns(unit).mul_(x), old, value=-2)


def column_getter(couplings: Couplings) -> Callable[[Tensor], Tensor]:
    """Return a function that gives columns of L R, in rows."""
    left, right = couplings.left, couplings.right
    if couplings.neurons > _WRITTEN_OUT:
        return lambda units: left[:, units].T.contiguous() if right is None else right[:, units].T @ left.T
    written: list[Tensor] = []

    def columns(units: Tensor) -> Tensor:
        if not written:
            written.append(left.T.contiguous() if right is None else right.T @ left.T)
        return written[0].index_select(0, units)

    return columns
