"""Hopfield network: binary neurons with symmetric couplings, whose states run downhill in an energy.

    H(x) = -1/2 sum_ij w_ij x_i x_j + sum_i b_i x_i,    w_ij = w_ji,  x_i in {-1, +1}
    h_i = sum_j w_ij x_j - b_i
    x_i <- sgn(h_i);   h_i = 0 keeps x_i

One unit after the other (asynchronous), H never rises if w_ii >= 0, and each change of state lowers it: the net
comes to rest. All units at once (synchronous), it comes to rest or jumps between two states for ever.

Keeping the state at h_i = 0 is the same as a positive self-coupling smaller than any other field; so both statements
above hold for it too.

Shapes: n neurons; states in rows (probes, n).

Source: J. Hopfield, "Neural networks and physical systems with emergent collective computational abilities", 1982;
E. Goles, F. Fogelman-Soulie, D. Pellegrin, "Decreasing energy functions as a tool for studying threshold networks",
1985 (cycles of length two).
Departs from the notes: they set sgn(0) = +1, with which a unit without any field forgets what it was (errata E25).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurarium.checks import ShapeError, choose
from neurarium.nets.connectionist import hopfield_sweeps
from neurarium.nets.connectionist.couplings import Couplings
from neurarium.nets.connectionist.hopfield_storage import STORAGES
from neurarium.nets.connectionist.patterns import check_patterns
from neurarium.nets.connectionist.retrieval import RecallTrace, Retrieval, check_limit, settle

# Fields below so many rounding errors of their largest term are 0: more than sums of that length collect.
_ROUNDING = 8


def energy(
    couplings: Couplings, states: Float[Tensor, "probes neurons"], bias: Float[Tensor, "neurons"] | None = None
) -> Float[Tensor, "probes"]:
    """H(x) of each state, in float64."""
    # Two factors of few numbers: x W x = (L^T x) . (R x) - removed . x^2
    x = states.double()
    left = x @ couplings.left.double()
    right = x if couplings.right is None else x @ couplings.right.double().T
    coupled = couplings.scale * ((left * right).sum(1) - x.square() @ couplings.removed.double())
    return -coupled / 2 if bias is None else x @ bias.double() - coupled / 2


def recall_asynchronously(
    couplings: Couplings,
    probes: Float[Tensor, "probes neurons"],
    bias: Float[Tensor, "thresholds"] | None = None,
    *,
    order: str = "random",
    seed: int = 0,
    sweeps: int = 100,
    trace: bool = False,
) -> Retrieval:
    """Update one unit after the other until nothing changes; the energy never rises.

    Many probes at once, in the same order of units. Fields come in blocks: one matrix product for those of a block of
    units, then, after each unit's update, a correction of the fields of the block's other units. That is the unit by
    unit dynamics itself, not an approximation. Near rest, where few units turn, all fields come from one product and
    each probe goes from one unit that turns to the next, whichever unit that is for each: the same dynamics again.

    Args:
        order: "random": a new permutation of the units in each sweep; "fixed": 0 .. n-1.
        trace: keep the energy after every single update (sweeps x n x probes numbers) and the states of every sweep.
    Raises ShapeError, DataError: probes of another width or other values than -1 and +1; ConfigError: unknown order, no
    sweeps.

    Example:
        >>> from neurarium.nets.connectionist.hopfield_storage import hebbian
        >>> x = torch.tensor([[1.0, -1.0, 1.0, 1.0, -1.0]])
        >>> recall_asynchronously(hebbian(x), x * torch.tensor([-1.0, 1, 1, 1, 1])).states
        tensor([[ 1., -1.,  1.,  1., -1.]])
    """
    probes = _checked(couplings, probes, bias)
    threshold = _threshold(couplings, bias)
    keep = _tie_width(couplings, bias)
    own = couplings.diagonal().double()[:, None] if trace else None
    first = energy(couplings, probes, bias) if trace else None

    columns = hopfield_sweeps.column_getter(couplings)
    turned_before = float("inf")

    def sweep(before: Tensor, units: Tensor) -> tuple[Tensor, Tensor | None]:
        nonlocal turned_before
        if own is None and turned_before < hopfield_sweeps.FEW:
            states = hopfield_sweeps.sparse_sweep(couplings, columns, before, units, threshold, keep)
        else:
            states, drops = hopfield_sweeps.sweep_by_blocks(couplings, before, units, threshold, keep, own)
        turned_before = float((before - states).abs_().sum()) / (2 * before.shape[1])
        if own is None:
            return states, None
        return states, energy(couplings, before.T, bias) + torch.cat(drops).cumsum(0)

    return settle(probes, sweep, order=order, seed=seed, sweeps=sweeps, start=first)


def recall_synchronously(
    couplings: Couplings,
    probes: Float[Tensor, "probes neurons"],
    bias: Float[Tensor, "thresholds"] | None = None,
    *,
    sweeps: int = 100,
    trace: bool = False,
) -> Retrieval:
    """Update all units at once until nothing changes or two states alternate; the energy may rise on the way."""
    check_limit(sweeps)
    states = _checked(couplings, probes, bias)
    threshold, keep = _threshold(couplings, bias), _tie_width(couplings, bias)
    earlier = torch.zeros_like(states)
    fixed = torch.zeros(len(states), dtype=torch.bool, device=states.device)
    cycle, taken, flips = fixed.clone(), fixed.long(), fixed.long()
    kept = [states]
    for number in range(1, sweeps + 1):
        columns = states.T
        fields = couplings.left @ couplings.inner(columns) + (keep - couplings.removed[:, None]) * columns
        new = torch.copysign(torch.ones_like(states), fields.T - threshold)
        turned = (new != states).sum(1)
        fixed = turned == 0
        # a state that comes back after two steps comes back for ever: what was called a cycle stays one
        cycle = (new == earlier).all(1) & ~fixed
        taken[~fixed] = number
        flips += turned
        earlier, states = states, new
        if trace:
            kept.append(states)
        if bool((fixed | cycle).all()):
            break
    course = None
    if trace:
        course = RecallTrace(torch.stack([energy(couplings, s, bias) for s in kept]), torch.stack(kept), None)
    return Retrieval(states, fixed, cycle, taken, flips, course)


def _checked(couplings: Couplings, probes: Tensor, bias: Tensor | None) -> Tensor:
    """Refuse probes that do not fit; give them the couplings' type."""
    check_patterns(probes, "probes", couplings.neurons)
    if bias is not None and bias.shape != (couplings.neurons,):
        raise ShapeError("bias", expected=f"({couplings.neurons},)", got=f"a tensor of shape {tuple(bias.shape)}")
    return probes.to(couplings.left.dtype)


def _threshold(couplings: Couplings, bias: Tensor | None) -> Tensor:
    """The bias in the units of L R x."""
    if bias is None:
        return torch.zeros_like(couplings.removed)
    return (bias / couplings.scale).to(couplings.removed.dtype)


def _tie_width(couplings: Couplings, bias: Tensor | None) -> float:
    """Up to which size a field counts as 0, in the units of L R x: half the smallest one, or rounding."""
    if couplings.whole and bias is None:
        return 0.5
    largest = float(couplings.left.abs().sum(1).amax())
    if couplings.right is not None:
        largest *= float(couplings.right.abs().sum(1).amax()) ** 0.5
    precision = torch.finfo(couplings.left.dtype)
    return max(_ROUNDING * precision.eps * largest, precision.tiny)


class HopfieldNet(nn.Module):
    """The dynamics above with couplings and bias as buffers; nothing is learned by gradients."""

    left: Tensor
    right: Tensor | None
    removed: Tensor
    bias: Tensor | None

    def __init__(self, couplings: Couplings, bias: Float[Tensor, "neurons"] | None = None) -> None:
        super().__init__()
        self.scale, self.whole = couplings.scale, couplings.whole
        self.register_buffer("left", couplings.left)
        self.register_buffer("right", couplings.right)
        self.register_buffer("removed", couplings.removed)
        self.register_buffer("bias", bias)

    @classmethod
    def storing(cls, patterns: Float[Tensor, "patterns neurons"], storage: str = "hebbian") -> "HopfieldNet":
        """Store patterns by one of `hopfield_storage.STORAGES`. Raises ConfigError, ShapeError, DataError."""
        return cls(choose(storage, STORAGES, subject="storage")(patterns))

    @property
    def couplings(self) -> Couplings:
        """W, sharing the buffers."""
        return Couplings(self.left, self.right, self.removed, self.scale, self.whole)

    def energy(self, states: Float[Tensor, "probes neurons"]) -> Float[Tensor, "probes"]:
        """H of each state."""
        return energy(self.couplings, states, self.bias)

    def recall(
        self,
        probes: Float[Tensor, "probes neurons"],
        *,
        order: str = "random",
        seed: int = 0,
        sweeps: int = 100,
        trace: bool = False,
    ) -> Retrieval:
        """Recall asynchronously; see `recall_asynchronously`."""
        return recall_asynchronously(
            self.couplings, probes, self.bias, order=order, seed=seed, sweeps=sweeps, trace=trace
        )

    def forward(self, probes: Float[Tensor, "probes neurons"]) -> Float[Tensor, "probes neurons"]:
        """The states in which probes come to rest, units in the order 0 .. n-1."""
        return self.recall(probes, order="fixed").states
